// Writes in a loop in JS, with a chunk of other data read after each: 20,000
// calls of an export that writes once.

import { putIovs, report, startGuest, withFile } from './guest.mjs';

const CALLS = 20000;
const CHUNK = 5000;

const errno = withFile('/dev/null', 'w', (fd) => {
  const { memory, fd_write: fdWrite } = startGuest(fd);
  putIovs(memory, 0, [[64, 16]]);
  const chunks = [];
  let result = 0;
  for (let i = 0; i < CALLS; i++) {
    result |= fdWrite(1, 0, 1, 32);
    chunks.push(new Uint8Array(CHUNK));
  }
  return result;
});

report(errno === 0, `${CALLS} writes in a loop, errno ${errno}`);
