// Writes from a guest that grew its memory: 32 MiB more, then 1,000 calls.

import { putIovs, report, startGuest, withFile } from './guest.mjs';

const CALLS = 1000;
const PAGES = 512; // 32 MiB

const errno = withFile('/dev/null', 'w', (fd) => {
  const { memory, write_loop: writeLoop } = startGuest(fd);
  putIovs(memory, 0, [[64, 16]]);
  return writeLoop(1, 0, 1, 32, 1, PAGES) | writeLoop(1, 0, 1, 32, CALLS, 0);
});

report(errno === 0, `${CALLS} writes after a growth of 32 MiB, errno ${errno}`);
