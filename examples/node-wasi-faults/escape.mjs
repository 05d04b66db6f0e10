// A symbolic link in the middle of a path leads out of the guest's directory.

import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { putText, report, startGuest, withDirectory } from './guest.mjs';

const PERM = 63;
const FD_READ = 2n;

withDirectory((directory) => {
  const inside = join(directory, 'inside');
  mkdirSync(inside);
  mkdirSync(join(directory, 'outside'));
  writeFileSync(join(directory, 'outside', 'secret'), 'secret');
  symlinkSync('../outside', join(inside, 'link'));

  const { memory, path_open: pathOpen } = startGuest(1, inside);
  const length = putText(memory, 64, 'link/secret');
  const errno = pathOpen(3, 0, 64, length, 0, FD_READ, 0n, 0, 16);
  report(
    errno === PERM,
    errno === 0 ? 'a file outside is open' : `errno ${errno}`,
  );
});
