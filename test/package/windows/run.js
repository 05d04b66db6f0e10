'use strict';

// Runs the tests of this project on Windows, except those in left-out.js:
//
//   node test/package/windows/run.js [--wine] [ARGUMENTS OF MOCHA]

const { spawnSync } = require('node:child_process');
const path = require('node:path');
const { WINDOWS, WINE } = require('./left-out');

const ROOT = path.join(__dirname, '..', '..', '..');

// test/buffering and test/sandbox test what the addon alone has.
const FOLDERS = ['preview1', 'output', 'api', 'programs', 'spawn'];

const [first, ...rest] = process.argv.slice(2);
const inWine = first === '--wine';
const given = inWine || first === undefined ? rest : [first, ...rest];
const lists = inWine ? [WINDOWS, WINE] : [WINDOWS];
const files = lists.flatMap((list) => list.files);
const titles = lists.flatMap((list) => list.titles);
// At times Wine does not start a process.
const flags = inWine ? ['--retries', '2'] : [];
const names = given.some((argument) => argument.startsWith('test/'));

const { status } = spawnSync(
  process.execPath,
  [
    '--disable-warning=ExperimentalWarning',
    'node_modules/mocha/bin/mocha.js',
    ...['--no-config', '--timeout', '120000', '--extension', 'test.js'],
    ...flags,
    ...files.flatMap((file) => ['--ignore', `test/${file}`]),
    ...['--grep', titles.join('|'), '--invert'],
    ...given,
    ...(names ? [] : FOLDERS.map((folder) => `test/${folder}`)),
  ],
  { cwd: ROOT, stdio: 'inherit' },
);
process.exitCode = status ?? 1;
