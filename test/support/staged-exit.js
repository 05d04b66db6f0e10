'use strict';

// Run as a process: a guest leaves bytes staged, and it all ends in some way.
//
//   node staged-exit.js JSON
//
// kind       'command', or how a reactor's writes are had: 'WASI', 'createWrites'
// end        a key of ENDS[kind]
// last       which of `files` is written last, and so is staged at the end
// directory  of the files
// worker     whether all this is in a worker, whose status the process takes
// buffered   the option
//
// The process kills itself as soon as all has to be out.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { Worker, isMainThread, workerData } = require('node:worker_threads');
const { createCommand } = require('./command');
const { withWASI, withWrites } = require('./guest');
const { Session } = require('./session');

const STDOUT = 1;
const RECORDS = 500;
const BUFFER_SIZE = 4096;

const KILLED = { status: null, signal: 'SIGKILL' };
const exits = (status) => ({ status, signal: null });

const kill = () => process.kill(process.pid, 'SIGKILL');
function fail() {
  throw new Error('of the host');
}

/** What a file has when all is well. */
function contentsOf(name) {
  let text = '';
  for (let i = 0; i < RECORDS; i++) text += recordOf(name, i);
  return text;
}

const recordOf = (name, i) => `${i} of ${name}\n`;

// How a command ends: what it does when it has written all; options of `WASI`;
// and what the host does with what `start()` throws.
const COMMAND_ENDS = {
  returns: { main() {}, outcome: KILLED },
  'calls proc_exit()': {
    main: ({ guest }) => guest.proc_exit(7),
    outcome: KILLED,
  },
  'calls proc_exit() without returnOnExit': {
    main: ({ guest }) => guest.proc_exit(7),
    options: { returnOnExit: false },
    outcome: exits(7),
  },
  'returns, without returnOnExit': {
    main() {},
    options: { returnOnExit: false },
    outcome: KILLED,
  },
  traps: { main: ({ guest }) => guest.trap(), outcome: exits(1) },
  'traps, which is caught': {
    main: ({ guest }) => guest.trap(),
    caught: true,
    outcome: KILLED,
  },
  'gets an exception from its host': { main: fail, outcome: exits(1) },
  'gets an exception from its host, which is caught': {
    main: fail,
    caught: true,
    outcome: KILLED,
  },
  'has its host call process.exit()': {
    main: () => process.exit(9),
    outcome: exits(9),
  },
};

// The same of a reactor, whose host does this when it has written all.
const REACTOR_ENDS = {
  'has no more to do': { host() {}, outcome: exits(0) },
  'is killed in a microtask': {
    host: () => Promise.resolve().then(kill),
    outcome: KILLED,
  },
  'is killed in the next turn': {
    host: () => setImmediate(kill),
    outcome: KILLED,
  },
  'ends with process.exit()': {
    host: () => process.exit(9),
    outcome: exits(9),
  },
  'ends with process.exit() in a microtask': {
    host: () => queueMicrotask(() => process.exit(9)),
    outcome: exits(9),
  },
  'throws out of its main module': { host: fail, outcome: exits(1) },
  'has a promise rejected': {
    host: () => Promise.reject(new Error('of the host')),
    outcome: exits(1),
  },
  'handles an exception with process.exit()': {
    host() {
      process.on('uncaughtException', () => process.exit(9));
      fail();
    },
    outcome: exits(9),
  },
};

const ENDS = {
  command: COMMAND_ENDS,
  WASI: REACTOR_ENDS,
  createWrites: REACTOR_ENDS,
};

// The fds of the guest, by the name of their file, and a call for each.
function writeAll(session, fds, last) {
  const names = Object.keys(fds).filter((name) => name !== last);
  for (const name of [...names, last]) {
    let offset = 0n;
    for (let i = 0; i < RECORDS; i++) {
      const record = recordOf(name, i);
      if (name === 'positioned') {
        session.pwrite(fds[name], record, offset);
        offset += BigInt(record.length);
      } else {
        session.write(fds[name], record);
      }
    }
  }
}

function runCommand({ end, last, buffered, directory, open }) {
  const { main, options, caught = false, outcome } = COMMAND_ENDS[end];
  const { start } = createCommand(
    {
      stdout: open('stdout'),
      preopens: { '/': directory },
      buffered,
      bufferSize: BUFFER_SIZE,
      ...options,
    },
    (session) => {
      const fds = { stdout: STDOUT };
      for (const name of ['file', 'positioned']) fds[name] = session.open(name);
      writeAll(session, fds, last);
      main(session);
    },
  );
  try {
    start();
  } catch (error) {
    if (!caught) throw error;
  }
  assert.equal(outcome, KILLED, 'start() has returned');
  kill();
}

const REACTORS = {
  WASI({ open, directory, ...options }) {
    const started = withWASI({
      ...options,
      stdout: open('stdout'),
      preopens: { '/': directory },
    });
    const session = new Session(started);
    const fds = { stdout: STDOUT };
    for (const name of ['file', 'positioned']) fds[name] = session.open(name);
    return { session, fds };
  },

  createWrites({ open, buffered, bufferSize }) {
    const fds = { stdout: STDOUT, file: 3, positioned: 4 };
    const hostFds = new Map(
      Object.entries(fds).map(([name, fd]) => [fd, open(name)]),
    );
    const started = withWrites({ fds: hostFds, buffered, bufferSize });
    return { session: new Session(started), fds };
  },
};

function runReactor({ kind, end, last, ...options }) {
  const { session, fds } = REACTORS[kind]({
    ...options,
    bufferSize: BUFFER_SIZE,
  });
  writeAll(session, fds, last);
  REACTOR_ENDS[end].host();
}

function run(settings) {
  const { directory, kind } = settings;
  const open = (name) => fs.openSync(path.join(directory, name), 'w');
  if (kind === 'command') runCommand({ ...settings, open });
  else runReactor({ ...settings, open });
}

if (!isMainThread) {
  if (workerData?.worker) run(workerData);
} else if (require.main === module) {
  const settings = JSON.parse(process.argv[2]);
  if (settings.worker) {
    const worker = new Worker(__filename, { workerData: settings });
    worker.on('exit', (status) => process.exit(status));
    worker.on('error', () => {}); // the status says so
  } else {
    run(settings);
  }
}

module.exports = {
  ENDS,
  FILES: ['stdout', 'file', 'positioned'],
  KILLED,
  contentsOf,
};
