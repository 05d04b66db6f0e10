'use strict';

// The place where a rival writes: a directory of its own, and its standard output.

const { execFileSync, spawn } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { DATA, DATA_SIZE, DEEP, LIST_ENTRIES } = require('./calls');
const { before } = require('./workloads');

// Delays reading, so that the pipe is full for a while.
const SLOW = 'sleep 0.2; exec cat';
const FAST = 'exec cat';

/** A pipe that `cat` empties into a file. */
function openPipe(directory, file, script) {
  const fifo = path.join(directory, 'fifo');
  execFileSync('mkfifo', [fifo]);
  // The shell opens the pipe before anything else.
  const reader = spawn(
    'sh',
    ['-c', `exec <"$1" >"$2"; ${script}`, 'sh', fifo, file],
    {
      stdio: ['ignore', 'ignore', 'inherit'],
    },
  );
  const done = new Promise((resolve) => {
    reader.on('close', resolve);
  });
  return { stdout: fs.openSync(fifo, 'w'), done };
}

// Flushes the file: writing to a page without a place on the disk costs more.
function create(file, content) {
  const fd = fs.openSync(file, 'w');
  fs.writeSync(fd, content);
  fs.fsyncSync(fd);
  fs.closeSync(fd);
}

/** The files for calls.js. */
function createFiles(directory) {
  for (const name of [DATA, DEEP]) {
    const file = path.join(directory, name);
    fs.mkdirSync(path.dirname(file), { recursive: true });
    create(file, Buffer.alloc(DATA_SIZE, 'data'));
  }
  fs.mkdirSync(path.join(directory, 'list'));
  for (let i = 0; i < LIST_ENTRIES; i++) {
    fs.writeFileSync(path.join(directory, 'list', `file-${i}`), '');
  }
}

/**
 * @param {string} parent a directory
 * @param {object} workload
 * @param {object} rival
 * @param {boolean} keep whether to keep all written bytes for a check
 */
function createSite(parent, workload, rival, keep) {
  const directory = fs.mkdtempSync(path.join(parent, 'site-'));
  const out = path.join(directory, 'out');
  let stdout;
  let done;
  const { target } = workload;
  if (target === 'calls') createFiles(directory);
  if (target === 'files' || target === 'calls') {
    stdout = fs.openSync('/dev/null', 'w');
  } else if (target === 'pipe' || target === 'full') {
    const file = keep ? out : '/dev/null';
    ({ stdout, done } = openPipe(directory, file, keep ? SLOW : FAST));
  } else {
    create(out, before(workload));
    create(path.join(directory, 'floor'), before(workload));
    const toFile = target === 'file' ? !rival.files : keep;
    stdout = fs.openSync(toFile ? out : '/dev/null', 'r+');
  }
  return {
    directory,
    stdout,

    /** Called once the process that inherits the descriptor has started. */
    handOver: () => fs.closeSync(stdout),

    /** Resolves when all bytes have arrived, after the writer has ended. */
    arrived: () => done,

    remove: () => fs.rmSync(directory, { recursive: true }),
  };
}

module.exports = { createSite };
