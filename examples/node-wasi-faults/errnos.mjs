// Pointers out of bounds: write(2) fails with EFAULT for them.

import { devNull } from 'node:os';
import { putIovs, report, startGuest, withFile } from './guest.mjs';

const FAULT = 21;
const NOWHERE = 0x7ffffff0;

withFile(devNull, 'w', (fd) => {
  const { memory, fd_write: fdWrite } = startGuest(fd);
  putIovs(memory, 0, [
    [64, 16],
    [NOWHERE, 16],
  ]);
  const errnos = {
    'a buffer': fdWrite(1, 8, 1, 32),
    'the list': fdWrite(1, NOWHERE, 1, 32),
    'the place for the count': fdWrite(1, 0, 1, NOWHERE),
  };
  const seen = Object.entries(errnos)
    .map(([what, errno]) => `${what} ${errno}`)
    .join(', ');
  report(
    Object.values(errnos).every((errno) => errno === FAULT),
    `errnos out of bounds: ${seen}`,
  );
});
