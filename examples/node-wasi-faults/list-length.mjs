// A list of 2^29 buffers: its size in bytes is 2^32, which is 0 in 32 bits.
// Caution: node:wasi takes more than 8 GiB of memory before it dies.

import { devNull } from 'node:os';
import { report, startGuest, u32, withFile } from './guest.mjs';

const FAULT = 21;

withFile(devNull, 'w', (fd) => {
  const { memory, fd_write: fdWrite } = startGuest(fd);
  const errno = fdWrite(1, 0, 0x20000000, 32);
  report(
    errno === FAULT && u32(memory, 32) === 0,
    `a list of 2^29 buffers in a memory of 128 KiB, errno ${errno}`,
  );
});
