// The addon beside a program that stays an ES module, as docs/bundling.md has it.

import path from 'node:path';
import { engine } from 'wasi-writev';

process.env.WASI_WRITEV_ENGINE ??= path.join(
  import.meta.dirname,
  'linux-x64.node',
);
process.stdout.write(engine);
