// A guest grows its memory by 128 KiB before each of 1,000 writes.

import { devNull } from 'node:os';
import { putIovs, report, startGuest, withFile } from './guest.mjs';

const CALLS = 1000;
const PAGES = 2;

const errno = withFile(devNull, 'w', (fd) => {
  const { memory, write_loop: writeLoop } = startGuest(fd);
  putIovs(memory, 0, [[64, 16]]);
  return writeLoop(1, 0, 1, 32, CALLS, PAGES);
});

report(errno === 0, `${CALLS} writes of a growing guest, errno ${errno}`);
