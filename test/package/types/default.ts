// The default import of a CommonJS module in Node. It is compiled, not run.

import wasi from 'wasi-writev';
import * as namespace from 'wasi-writev';

const options: wasi.WASIOptions = { version: 'preview1' };
const instance: namespace.WASI = new wasi.WASI(options);
wasi.run('x', { encoding: 'utf8', stdout: (chunk) => chunk.length });
export const engine: 'native' | 'fallback' = namespace.engine;
export { instance };
