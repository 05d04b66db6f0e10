'use strict';

// A thread with a guest of its own. What it does is `workerData.job`, with the
// other members of `workerData` as that says. It tells 'ready', waits until the
// cell `go` is 1, and ends with a message of its own: the result of the job.

const { parentPort, workerData } = require('node:worker_threads');
const { WASI, createWrites } = require('../..');
const { FDFLAGS } = require('../../lib/preview1');
const { compile, importsFor } = require('./guest');
const { proxyOf } = require('./proxy');
const { fillBuffers, putList } = require('./lists');
const { lineOf, recordOf } = require('./records');
const { PREOPEN, Session } = require('./session');

const STDOUT = 1;

/**
 * A session under our WASI. `memory`: one that is shared with other threads, of
 * which this one uses what is at `base` and above.
 */
function startWASI({
  memory,
  base = 0,
  stdout = STDOUT,
  directory,
  ...options
}) {
  const { buffered, bufferSize } = options;
  const wasi = new WASI({
    version: 'preview1',
    stdout,
    buffered,
    bufferSize,
    preopens: directory && { '/': directory },
  });
  const instance = new WebAssembly.Instance(
    compile(memory ? 'calls-shared-memory' : 'calls'),
    { ...wasi.getImportObject(), env: { memory } },
  );
  wasi.initialize(memory ? proxyOf(instance, memory) : instance);
  return new Session(
    {
      guest: instance.exports,
      memory: memory ?? instance.exports.memory,
      wasi,
    },
    base,
  );
}

/** The same under createWrites, without files. */
function startWrites({ memory, base = 0, stdout, buffered, bufferSize }) {
  memory ??= new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
  const { wasiImport } = createWrites({
    fds: { [STDOUT]: stdout },
    memory,
    buffered,
    bufferSize,
  });
  const module = compile('calls-shared-memory');
  const { exports } = new WebAssembly.Instance(
    module,
    importsFor(module, wasiImport, { env: { memory } }),
  );
  return new Session({ guest: exports, memory }, base);
}

const HOSTS = { WASI: startWASI, createWrites: startWrites };

function waitForGo() {
  parentPort.postMessage('ready');
  Atomics.wait(workerData.go, 0, 0);
}

const jobs = {
  /**
   * Writes `count` records of `size` bytes in four buffers each to `stdout`, or
   * to the end of `file`.
   */
  records({ host = 'WASI', id, count, size, file }) {
    const session = HOSTS[host](workerData);
    const fd =
      file === undefined
        ? STDOUT
        : session.open(file, { fdflags: FDFLAGS.APPEND });
    waitForGo();
    for (let i = 0; i < count; i++) {
      const record = recordOf(id, i, size);
      const quarter = Math.floor(size / 4);
      session.write(fd, [
        record.subarray(0, quarter),
        record.subarray(quarter, 2 * quarter),
        record.subarray(2 * quarter, 3 * quarter),
        record.subarray(3 * quarter),
      ]);
    }
    if (file !== undefined) session.close(fd);
    return session;
  },

  /**
   * Opens a file with `rights`, writes a number to its end, and closes it, `count`
   * times.
   */
  opens({ id, count, rights }) {
    const session = startWASI(workerData);
    waitForGo();
    for (let i = 0; i < count; i++) {
      const fd = session.open(`file ${id}`, {
        rights,
        fdflags: FDFLAGS.APPEND,
      });
      session.write(fd, `${i}\n`);
      session.close(fd);
    }
    return session;
  },

  /** Writes to an open file for ever. */
  writesOn({ id }) {
    const session = startWASI(workerData);
    const fd = session.open(`file ${id}`);
    session.write(fd, '.');
    waitForGo();
    for (;;) session.write(fd, ['.', '..', '...', '....']);
  },

  /** Opens, writes and closes a file for ever. */
  opensOn({ id }) {
    const session = startWASI(workerData);
    waitForGo();
    for (;;) {
      const fd = session.open(`file ${id}`);
      session.write(fd, '.');
      session.close(fd);
    }
  },

  /**
   * Writes `count` records of many buffers, as lists.js makes them, to `stdout` or
   * to the end of `file`. Gives how many bytes of each were written.
   */
  lists({ host = 'WASI', id, count, seed, file }) {
    const session = HOSTS[host](workerData);
    const fd =
      file === undefined
        ? STDOUT
        : session.open(file, { fdflags: FDFLAGS.APPEND });
    fillBuffers(session, id);
    const written = [];
    waitForGo();
    for (let i = 0; i < count; i++) {
      written.push(session.writeList(fd, putList(session, seed, id, i)));
    }
    if (file !== undefined) session.close(fd);
    return { ...session, written };
  },

  /**
   * Writes numbered lines to `stdout` or to `file`, until it has written `count`:
   * with none for ever. How many were accepted is in the cell `done`. With `exit`
   * the thread ends by process.exit().
   */
  lines({ host = 'WASI', file, count = Infinity, done, exit }) {
    const session = HOSTS[host](workerData);
    const fd = file === undefined ? STDOUT : session.open(file);
    waitForGo();
    for (let i = 0; i < count; i++) {
      session.write(fd, lineOf(i));
      Atomics.store(done, 0, i + 1);
    }
    if (exit) process.exit();
    return session;
  },

  /** Writes bytes to `stdout` in one call. */
  bytes({ bytes }) {
    const session = startWASI(workerData);
    waitForGo();
    session.write(STDOUT, bytes);
    return session;
  },
};

const { wasi, written } = jobs[workerData.job](workerData);
if (workerData.directory !== undefined) wasi.wasiImport.fd_close(PREOPEN);
parentPort.postMessage({ ...wasi?.stats, written });
