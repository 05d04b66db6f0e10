'use strict';

// Tools in a thread, against the same loops as a process: what goes through pipes
// in a second, what a start takes, and what memory.

const { execFileSync } = require('node:child_process');
const path = require('node:path');
const { assemble } = require('./guest');
const { buildTool } = require('./install');
const { BLOCK, source } = require('./spawn-tools');
const { summary } = require('./statistics');
const { markdownTable, number, ratioOf } = require('./table');

const CHILD = path.join(__dirname, 'spawn-child.js');

const MIB = 2 ** 20;
const ROUNDS = 5; // of each process
const THREADS = 9; // all but one are counted

// MiB for the slow consumer. In less than the first V8 collects no buffers.
const SHORT = 128;
const LONG = 1024;

const THROUGHPUTS = [
  {
    id: 'writes-64k',
    what: '64 KiB writes, 256 MiB into a pipe',
    tool: 'writes',
    size: BLOCK,
    count: 4096,
    goal: { min: 0.6 },
  },
  {
    id: 'writes-100',
    what: '100 B writes, 50 MB into a pipe',
    tool: 'writes',
    size: 100,
    count: 500_000,
    goal: { min: 2 },
  },
  {
    id: 'cat',
    what: '256 MiB in and out through `cat`',
    tool: 'cat',
    size: BLOCK,
    count: 4096,
    isFed: true,
  },
];

// From the start to the end of a tool that prints a line. Where processes are
// started in between, all that the caches held is gone.
const STARTS = [
  {
    rounds: 200,
    rows: [
      {
        what: '`spawn`, a pooled thread',
        pair: ['spawn', 'runSync'],
        otherName: '`runSync`',
        goal: { max: 4 },
      },
      {
        what: '`run`, a pooled thread',
        pair: ['run', 'runSync'],
        otherName: '`runSync`',
      },
    ],
  },
  {
    rounds: 20,
    rows: [
      {
        what: '`spawn`, a pooled thread, between processes',
        pair: ['spawn', 'command'],
        otherName: 'a process of the command',
        goal: { max: 0.1 },
      },
      {
        what: '`spawn`, a pooled thread, between processes',
        pair: ['spawn', 'native'],
        otherName: 'a process of the C program',
      },
      {
        what: '`spawn`, a new thread, between processes',
        pair: ['newThread', 'worker'],
        otherName: 'an empty `Worker`',
      },
    ],
  },
];

function ask(task) {
  const output = execFileSync(
    process.execPath,
    ['--no-warnings', CHILD, JSON.stringify(task)],
    { encoding: 'utf8' },
  );
  return JSON.parse(output);
}

/** The answers of several processes, put together for each name. */
function gather(answers) {
  const all = {};
  for (const answer of answers) {
    for (const [id, times] of Object.entries(answer)) {
      (all[id] ??= []).push(...times);
    }
  }
  return all;
}

const median = (values) => summary(values).median;

/** The median of the quotients of each round. */
const quotient = (some, others) =>
  median(some.map((value, i) => value / others[i]));

const times = (count, act) => Array.from({ length: count }, (_, i) => act(i));

async function measureThroughput(
  workload,
  { directory, runs, tool },
  progress,
) {
  const { id, what, goal, tool: name, ...sizes } = workload;
  const { size, count } = sizes;
  const task = {
    what: 'throughput',
    source: await assemble(directory, `spawn-${id}`, source(name, sizes)),
    program: [tool, name, ...(name === 'writes' ? [size, count] : [])].map(
      String,
    ),
    rounds: ROUNDS,
    ...sizes,
  };
  const { own, other } = gather(
    times(runs, (i) => {
      progress(`${what}, process ${i + 1} of ${runs}`);
      return ask(task);
    }),
  );
  const rate = (all) => (size * count) / MIB / (median(all) / 1000);
  return {
    what: `${what}, MiB/s`,
    own: rate(own),
    other: rate(other),
    otherName: 'a process of the C program',
    ratio: quotient(other, own),
    goal,
  };
}

function measureStarts({ rounds, rows }, { runs, hello, tool }, progress) {
  const task = {
    what: 'starts',
    source: hello,
    program: [tool, 'hello'],
    ids: [...new Set(rows.flatMap(({ pair }) => pair))],
    rounds,
  };
  const all = gather(
    times(runs, (i) => {
      progress(`starting tools, process ${i + 1} of ${runs}`);
      return ask(task);
    }),
  );
  return rows.map(({ what, pair: [own, other], ...rest }) => ({
    what: `${what}, ms`,
    own: median(all[own]),
    other: median(all[other]),
    ratio: quotient(all[own], all[other]),
    ...rest,
  }));
}

async function measureSlow({ directory, runs }, progress) {
  const peaks = {};
  for (const mib of [SHORT, LONG]) {
    const wasm = await assemble(
      directory,
      `spawn-slow-${mib}`,
      source('writes', { size: BLOCK, count: (mib * MIB) / BLOCK }),
    );
    peaks[mib] = times(runs, () => {
      progress(`${mib} MiB through a slow consumer`);
      return (ask({ what: 'slow', source: wasm }) * 1024) / MIB;
    });
  }
  return {
    what: `the most memory while a slow consumer reads ${LONG} MiB, MiB`,
    own: median(peaks[LONG]),
    other: median(peaks[SHORT]),
    otherName: `${SHORT} MiB`,
    ratio: median(peaks[LONG]) / median(peaks[SHORT]),
    goal: { max: 1.25 },
  };
}

function measureIdle({ runs, hello }, progress) {
  const used = {};
  for (const threads of [1, THREADS]) {
    used[threads] = times(runs, () => {
      progress(`memory with ${threads} idle threads`);
      return ask({ what: 'idle', source: hello, threads }) / MIB;
    });
  }
  const [one, all] = [1, THREADS].map((threads) => median(used[threads]));
  return {
    what: 'memory of one more idle thread, MiB',
    own: (all - one) / (THREADS - 1),
    other: one,
    otherName: 'the process with one',
  };
}

/**
 * @returns {Promise<object[]>} rows: `own` and `other` in the unit of `what`, their
 *   ratio, and its goal where it has one
 */
async function measureSpawn(settings, progress) {
  const { directory } = settings;
  const all = {
    ...settings,
    tool: buildTool(),
    hello: await assemble(directory, 'spawn-hello', source('hello')),
  };
  const rows = [];
  for (const workload of THROUGHPUTS) {
    rows.push(await measureThroughput(workload, all, progress));
  }
  for (const starts of STARTS) {
    rows.push(...measureStarts(starts, all, progress));
  }
  rows.push(await measureSlow(all, progress));
  rows.push(measureIdle(all, progress));
  return rows;
}

function verdict(ratio, { min, max }) {
  const isMet = min === undefined ? ratio <= max : ratio >= min;
  const text = min === undefined ? `≤ ${max}` : `≥ ${min}`;
  return isMet ? `met: ${text}` : `**missed**: ${text}`;
}

const HEADER = ['', 'wasi-writev', 'the other', '', 'ratio', 'goal'];

const rowsOf = (rows) =>
  rows.map(({ what, own, other, otherName, ratio, goal }) => [
    what,
    number(own),
    number(other),
    otherName,
    ratio === undefined ? '' : ratioOf(ratio),
    goal === undefined ? '' : verdict(ratio, goal),
  ]);

function terminal(rows) {
  return [HEADER, ...rowsOf(rows)].map((row) => row.join('; ')).join('\n');
}

function markdown(rows) {
  return ['### Tools in a thread', markdownTable([HEADER, ...rowsOf(rows)])];
}

module.exports = { markdown, measureSpawn, terminal };
