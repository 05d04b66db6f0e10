'use strict';

// A guest tries every fd in a process with open files, pipes and sockets. It must
// reach its own only.

const assert = require('node:assert/strict');
const { execFileSync } = require('node:child_process');
const { once } = require('node:events');
const fs = require('node:fs');
const net = require('node:net');
const path = require('node:path');
const { run } = require('../..');
const { ERRNO } = require('../../lib/preview1');
const { compile, withWASI, withWrites } = require('../helpers/guest');
const { readAvailable } = require('../helpers/host-files');
const { PREOPEN, Session } = require('../helpers/session');

const { O_NONBLOCK, O_RDWR } = fs.constants;
const LAST = 4096;
const MARK = 'guest';
const TEXT = 'the bytes of the host\n'.repeat(1000);
const MODES = ['r+', 'a+', 'r', O_RDWR | O_NONBLOCK];
const FILES = 12;
const PIPES = 4;

/** The descriptors of the host. */
class Host {
  #files = [];
  #pipes = [];
  #sockets = [];
  #received = [];

  async open(directory) {
    for (let i = 0; i < FILES; i++) {
      const file = path.join(directory, `host ${i}`);
      fs.writeFileSync(file, TEXT);
      this.#files.push([file, fs.openSync(file, MODES[i % MODES.length])]);
    }
    for (let i = 0; i < PIPES; i++) {
      const fifo = path.join(directory, `pipe ${i}`);
      execFileSync('mkfifo', [fifo]);
      this.#pipes.push(fs.openSync(fifo, O_RDWR | O_NONBLOCK));
    }
    for (const address of [0, path.join(directory, 'socket')]) {
      const server = net.createServer();
      server.listen(address);
      await once(server, 'listening');
      const client = net.connect(server.address().port ?? address);
      const [socket] = await once(server, 'connection');
      server.close();
      for (const end of [client, socket]) {
        end.on('data', (chunk) => this.#received.push(chunk));
        this.#sockets.push(end);
      }
    }
    this.identities = this.#identify();
  }

  // What each descriptor is open on.
  #identify() {
    return [...this.#files.map(([, fd]) => fd), ...this.#pipes].map((fd) => {
      const { dev, ino } = fs.fstatSync(fd);
      return `${fd}: ${dev} ${ino}`;
    });
  }

  /** Asserts that nothing has changed. */
  check() {
    assert.deepEqual(this.#identify(), this.identities);
    for (const [file] of this.#files) {
      assert.equal(fs.readFileSync(file, 'latin1'), TEXT);
    }
    for (const fd of this.#pipes) {
      assert.equal(readAvailable(fd).toString(), '');
    }
  }

  /** Asserts that each socket gets what the host sends, and nothing else. */
  async close() {
    const closed = this.#sockets.map((socket) => once(socket, 'close'));
    this.#sockets.forEach((socket) => socket.end('.'));
    await Promise.all(closed);
    assert.equal(Buffer.concat(this.#received).toString(), '....');
    for (const [, fd] of this.#files) fs.closeSync(fd);
    for (const fd of this.#pipes) fs.closeSync(fd);
  }
}

/** Every low fd, and `count` random ones of 32 bits. */
function* everyFd(random, count) {
  for (let fd = 0; fd <= LAST; fd++) yield fd;
  for (let i = 0; i < count; i++) yield random.below(2 ** 32) | 0;
}

/** Tries all fds. Returns those that took a write, and those that took a pwrite. */
function tryAll(session, random, count) {
  const writable = new Set();
  const positioned = new Set();
  for (const fd of everyFd(random, count)) {
    if (session.tryWrite(fd, MARK) === ERRNO.SUCCESS) writable.add(fd);
    if (session.tryPwrite(fd, MARK, 0n) === ERRNO.SUCCESS) positioned.add(fd);
  }
  return [writable, positioned].map((fds) => [...fds].sort((a, b) => a - b));
}

function writeAsWASI(directory, buffered, random, count) {
  const open = (name, flags = 'w') =>
    fs.openSync(path.join(directory, name), flags);
  fs.writeFileSync(path.join(directory, 'stdin'), '');
  const streams = {
    stdin: open('stdin', 'r'),
    stdout: open('stdout'),
    stderr: open('stderr'),
  };
  const session = new Session(
    withWASI({
      ...streams,
      preopens: { '/': path.join(directory, 'guest') },
      buffered,
    }),
  );
  const own = [1, 2];
  for (let i = 0; i < 20; i++) {
    own.push(session.open(`file ${i}`));
    if (i % 2 === 0) session.write(own.at(-1), MARK);
  }
  assert.deepEqual(tryAll(session, random, count), [own, own]);

  // Other numbers lead to nothing, inside or outside.
  for (const fd of everyFd(random, count)) {
    if (own.includes(fd) || (fd >= 0 && fd <= PREOPEN)) continue;
    assert.equal(session.guest.fd_renumber(fd, own[0]), ERRNO.BADF);
    assert.equal(session.guest.fd_renumber(own[0], fd), ERRNO.BADF);
    assert.equal(session.guest.fd_close(fd), ERRNO.BADF);
  }
  session.close(0, PREOPEN, ...own);
  assert.deepEqual(tryAll(session, random, count), [[], []]);
  for (const fd of Object.values(streams)) fs.closeSync(fd);
  for (const [i, name] of ['stdout', 'stderr'].entries()) {
    const text = fs.readFileSync(path.join(directory, name), 'latin1');
    assert.equal(text, MARK, `fd ${i + 1}`);
  }
  for (let i = 0; i < 20; i++) {
    const file = path.join(directory, 'guest', `file ${i}`);
    assert.equal(
      fs.readFileSync(file, 'latin1'),
      MARK.repeat(i % 2 === 0 ? 2 : 1),
    );
    fs.unlinkSync(file);
  }
}

function writeAsWrites(directory, buffered, random, count) {
  const own = [0, 1, 70, 4000, 2 ** 20 - 1];
  const files = own.map((fd) => path.join(directory, `own ${fd}`));
  const hostFds = files.map((file) => fs.openSync(file, 'w'));
  const { guest, memory, writes } = withWrites({
    fds: new Map(own.map((fd, i) => [fd, hostFds[i]])),
    buffered,
  });
  const session = new Session({ guest, memory });
  const low = own.filter((fd) => fd <= LAST);
  assert.deepEqual(tryAll(session, random, count), [low, low]);
  session.write(own.at(-1), MARK);
  writes.close();
  assert.deepEqual(tryAll(session, random, count), [[], []]);
  for (const file of files) {
    assert.equal(fs.readFileSync(file, 'latin1'), MARK);
    fs.unlinkSync(file);
  }
  hostFds.forEach((fd) => fs.closeSync(fd));
}

async function runTool(directory, buffered) {
  const names = ['stdout', 'stderr'].map((name) => path.join(directory, name));
  const [stdout, stderr] = names.map((name) => fs.openSync(name, 'w'));
  const stdin = fs.openSync(path.join(directory, 'stdin'), 'r');
  const { exitCode } = await run(compile('every-fd'), {
    preopens: { '/': path.join(directory, 'guest') },
    stdin,
    stdout,
    stderr,
    buffered,
  });
  assert.equal(exitCode, 4);
  fs.closeSync(stdin);
  for (const [i, fd] of [stdout, stderr].entries()) {
    fs.closeSync(fd);
    assert.equal(fs.readFileSync(names[i], 'latin1'), MARK);
  }
}

module.exports = {
  count: 1_000_000,
  unit: 'fds',

  async run({ count, random, directory, progress }) {
    const host = new Host();
    await host.open(directory);
    fs.mkdirSync(path.join(directory, 'guest'));
    let guests = 0;
    for (const guest of [writeAsWASI, writeAsWrites, runTool]) {
      for (const buffered of [false, true, 'auto']) {
        await guest(directory, buffered, random, Math.ceil(count / 9));
        host.check();
        guests++;
        progress(guests * Math.ceil(count / 9));
      }
    }
    await host.close();
    return { fds: guests * (LAST + 1) + count, guests };
  },
};
