// What is written to a tool comes back while it runs.

import { once } from 'node:events';
import { spawn } from 'wasi-writev';

const tool = spawn('toolbox.wasm', { args: ['cat'] });
tool.stdin.write('through ');
const [first] = await once(tool.stdout, 'data');
tool.stdin.end('the pipe');
let text = String(first);
tool.stdout.on('data', (chunk) => {
  text += chunk;
});
await once(tool.stdout, 'end');
const { exitCode } = await tool;
console.log(exitCode === 0 ? text : exitCode);
