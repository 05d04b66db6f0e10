'use strict';

// Three programs, each from the start of its process to the end; the first two are
// real ones, from npm:
//
//   clang   prints the syntax tree of a generated C file, in millions of writes
//           of a few bytes, to standard output, which is a file
//   yosys   prints its manual into a log, line by line; it opens the log itself
//           (-T leaves the footer out, which has times)
//   files   creates, reads, renames and removes 5,000 files: many-files.wat
//
// The packages are large, so they are installed on demand, in programs/.

const { createHash } = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');
const { Child, programOf } = require('./child-process');
const { assemble } = require('./guest');
const { install } = require('./install');
const rivals = require('./rivals');
const { summary } = require('./statistics');
const { markdownTable, number, spread } = require('./table');

const DIRECTORY = path.join(__dirname, 'programs');

const PATIENCE = 600; // seconds

/** A C file with this many functions. */
function cSource(functions) {
  const one = (i) => `int f${i}(int a, int b) {
  int sum = 0;
  for (int i = 0; i < a; i++) {
    sum += i * b + ${i};
    if (sum > 1000) sum -= b;
  }
  return sum;
}
`;
  return Array.from({ length: functions }, (_, i) => one(i)).join('');
}

const repeat = (text, count) => new Array(count).fill(text).join('; ');

const PROGRAMS = [
  {
    id: 'clang',
    name: 'clang, `-ast-dump`',
    wasm: '@yowasp/clang/gen/llvm.core.wasm',
    args: 'clang -cc1 -triple wasm32-wasi -ast-dump /input.c'.split(' '),
    input: ({ quick }) => cSource(quick ? 500 : 3000),
    output: 'stdout',
  },
  {
    id: 'yosys',
    name: 'Yosys, a line-buffered log',
    wasm: '@yowasp/yosys/gen/yosys.core.wasm',
    args: ({ quick }) => [
      ...'yosys -q -T -L /log.txt -p'.split(' '),
      repeat('help -all', quick ? 5 : 20),
    ],
    input: () => '',
    output: 'log.txt',
  },
  {
    id: 'files',
    name: '5,000 files created, read, renamed, removed',
    source: path.join(__dirname, 'many-files.wat'),
    args: ['many-files'],
    input: () => '',
    output: 'stdout',
  },
];

const RIVALS = [
  'wasi-writev',
  'buffered',
  'fallback',
  'node-wasi',
  'closures',
  'deno',
  'wasi-js',
  'wasm-util',
];

function digest(file) {
  const hash = createHash('sha256');
  return hash.update(fs.readFileSync(file)).digest('hex');
}

async function run(program, rival, settings) {
  const directory = fs.mkdtempSync(path.join(settings.directory, 'program-'));
  fs.writeFileSync(path.join(directory, 'input.c'), program.input(settings));
  const stdout = fs.openSync(path.join(directory, 'stdout'), 'w');
  const { args, source, wasm } = program;
  const task = {
    rival: rival.id,
    wasm: source
      ? await assemble(
          settings.directory,
          program.id,
          fs.readFileSync(source, 'utf8'),
        )
      : path.join(DIRECTORY, 'node_modules', wasm),
    args: typeof args === 'function' ? args(settings) : args,
    directory,
  };
  const start = performance.now();
  const options = { ...rival, stdout, patience: PATIENCE };
  const child = new Child('program-child.js', task, options);
  fs.closeSync(stdout);
  const answer = await child.next();
  await child.end();
  const wall = performance.now() - start;
  const file = path.join(directory, program.output);
  const output = fs.existsSync(file) ? digest(file) : undefined;
  const bytes = output === undefined ? 0 : fs.statSync(file).size;
  fs.rmSync(directory, { recursive: true });
  return { ...answer, wall, output, bytes };
}

function resultOf({ rival, runs, right }) {
  const good = runs.filter(({ failed, output }) => !failed && output === right);
  const result = { id: rival.id, name: rival.name };
  if (good.length > 0) {
    const part = (name) => summary(good.map((one) => one[name]));
    result.wall = part('wall');
    result.guest = part('guest');
    result.system = part('system');
  }
  if (good.length < runs.length) {
    const bad = runs.find((one) => !good.includes(one));
    const wrong = `writes ${bad.bytes.toLocaleString('en')} bytes, not the same`;
    result.failed = bad.failed ?? wrong;
    result.failedIn = `${runs.length - good.length} of ${runs.length} runs`;
  }
  return result;
}

/** @param {(text: string) => void} progress */
async function measurePrograms(settings, progress) {
  install(DIRECTORY);
  const results = [];
  for (const program of PROGRAMS) {
    const entries = RIVALS.map((id) => rivals.find((one) => one.id === id))
      .filter(({ runtime }) => programOf(runtime) !== undefined)
      .map((rival) => ({ rival, runs: [] }));
    for (let i = 0; i < settings.runs; i++) {
      for (const { rival, runs } of entries) {
        progress(
          `${program.id}: run ${i + 1} of ${settings.runs}, ${rival.name}`,
        );
        runs.push(await run(program, rival, settings));
      }
    }
    // The output of the majority is right.
    const outputs = entries.flatMap(({ runs }) =>
      runs.map((one) => one.output),
    );
    const count = (output) => outputs.filter((one) => one === output).length;
    const right = outputs.reduce((a, b) => (count(b) > count(a) ? b : a));
    const [{ bytes }] = entries
      .flatMap(({ runs }) => runs)
      .filter(({ output }) => output === right);
    results.push({
      id: program.id,
      name: program.name,
      bytes,
      rivals: entries.map((entry) => resultOf({ ...entry, right })),
    });
  }
  return results;
}

const cellOf = (part) =>
  part.count > 1
    ? `${number(part.median)} (${spread(part)})`
    : number(part.median);

function rowsOf({ name, bytes, rivals: all }) {
  const cells = ({ wall, guest, system, failed, failedIn }) => [
    ...(wall ? [wall, guest, system].map(cellOf) : ['', '', '']),
    failed === undefined ? '' : `${failed}: ${failedIn}`,
  ];
  return [
    [
      `${name}; ${bytes.toLocaleString('en')} bytes`,
      'wall, ms',
      'in the guest, ms',
      'system, ms',
      '',
    ],
    ...all.map((rival) => [rival.name, ...cells(rival)]),
  ];
}

function markdown(results) {
  return [
    '### Whole programs',
    ...results.map((program) => markdownTable(rowsOf(program))),
  ];
}

function terminal(results) {
  return results
    .map((program) =>
      rowsOf(program)
        .map(([name, ...cells], i) =>
          [
            i === 0 ? `\n${name}\n${''.padEnd(28)}` : `  ${name.padEnd(26)}`,
            ...cells.slice(0, 3).map((cell) => cell.padStart(22)),
            ` ${cells[3]}`,
          ].join(''),
        )
        .join('\n'),
    )
    .join('\n');
}

module.exports = { markdown, measurePrograms, terminal };
