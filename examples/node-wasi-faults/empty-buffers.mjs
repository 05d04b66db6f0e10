// 1,024 empty buffers in front of one with data.

import { readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { putIovs, report, startGuest, u32, withFile } from './guest.mjs';

const EMPTY = 1024;
const TEXT = 'the real data';

const path = join(tmpdir(), `empty-buffers-${process.pid}`);
try {
  const [errno, count] = withFile(path, 'wx', (fd) => {
    const { memory, fd_write: fdWrite } = startGuest(fd);
    Buffer.from(memory.buffer).write(TEXT, 64);
    const list = [...new Array(EMPTY).fill([64, 0]), [64, TEXT.length]];
    putIovs(memory, 4096, list);
    return [fdWrite(1, 4096, list.length, 32), u32(memory, 32)];
  });
  const written = readFileSync(path, 'utf8');
  report(
    errno === 0 && count === TEXT.length && written === TEXT,
    `errno ${errno}, ${count} written, ${written.length} of ${TEXT.length} ` +
      'bytes in the file',
  );
} finally {
  rmSync(path, { force: true });
}
