'use strict';

// How long a waiting guest takes to end, from terminate(), process.exit() or a vm
// timeout on.

const { spawnSync } = require('node:child_process');
const path = require('node:path');
const { summary } = require('./statistics');
const { markdownTable, number } = require('./table');

const WAITS = {
  'full pipe': 'a write to a full pipe',
  'empty pipe': 'a read of an empty pipe',
  poll: 'poll_oneoff on a clock',
  fifo: 'path_open of a FIFO without a reader',
};

const ENDS = {
  terminate: 'worker.terminate()',
  exit: 'process.exit()',
  timeout: 'a vm timeout',
};

const CHILD = path.join(__dirname, 'ends-child.js');

/** Measures one end, in a process of its own. In milliseconds. */
function measureOnce(wait, end, directory) {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['--no-warnings', CHILD, wait, end, directory],
    { encoding: 'utf8', timeout: 60_000, killSignal: 'SIGKILL' },
  );
  const exited = Date.now();
  if (status !== 0) throw new Error(`${wait}, ${end}: ${status} ${stderr}`);
  // A process that exits prints when that began.
  return end === 'exit' ? exited - Number(stdout) : Number(stdout);
}

/** @returns {object[]} for each wait, the time of each end */
function measureEnds({ directory, runs }, progress) {
  return Object.keys(WAITS).map((wait) => {
    const times = {};
    for (const end of Object.keys(ENDS)) {
      progress(`${WAITS[wait]}, ended by ${ENDS[end]}`);
      times[end] = summary(
        Array.from({ length: 3 * runs }, () =>
          measureOnce(wait, end, directory),
        ),
      );
    }
    return { wait, times };
  });
}

const HEADER = ['Milliseconds until it has ended', ...Object.values(ENDS)];

const rowsOf = (ends) =>
  ends.map(({ wait, times }) => [
    WAITS[wait],
    ...Object.keys(ENDS).map((end) => number(times[end].median)),
  ]);

function terminal(ends) {
  return [HEADER, ...rowsOf(ends)].map((row) => row.join('; ')).join('\n');
}

function markdown(ends) {
  return [
    '### Ending a guest that waits',
    markdownTable([HEADER, ...rowsOf(ends)]),
  ];
}

module.exports = { markdown, measureEnds, terminal };
