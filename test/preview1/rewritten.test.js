'use strict';

// Paths and subscriptions that another thread rewrites while they are read: the call
// must use what it has checked.

const assert = require('node:assert/strict');
const { once } = require('node:events');
const fs = require('node:fs');
const path = require('node:path');
const { Worker } = require('node:worker_threads');
const { ERRNO } = require('../../lib/preview1');
const { describeShared, newMemory } = require('../helpers/guest-threads');
const { PREOPEN, Session } = require('../helpers/session');
const { useTempDir } = require('../helpers/temp');
const { WASI } = require('../..');

const SCRIPT = path.join(__dirname, '../fixtures/flip-thread.js');
const CALLS = 100_000;
const AT = 4096;
const EVENTS = 8192;
const RESULT = 128;
const STOP = 256;
const MARK = 0xee;

describeShared('Data that another thread rewrites', () => {
  const temp = useTempDir();
  let memory;
  let session;
  let worker;

  beforeEach(() => {
    fs.mkdirSync(temp.path('root/in'), { recursive: true });
    memory = newMemory();
    const wasi = new WASI({
      version: 'preview1',
      preopens: { '/': temp.path('root') },
    });
    wasi.finalizeBindings({ exports: {} }, { memory });
    session = new Session({ guest: wasi.wasiImport, memory, wasi });
  });
  afterEach(() => session.wasi.close());

  /**
   * Makes calls while a thread writes the `texts` to AT in turn, until each errno in
   * `wanted` has occurred. Returns all errnos.
   */
  async function whileRewritten(texts, wanted, call) {
    worker = new Worker(SCRIPT, {
      workerData: { memory, at: AT, texts, stop: STOP },
    });
    await once(worker, 'message');
    const counts = new Map();
    const wasSeen = (errno) => counts.get(errno) >= 10;
    try {
      for (let i = 0; i < CALLS || !wanted.every(wasSeen); i++) {
        const result = call();
        counts.set(result, (counts.get(result) ?? 0) + 1);
      }
    } finally {
      Atomics.store(new Int32Array(memory.buffer), STOP / 4, 1);
      await once(worker, 'exit');
    }
    return [...counts.keys()];
  }

  it('as a path never leads outside', async () => {
    const { guest } = session;
    // A mix of two texts is a name inside, or leads outside as a whole.
    const texts = ['in/x', '../y', '..//', 'x\0xx'].map((text) =>
      Buffer.from(text),
    );
    const outside = fs.readdirSync(temp.path('.'));
    const { INVAL, PERM, SUCCESS } = ERRNO;
    const wanted = [SUCCESS, PERM, INVAL];
    await whileRewritten(texts, wanted, () => {
      const errno = guest.path_create_directory(PREOPEN, AT, 4);
      guest.path_remove_directory(PREOPEN, AT, 4);
      guest.path_filestat_get(PREOPEN, 1, AT, 4, EVENTS);
      return errno;
    });
    assert.deepEqual(fs.readdirSync(temp.path('.')), outside);
    // Its length is four bytes; a shorter name has a NUL inside.
    assert.equal(fs.existsSync(temp.path('root/x')), false);
  });

  it('as subscriptions gives an event of one of them, or INVAL', async () => {
    const COUNT = 1; // an invalid one of several would end the call
    const SIZE = 48;
    const of = (tag, value) => {
      const bytes = Buffer.alloc(COUNT * SIZE);
      for (let i = 0; i < COUNT; i++) {
        bytes.writeUInt8(tag, i * SIZE + 8);
        bytes.writeUInt32LE(value, i * SIZE + 16);
      }
      return bytes;
    };
    // A clock that is due, an fd that is not open, one with a high number, an
    // invalid tag.
    const texts = [of(0, 1), of(1, 77), of(2, 2 ** 32 - 1), of(9, 0)];
    // A mix of two texts may be an fd with the number of a clock, or 0.
    for (const fd of [0, 1]) session.guest.fd_close(fd);
    const view = new DataView(memory.buffer);
    const bytes = new Uint8Array(memory.buffer);
    const end = EVENTS + COUNT * 32;
    bytes.fill(MARK, end, end + 1024);
    const wanted = [ERRNO.SUCCESS, ERRNO.INVAL];
    const errnos = await whileRewritten(texts, wanted, () => {
      const errno = session.guest.poll_oneoff(AT, EVENTS, COUNT, RESULT);
      if (errno !== ERRNO.SUCCESS) return errno;
      const found = view.getUint32(RESULT, true);
      assert.ok(found >= 1 && found <= COUNT, `${found} events`);
      for (let at = EVENTS; at < EVENTS + found * 32; at += 32) {
        const type = view.getUint8(at + 10);
        assert.ok(type <= 2, `an event of type ${type}`);
        const expected = type === 0 ? ERRNO.SUCCESS : ERRNO.BADF;
        assert.equal(view.getUint16(at + 8, true), expected);
      }
      return errno;
    });
    assert.ok(bytes.subarray(end, end + 1024).every((byte) => byte === MARK));
    assert.deepEqual(
      errnos.sort((a, b) => a - b),
      wanted,
    );
  });
});
