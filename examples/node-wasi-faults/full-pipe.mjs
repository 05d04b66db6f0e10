// Output into a full pipe: 1,000,000 bytes in 1,000 calls. The first use of
// process.stdout makes the pipe on fd 1 non-blocking, and the reader starts late.

import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { moduleName, putIovs, report, startGuest } from './guest.mjs';

const CALLS = 1000;
const SIZE = 1000;

if (process.argv[3] === 'write') {
  process.stdout; // opens it
  const { memory, write_loop: writeLoop } = startGuest(1);
  putIovs(memory, 0, [[64, SIZE]]);
  writeLoop(1, 0, 1, 32, CALLS, 0);
} else {
  const command = '"$0" --no-warnings "$@" | { sleep 1; wc -c; }';
  const count = execFileSync(
    'sh',
    [
      '-c',
      command,
      process.execPath,
      fileURLToPath(import.meta.url),
      moduleName,
      'write',
    ],
    { encoding: 'utf8' },
  );
  report(
    Number(count) === CALLS * SIZE,
    `${Number(count)} of ${CALLS * SIZE} bytes arrived`,
  );
}
