// Writes of 2 GiB and more: 1,024 buffers that are all the same memory.

import { devNull } from 'node:os';
import { putIovs, report, startGuest, u32, withFile } from './guest.mjs';

const MIB = 2 ** 20;
const INVAL = 28;
const SENTINEL = 0xabcdabcd;

withFile(devNull, 'w', (fd) => {
  const { memory, fd_write: fdWrite } = startGuest(fd);
  memory.grow((4 * MIB) / 65536);

  const write = (size) => {
    putIovs(memory, 4096, new Array(1024).fill([65536, size]));
    new DataView(memory.buffer).setUint32(32, SENTINEL, true);
    return [fdWrite(1, 4096, 1024, 32), u32(memory, 32)];
  };
  const two = write(2 * MIB);
  const four = write(4 * MIB);

  // The count has 32 bits, too few for 4 GiB.
  const ok =
    two[0] === 0 &&
    two[1] === 2 ** 31 &&
    four[0] === INVAL &&
    four[1] === SENTINEL;
  const said = ([errno, count]) =>
    `errno ${errno}, ${count === SENTINEL ? 'no count' : `${count} written`}`;
  report(ok, `2 GiB: ${said(two)}; 4 GiB: ${said(four)}`);
});
