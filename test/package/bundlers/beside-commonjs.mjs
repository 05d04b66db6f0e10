// The addon beside a program that becomes CommonJS, as docs/bundling.md has it.

import path from 'node:path';
import { engine } from 'wasi-writev';

process.env.WASI_WRITEV_ENGINE ??= path.join(__dirname, 'linux-x64.node');
process.stdout.write(engine);
