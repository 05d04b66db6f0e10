'use strict';

// One process of `--spawn`: the measurement that its argument asks for, as JSON on
// standard output. Tools in a thread and those in a process take turns.

const assert = require('node:assert/strict');
const childProcess = require('node:child_process');
const { createHash } = require('node:crypto');
const { once } = require('node:events');
const path = require('node:path');
const { setTimeout: pause } = require('node:timers/promises');
const { Worker } = require('node:worker_threads');
const { run, runSync, setPoolSize, spawn } = require('..');
const { HELLO, blocks } = require('./spawn-tools');

const COMMAND = path.join(__dirname, '../lib/cli.js');
const WARM_UP = 1; // rounds
const PORTION = 2 ** 20; // bytes that the slow consumer takes
const REST = 1; // ms until it takes more

/** A tool in a thread: its streams, and a promise of its exit code. */
function inThread(source, options) {
  const tool = spawn(source, options);
  const { stdin, stdout } = tool;
  return { stdin, stdout, end: tool.then(({ exitCode }) => exitCode) };
}

/** A tool in a process. */
function inProcess([program, ...args]) {
  const tool = childProcess.spawn(program, args, {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const { stdin, stdout } = tool;
  return { stdin, stdout, end: once(tool, 'close').then(([code]) => code) };
}

async function feed(stdin, chunks) {
  for (const chunk of chunks) {
    if (!stdin.write(chunk)) await once(stdin, 'drain');
  }
  stdin.end();
}

/** Gives a tool its input, and all of its output to `take`, until it has ended. */
async function talk({ stdin, stdout, end }, input, take) {
  const ended = once(stdout, 'end');
  stdout.on('data', take);
  const [code] = await Promise.all([end, feed(stdin, input), ended]);
  assert.equal(code, 0);
}

const digestOf = (chunks) => {
  const hash = createHash('sha256');
  for (const chunk of chunks) hash.update(chunk);
  return hash.digest('hex');
};

/** Asserts that a tool writes what it is to write. */
async function check(tool, input, expected) {
  const hash = createHash('sha256');
  await talk(tool, input, (chunk) => hash.update(chunk));
  assert.equal(hash.digest('hex'), expected);
}

async function timeOf(act) {
  const start = performance.now();
  await act();
  return performance.now() - start;
}

/** Milliseconds of each round, of `WARM_UP` and more. */
async function timesOf(subjects, rounds) {
  const times = Object.fromEntries(Object.keys(subjects).map((id) => [id, []]));
  for (let i = -WARM_UP; i < rounds; i++) {
    for (const [id, { prepare, act }] of Object.entries(subjects)) {
      await prepare?.();
      const time = await timeOf(act);
      if (i >= 0) times[id].push(time);
    }
  }
  return times;
}

/** `size` × `count` bytes out of a tool; where it is `fed`, into it too. */
async function throughput({ source, program, size, count, isFed, rounds }) {
  const written = () => blocks({ size, count });
  const tools = {
    own: () => inThread(source),
    other: () => inProcess(program),
  };
  const expected = digestOf(written());
  const block = Buffer.alloc(size);
  const input = isFed ? new Array(count).fill(block) : [];
  const subjects = {};
  for (const [id, start] of Object.entries(tools)) {
    await check(start(), isFed ? written() : [], expected);
    subjects[id] = {
      async act() {
        let length = 0;
        await talk(start(), input, (chunk) => {
          length += chunk.length;
        });
        assert.equal(length, size * count);
      },
    };
  }
  return timesOf(subjects, rounds);
}

/** A tool that prints a line, from its start to its end, in the ways of `ids`. */
function starts({ source, program, ids, rounds }) {
  const hello = async (tool) => {
    let text = '';
    await talk(tool, [], (chunk) => {
      text += chunk;
    });
    assert.equal(text, HELLO);
  };
  const options = { stdin: 'ignore', encoding: 'utf8' };
  const pooled = async () => {
    setPoolSize(1);
    await hello(inThread(source));
  };
  const subjects = {
    spawn: { prepare: pooled, act: () => hello(inThread(source)) },
    run: {
      prepare: pooled,
      act: async () => assert.equal((await run(source, options)).stdout, HELLO),
    },
    newThread: {
      prepare: () => setPoolSize(0),
      act: () => hello(inThread(source)),
    },
    worker: { act: () => once(new Worker('', { eval: true }), 'exit') },
    runSync: {
      act: () => assert.equal(runSync(source, options).stdout, HELLO),
    },
    command: {
      act: () => hello(inProcess([process.execPath, COMMAND, source])),
    },
    native: { act: () => hello(inProcess(program)) },
  };
  return timesOf(
    Object.fromEntries(ids.map((id) => [id, subjects[id]])),
    rounds,
  );
}

/** The most memory, in KiB, while a slow consumer reads all that a tool writes. */
async function slow({ source }) {
  const { stdin, stdout, end } = inThread(source);
  stdin.end();
  let taken = 0;
  for await (const { length } of stdout) {
    taken += length;
    if (taken < PORTION) continue;
    taken -= PORTION;
    await pause(REST);
  }
  assert.equal(await end, 0);
  return process.resourceUsage().maxRSS;
}

/** Bytes of memory after so many tools have run at once, each in a thread. */
async function idle({ source, threads }) {
  setPoolSize(threads);
  await Promise.all(
    Array.from({ length: threads }, () => talk(inThread(source), [], () => {})),
  );
  return process.memoryUsage.rss();
}

const MEASURES = { idle, slow, starts, throughput };

async function main({ what, ...task }) {
  console.log(JSON.stringify(await MEASURES[what](task)));
}

main(JSON.parse(process.argv[2]));
