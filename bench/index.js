'use strict';

// npm run bench -- --help

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { parseArgs } = require('node:util');
const { measure, measureTrial } = require('./measure');
const { chart } = require('./chart');
const { source } = require('./calls');
const ends = require('./ends');
const { assemble } = require('./guest');
const { build } = require('./install');
const programs = require('./programs');
const { writeReport } = require('./report');
const rivals = require('./rivals');
const scaling = require('./scaling');
const spawn = require('./spawn');
const starting = require('./starting');
const table = require('./table');
const { TRIALS, WORKLOADS } = require('./workloads');

const HELP = `npm run bench -- [options]

Compares the cost of calls under this package, under others, and as system calls
from C.

  --quick              fewer measurements; ends within a minute
  --scaling            instead: how the cost grows
  --real               instead: whole programs, two of them real ones
  --ends               instead: how long a waiting guest takes to end
  --starting           instead: the cost of require() and new WASI()
  --spawn              instead: tools in a thread, against tools in a process
  --all                all of these
  --workloads A,B      only these workloads
  --rivals A,B         only these rivals
  --list               lists the workloads and rivals
  --directory DIR      where to write files (default: the temporary directory)
  --json FILE          writes the results
  --from FILE          starts with the results of --json; measures only what
                       --scaling, --real, --ends, --starting, --spawn or --all
                       ask for
  --svg FILE           draws the chart
  --markdown FILE      writes the tables

Deno is measured too if it is on the PATH, or at the path in DENO.
`;

const FULL = { launches: 3, rounds: 9, batch: 5e6, warmUp: 120, runs: 5 };
const QUICK = { launches: 1, rounds: 5, batch: 3e6, warmUp: 50, runs: 1 };

const QUICK_END = 45_000; // ms after which --quick starts nothing more
const PROGRESS_PAUSE = 5000; // ms

const TYPES = { 0x01021994: 'tmpfs', 0xef53: 'ext4', 0x9123683e: 'btrfs' };

let shown = -Infinity;

/** On standard error: on a terminal in one line, else a line from time to time. */
function progress(text) {
  const now = performance.now();
  const line = `[${Math.round(now / 1000)} s] ${text}`;
  if (process.stderr.isTTY) {
    const width = process.stderr.columns - 1;
    process.stderr.write(`\r\x1b[K${line.slice(0, width)}`);
  } else if (now - shown > PROGRESS_PAUSE) {
    shown = now;
    process.stderr.write(`${line}\n`);
  }
}

function print(text) {
  if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
  if (text !== '') console.log(text);
}

function readOptions() {
  const text = { type: 'string' };
  const flag = { type: 'boolean', default: false };
  const { values } = parseArgs({
    options: {
      quick: flag,
      scaling: flag,
      real: flag,
      ends: flag,
      starting: flag,
      spawn: flag,
      all: flag,
      list: flag,
      help: flag,
      directory: text,
      workloads: text,
      rivals: text,
      json: text,
      from: text,
      svg: text,
      markdown: text,
    },
  });
  return values;
}

/** The items that a list names; all without a list. */
function select(all, names, kind) {
  if (names === undefined) return all;
  return names.split(',').map((name) => {
    const found = all.find(({ id }) => id === name);
    if (found === undefined)
      throw new RangeError(`no ${kind} is called ${name}`);
    return found;
  });
}

function describeMachine(directory, settings) {
  const cpus = os.cpus();
  const type = fs.statfsSync(directory).type;
  return {
    date: new Date().toISOString().slice(0, 10),
    node: process.version,
    cpu: cpus[0].model,
    cpus: cpus.length,
    system: `${os.type()} ${os.release()} ${os.arch()}`,
    files: TYPES[type] ?? `a file system of type 0x${type.toString(16)}`,
    settings,
  };
}

const isLate = ({ quick }) => quick && performance.now() > QUICK_END;

async function measureMain(workloads, chosen, settings) {
  const results = [];
  for (const [i, workload] of workloads.entries()) {
    const title = `${i + 1} of ${workloads.length}: ${workload.group}, ${workload.name}`;
    if (isLate(settings)) {
      print(`\n${title}: left out, since the minute is over`);
      continue;
    }
    const result = await measure(workload, chosen, settings, (step) =>
      progress(`${title}; ${step}`),
    );
    results.push(result);
    print(table.terminal(result));
  }
  const trials = [];
  for (const trial of isLate(settings) ? [] : TRIALS) {
    progress(trial.name);
    trials.push(await measureTrial(trial, chosen, settings));
  }
  print(table.terminalTrials(trials));
  print(table.terminalTargets(results));
  return { workloads: results, trials };
}

async function run(options, results) {
  const settings = options.quick ? { ...QUICK, quick: true } : { ...FULL };
  const parent = path.resolve(options.directory ?? os.tmpdir());
  const directory = fs.mkdtempSync(path.join(parent, 'wasi-writev-'));
  const remove = () => fs.rmSync(directory, { recursive: true });
  process.once('SIGINT', () => {
    remove();
    process.exit(130);
  });
  try {
    build();
    results.machine = describeMachine(directory, settings);
    const guests = {
      writes: await assemble(directory),
      calls: await assemble(directory, 'calls', source()),
    };
    Object.assign(settings, { directory, guests });
    print(table.describe(results.machine));
    if (options.main) {
      const some = options.quick && options.workloads === undefined;
      const workloads = select(WORKLOADS, options.workloads, 'workload').filter(
        ({ quick }) => quick || !some,
      );
      const chosen = select(rivals, options.rivals, 'rival');
      results.main = await measureMain(workloads, chosen, settings);
    }
    if (options.scaling) {
      results.curves = await scaling.measureCurves(settings, progress);
      print(scaling.terminal(results.curves));
    }
    if (options.real) {
      results.programs = await programs.measurePrograms(settings, progress);
      print(programs.terminal(results.programs));
    }
    if (options.ends) {
      results.ends = ends.measureEnds(settings, progress);
      print(ends.terminal(results.ends));
    }
    if (options.starting) {
      results.starting = starting.measureStarting(settings, progress);
      print(starting.terminal(results.starting));
    }
    if (options.spawn) {
      results.spawn = await spawn.measureSpawn(settings, progress);
      print(spawn.terminal(results.spawn));
    }
  } finally {
    remove();
  }
}

async function main() {
  const options = readOptions();
  if (options.help) {
    console.log(HELP);
    return;
  }
  if (options.list) {
    const names = (all) =>
      all.map(({ id, name }) => `  ${id.padEnd(20)}${name}`);
    console.log(['Workloads', ...names(WORKLOADS)].join('\n'));
    console.log(['Rivals', ...names(rivals)].join('\n'));
    return;
  }
  const PARTS = ['scaling', 'real', 'ends', 'starting', 'spawn'];
  if (options.all) for (const part of PARTS) options[part] = true;
  const parts = PARTS.some((part) => options[part]);
  options.main = options.all || (!parts && options.from === undefined);

  const results =
    options.from === undefined
      ? {}
      : JSON.parse(fs.readFileSync(options.from, 'utf8'));
  if (options.main || parts) await run(options, results);

  if (options.json) {
    fs.writeFileSync(options.json, `${JSON.stringify(results, null, 2)}\n`);
  }
  if (options.svg) fs.writeFileSync(options.svg, chart(results));
  if (options.markdown) writeReport(options.markdown, results);
}

main().catch((error) => {
  print(`\n${error.message}`);
  process.exitCode = 1;
});
