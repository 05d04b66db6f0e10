'use strict';

// npm run soak -- WHAT [--count N] [--seed S]

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { parseArgs } = require('node:util');
const { engine } = require('../..');
const { Random } = require('../helpers/random');

const HELP = `npm run soak -- WHAT [--count N] [--seed S]

Runs a test for a long time. npm test runs a short form of each. WHAT is one of

  threads       threads write long lists to one file
  rewrite       a thread rewrites the list that another one writes
  terminate     threads are terminated at any moment, or end by process.exit()
  ends          JS is ended at any moment: terminate(), vm timeouts, a full stack
  kill          a process that writes is killed, or exits under its threads
  isolation     a guest tries every fd
  shared-files  threads of one guest open, write, renumber and close together
  writes        small writes to one fd
  opens         a file is opened, written and closed

  --count N   how often (default: as often as before a release)
  --seed S    of the random numbers (default: random)

WASI_WRITEV_ENGINE=fallback tests the engine in JS. Prints figures as JSON on
standard output. The exit status is 0 if every promise was kept.
`;

const TASKS = {
  threads: require('./threads'),
  rewrite: require('./rewrite'),
  terminate: require('./terminate'),
  ends: require('./ends'),
  kill: require('./kill'),
  isolation: require('./isolation'),
  'shared-files': require('./shared-files'),
  writes: require('./writes'),
  opens: require('./opens'),
};

const PAUSE = 2000; // ms between two lines of progress

function progressOf(what, count, unit) {
  const begin = performance.now();
  let shown = begin;
  return (done) => {
    const now = performance.now();
    if (now - shown < PAUSE) return;
    shown = now;
    const seconds = Math.round((now - begin) / 1000);
    process.stderr.write(
      `${what}: ${done} of ${count} ${unit}, ${seconds} s\n`,
    );
  };
}

async function main() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      count: { type: 'string' },
      seed: { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  const [what] = positionals;
  const task = TASKS[what];
  if (values.help || positionals.length !== 1 || task === undefined) {
    process.stdout.write(HELP);
    return values.help ? 0 : 2;
  }
  const count = Number(values.count ?? task.count);
  const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31));
  if (!Number.isSafeInteger(count) || !Number.isSafeInteger(seed)) {
    throw new Error('--count and --seed take an integer');
  }
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'wasi-writev-'));
  const begin = performance.now();
  try {
    const figures = await task.run({
      count,
      directory,
      random: new Random(seed),
      progress: progressOf(what, count, task.unit),
    });
    const seconds = Math.round(performance.now() - begin) / 1000;
    const { version } = process;
    process.stdout.write(
      `${JSON.stringify({ what, seed, engine, version, seconds, ...figures })}\n`,
    );
    return 0;
  } catch (error) {
    process.stderr.write(`${what}: failed with --seed ${seed}\n`);
    throw error;
  } finally {
    fs.rmSync(directory, { recursive: true });
  }
}

main().then(
  (status) => {
    process.exitCode = status;
  },
  (error) => {
    console.error(error);
    process.exit(1);
  },
);
