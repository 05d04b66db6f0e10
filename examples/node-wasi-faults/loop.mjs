// Writes in a loop in JS: the host calls an export that writes once, 100,000 times,
// and keeps up to 40 MB of other data meanwhile.

import { devNull } from 'node:os';
import { putIovs, report, startGuest, withFile } from './guest.mjs';

const CALLS = 100000;
const CHUNK = 10000;
const CHUNKS_KEPT = 4000;

const errno = withFile(devNull, 'w', (fd) => {
  const { memory, fd_write: fdWrite } = startGuest(fd);
  putIovs(memory, 0, [[64, 16]]);
  let chunks = [];
  let result = 0;
  for (let i = 0; i < CALLS; i++) {
    result |= fdWrite(1, 0, 1, 32);
    chunks.push(new Uint8Array(CHUNK));
    if (chunks.length === CHUNKS_KEPT) chunks = [];
  }
  return result;
});

report(errno === 0, `${CALLS} writes in a loop, errno ${errno}`);
