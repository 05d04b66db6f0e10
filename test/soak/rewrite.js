'use strict';

// A thread rewrites the list of buffers that another one writes. Each call must
// write all bytes of a list from the guest's memory, or say FAULT.

const assert = require('node:assert/strict');
const { execFileSync, spawn } = require('node:child_process');
const { once } = require('node:events');
const fs = require('node:fs');
const path = require('node:path');
const { Worker } = require('node:worker_threads');
const { WASI, createWrites, engine } = require('../..');
const { ERRNO } = require('../../lib/preview1');
const { makeGuest } = require('../helpers/memory-kinds');
const { Session, PREOPEN } = require('../helpers/session');

const FD = 1;
const NWRITTEN = 8;
const STOP = 16;
const IOVS = 1024;
const DATA = 16384;
const SIZE = 2 * 65536; // of makeGuest
const BYTE = 0x5a;

// All valid lengths are multiples of this. A part of a buffer that straddles the end
// is not.
const UNIT = 16;
const MAX_BUFFERS = 1500;
const COUNTS = [1, 2, 3, 4, 60, 1024, MAX_BUFFERS];

// Some lists have all buffers, most only the first few. Those are rewritten so often
// that it happens between two looks.
const LISTS = 256;
const FEW = 4;

const CHECK_EVERY = 2000; // calls

function goodBuffer(random) {
  const units = random.oneIn(10) ? random.below(256) : random.below(4);
  const pointer = random.between(DATA, SIZE - UNIT * units);
  return [pointer, UNIT * units];
}

// Each half of it, combined with half of a good one, is good or FAULT.
function badBuffer(random) {
  const [pointer] = goodBuffer(random);
  // A partial write would show in the count.
  if (random.oneIn(2)) return [SIZE - UNIT / 2, UNIT];
  return random.pick([
    [SIZE, UNIT],
    [0x7fffffff, UNIT],
    [0x80000000, UNIT],
    [0xffffffff - UNIT + 1, UNIT],
    [pointer, SIZE],
    [pointer, 0x80000000],
    [pointer, 0xffffffff - UNIT + 1],
  ]);
}

/** Half of the lists have no bad buffer, the others a few or many. */
function makeLists(random) {
  const never = 2 ** 31;
  return Array.from({ length: LISTS }, (_, i) => {
    const length = i === 0 ? MAX_BUFFERS : FEW;
    const bad = i === 0 ? never : random.pick([never, never, 2 * FEW, 2]);
    return Array.from({ length }, () =>
      random.oneIn(bad) ? badBuffer(random) : goodBuffer(random),
    );
  });
}

/** A guest with the file at fd `FD`, or at the one that it returns. */
function overWrites(file, buffered) {
  const stdout = fs.openSync(file, 'a');
  const writes = createWrites({ fds: { [FD]: stdout }, buffered });
  const { guest, memory } = makeGuest('shared', writes.wasiImport);
  writes.setMemory(memory);
  const close = () => {
    writes.close();
    fs.closeSync(stdout);
  };
  return { guest, memory, fd: FD, flush: () => writes.flush(), close };
}

function overOpened(file, buffered) {
  const wasi = new WASI({
    version: 'preview1',
    preopens: { '/': path.dirname(file) },
    buffered,
  });
  const { guest, instance, memory } = makeGuest('shared', wasi.wasiImport);
  wasi.finalizeBindings(instance, { memory });
  const session = new Session({ guest, memory });
  const fd = session.open(path.basename(file), { fdflags: 1 });
  const close = () => session.close(fd, PREOPEN);
  const flush = () => wasi.flush();
  return { guest, memory, fd, flush, close, opened: true };
}

// A list that does not fit one call is read again here.
function overPipe(file, buffered) {
  const fifo = `${file}.fifo`;
  execFileSync('mkfifo', [fifo]);
  const { O_RDWR } = fs.constants;
  const held = fs.openSync(fifo, O_RDWR);
  const host = overWrites(fifo, buffered);
  const reader = spawn('cat', [fifo], {
    stdio: ['ignore', fs.openSync(file, 'a'), 'inherit'],
  });
  const exit = once(reader, 'exit');
  const close = async () => {
    host.close();
    fs.closeSync(held);
    assert.deepEqual(await exit, [0, null]);
    fs.unlinkSync(fifo);
  };
  return { ...host, close, stream: true };
}

const HOSTS = { overWrites, overOpened, overPipe };

/**
 * Asserts that a file has `size` bytes, each of them BYTE unless `byNode`, and
 * empties it. Node reads a list byte by byte, so a mixed pointer leads to other
 * bytes of the guest's memory.
 */
function checkFile(file, size, byNode) {
  const bytes = fs.readFileSync(file);
  assert.equal(bytes.length, size);
  if (!byNode) {
    assert.equal(
      bytes.findIndex((byte) => byte !== BYTE),
      -1,
    );
  }
  fs.truncateSync(file);
}

async function attack(makeHost, buffered, count, random, file, onCalls) {
  const { guest, memory, fd, flush, close, opened, stream } = makeHost(
    file,
    buffered,
  );
  assert.equal(memory.buffer.byteLength, SIZE);
  new Uint8Array(memory.buffer).fill(BYTE, DATA);
  const words = new Uint32Array(memory.buffer);
  words[STOP / 4] = 0;
  const lists = makeLists(random);
  words.set(lists[0].flat(), IOVS / 4);
  const worker = new Worker(
    path.join(__dirname, '..', 'fixtures', 'rewrite-thread.js'),
    { workerData: { memory, at: IOVS, lists, stop: STOP } },
  );
  const exit = once(worker, 'exit');
  await once(worker, 'message');

  // Node reads the list again when it makes the write.
  const byNode = opened && engine === 'fallback';
  const refusals = [ERRNO.FAULT, ...(byNode ? [ERRNO.OVERFLOW] : [])];
  const seen = { SUCCESS: 0, FAULT: 0 };
  let total = 0;
  for (let i = 0; i < count || seen.SUCCESS * seen.FAULT === 0; i++) {
    const length = random.pick(COUNTS);
    const errno =
      i % 2 === 0 || stream
        ? guest.fd_write(fd, IOVS, length, NWRITTEN)
        : guest.fd_pwrite(fd, IOVS, length, BigInt(total), NWRITTEN);
    if (errno === ERRNO.SUCCESS) {
      seen.SUCCESS++;
      assert.equal(words[NWRITTEN / 4] % UNIT, 0);
      total += words[NWRITTEN / 4];
    } else {
      assert.ok(refusals.includes(errno), `errno ${errno}`);
      seen.FAULT++;
    }
    if (i % CHECK_EVERY === 0) {
      flush();
      // The end of a pipe shows only at the end.
      if (!stream) {
        checkFile(file, total, byNode);
        total = 0;
      }
      onCalls(i);
    }
  }
  Atomics.store(words, STOP / 4, 1);
  await exit;
  flush();
  await close();
  checkFile(file, total, byNode);
  fs.unlinkSync(file);
  return seen;
}

module.exports = {
  count: 1_000_000,
  unit: 'calls',

  async run({ count, random, directory, progress }) {
    const figures = { calls: 0, succeeded: 0, refused: 0 };
    const file = path.join(directory, 'file');
    const ways = Object.values(HOSTS).flatMap((host) =>
      [false, true].map((buffered) => [host, buffered]),
    );
    for (const [host, buffered] of ways) {
      const { SUCCESS, FAULT } = await attack(
        host,
        buffered,
        Math.ceil(count / ways.length),
        random,
        file,
        (calls) => progress(figures.calls + calls),
      );
      figures.calls += SUCCESS + FAULT;
      figures.succeeded += SUCCESS;
      figures.refused += FAULT;
    }
    return figures;
  },
};
