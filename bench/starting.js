'use strict';

// The cost before a guest runs: `require` of the package, compared with an empty
// package with the same package.json, each in its own process; and a `WASI` without
// options, compared with Node's, in one process.

const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { summary } = require('./statistics');
const { markdownTable, number } = require('./table');

const ROOT = path.join(__dirname, '..');
const CHILD = path.join(__dirname, 'starting-child.js');
const PACKAGES = ['empty', 'wasi-writev'];
const PROCESSES = 6; // for each run

/** A project in which npm has installed the package and an empty one. */
function createProject(directory) {
  const modules = path.join(directory, 'starting', 'node_modules');
  const own = path.join(modules, 'wasi-writev');
  const empty = path.join(modules, 'empty');
  fs.mkdirSync(path.join(empty, 'lib'), { recursive: true });
  fs.mkdirSync(own);
  const manifest = fs.readFileSync(path.join(ROOT, 'package.json'), 'utf8');
  for (const part of ['lib', 'src', 'package.json', 'build/Release']) {
    fs.cpSync(path.join(ROOT, part), path.join(own, part), { recursive: true });
  }
  fs.writeFileSync(path.join(empty, 'package.json'), manifest);
  fs.writeFileSync(path.join(empty, 'lib/index.js'), 'module.exports = {};\n');
  return path.dirname(modules);
}

function ask(directory, ...args) {
  const output = execFileSync(
    process.execPath,
    ['--no-warnings', CHILD, ...args],
    { cwd: directory, encoding: 'utf8' },
  );
  return JSON.parse(output);
}

/** @returns {object[]} rows: a name, the two values in `unit`, and their ratio */
function measureStarting({ directory, runs }, progress) {
  const project = createProject(directory);
  const loads = { empty: [], 'wasi-writev': [] };
  const made = { ours: [], node: [], ratio: [] };
  for (let i = 0; i < PROCESSES * runs; i++) {
    progress(`loading and constructing, process ${i + 1}`);
    for (const name of PACKAGES) {
      loads[name].push(ask(project, 'require', name));
    }
    const { ours, node } = ask(project, 'construct', 'wasi-writev');
    made.ours.push(ours);
    made.node.push(node);
    made.ratio.push(ours / node);
  }
  const medians = (values) => summary(values).median;
  const [empty, own] = PACKAGES.map((name) => medians(loads[name]));
  return [
    {
      what: '`require`, ms; an empty package',
      own,
      other: empty,
      ratio: own / empty,
    },
    {
      what: '`new WASI`, µs; that of `node:wasi`',
      own: medians(made.ours),
      other: medians(made.node),
      ratio: medians(made.ratio),
    },
  ];
}

const HEADER = ['', 'wasi-writev', 'the other', 'ratio'];

const rowsOf = (rows) =>
  rows.map(({ what, own, other, ratio }) => [
    what,
    ...[own, other, ratio].map(number),
  ]);

function terminal(rows) {
  return [HEADER, ...rowsOf(rows)].map((row) => row.join('; ')).join('\n');
}

function markdown(rows) {
  return ['### Starting', markdownTable([HEADER, ...rowsOf(rows)])];
}

module.exports = { markdown, measureStarting, terminal };
