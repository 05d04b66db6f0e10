// CommonJS. It is compiled, not run.

import wasi = require('wasi-writev');
import register = require('wasi-writev/register');

const options: wasi.WASIOptions = { version: 'preview1' };
const instance: wasi.WASI = new wasi.WASI(options);
const { stdout } = wasi.runSync('x', { encoding: 'utf8' });
const text: string = stdout;
export = { instance, register, text };
