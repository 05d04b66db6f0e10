// endings.mjs PACKAGE GUESTS: tools that are ended from outside, one after the other.
// Prints, as JSON, how each ended.

import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import process from 'node:process';

const [root, guests] = process.argv.slice(2);
const { spawn } = createRequire(import.meta.url)(root);
const TOOLBOX = path.join(guests, 'toolbox.wasm');
const ENDLESS = path.join(guests, 'endless.wasm');
const told = {};

async function tell(name, tool) {
  try {
    await tool;
    told[name] = 'nothing';
  } catch ({ code, isCanceled, timedOut, isTerminated, stderr }) {
    told[name] = { code, isCanceled, timedOut, isTerminated, stderr };
  }
}

const start = (file, args, options) =>
  spawn(file, { args, stderr: 'capture', encoding: 'utf8', ...options });

const reads = start(TOOLBOX, ['cat']);
reads.stdin.write('a word');
reads.stdout.once('data', () => reads.kill());
await tell('kill', reads);

const controller = new AbortController();
const { signal } = controller;
const writes = start(TOOLBOX, ['forever'], { signal });
writes.stdout.once('readable', () => controller.abort());
await tell('abort', writes);

await tell('timeout', start(TOOLBOX, ['cat'], { timeout: 10 }));
await tell('endless', start(ENDLESS, [], { timeout: 10 }));

// The thread may be done with its tool, or not, when it is ended by force.
for (let i = 0; i < 50; i++) {
  const options = { forceKillAfterDelay: i % 3 };
  const tool = start(TOOLBOX, ['cat'], options);
  tool.stdin.write('a word');
  tool.stdout.once('data', () => tool.kill());
  await tell('forced', tool);

  const { exitCode, stdout } = await start(TOOLBOX, ['say', 'hi'], {
    stdout: 'capture',
  });
  told.next = { exitCode, stdout };
}

fs.writeSync(1, JSON.stringify(told));
// Not every runtime ends the thread of the endless tool.
process.exit();
