'use strict';

// Writes from every kind of memory, also while it grows.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const { WASI, createWrites } = require('../..');
const { ERRNO } = require('../../lib/preview1');
const {
  compile,
  importsFor,
  putBytes,
  putIovs,
  u32,
} = require('../helpers/guest');
const { useTempDir } = require('../helpers/temp');
const { grownByThread } = require('../helpers/grown-by-thread');

const PAGE = 65536;
const GIB = 2 ** 30;
const STDOUT = 1;

// Node 26 has toResizableBuffer(); these are skipped below.
const itResizable =
  'toResizableBuffer' in WebAssembly.Memory.prototype ? it : it.skip;

// Each creates a guest whose stdout is the host descriptor `stdout`, with the given
// `memory` or its own.
const HOSTS = {
  WASI(stdout, name, memory) {
    const wasi = new WASI({ version: 'preview1', stdin: stdout, stdout });
    const { exports } = new WebAssembly.Instance(compile(name), {
      ...wasi.getImportObject(),
      env: { memory },
    });
    wasi.finalizeBindings({ exports }, memory && { memory });
    return { guest: exports, memory: memory ?? exports.memory, wasi };
  },

  createWrites(stdout, name, memory) {
    const writes = createWrites({ fds: { [STDOUT]: stdout } });
    const module = compile(name);
    const { exports } = new WebAssembly.Instance(
      module,
      importsFor(module, writes.wasiImport, { env: { memory } }),
    );
    memory ??= exports.memory;
    writes.setMemory(memory);
    return { guest: exports, memory };
  },
};

// fd_pwrite gets the end of the file as the offset.
const CALLS = {
  fd_write: (guest, count, iovs, nwritten) =>
    guest.fd_write(STDOUT, iovs, count, nwritten),
  fd_pwrite: (guest, count, iovs, nwritten, offset) =>
    guest.fd_pwrite(STDOUT, iovs, count, BigInt(offset), nwritten),
};

// Where a test puts its data: all or one part of it is in the new part of a memory
// that has grown to `end` bytes.
const OLD = { data: 4096, iovs: 2048, nwritten: 1024 };
const NEW_PARTS = {
  'the bytes': (end) => ({ ...OLD, data: end - 1024 }),
  'the list': (end) => ({ ...OLD, iovs: end - 1024 }),
  nwritten: (end) => ({ ...OLD, nwritten: end - 4 }),
  everything: (end) => ({
    data: end - 1024,
    iovs: end - 512,
    nwritten: end - 4,
  }),
};

for (const [hostName, start] of Object.entries(HOSTS)) {
  for (const [callName, call] of Object.entries(CALLS)) {
    describe(`memory: ${callName} of ${hostName}`, () => {
      const dir = useTempDir();
      let out;
      let expected;

      beforeEach(() => {
        out = fs.openSync(dir.path('out'), 'w+');
        expected = '';
      });
      afterEach(() => fs.closeSync(out));

      // Writes the data in memory, and asserts that `text` arrives.
      function arrives({ guest, memory }, text, { iovs, nwritten }) {
        assert.equal(
          call(guest, 1, iovs, nwritten, expected.length),
          ERRNO.SUCCESS,
        );
        assert.equal(u32(memory, nwritten), text.length);
        expected += text;
        assert.equal(dir.read('out'), expected);
      }

      function writes(started, text, places = OLD) {
        const length = putBytes(started.memory, places.data, text);
        putIovs(started.memory, places.iovs, [[places.data, length]]);
        arrives(started, text, places);
      }

      function faults({ guest }, { iovs, nwritten }) {
        assert.equal(
          call(guest, 1, iovs, nwritten, expected.length),
          ERRNO.FAULT,
        );
        assert.equal(dir.read('out'), expected);
      }

      const growers = {
        'the guest': ({ guest }, pages) => guest.grow(pages),
        'the host': ({ memory }, pages) => memory.grow(pages),
      };
      for (const [grower, grow] of Object.entries(growers)) {
        it(`writes on after ${grower} has grown the memory`, () => {
          const started = start(out, 'calls');
          writes(started, 'before ');
          for (const [name, places] of Object.entries(NEW_PARTS)) {
            assert.notEqual(grow(started, 1), -1);
            writes(
              started,
              `${name} `,
              places(started.memory.buffer.byteLength),
            );
          }
        });
      }

      it('writes on after a growth by no page, which detaches the buffer', () => {
        const started = start(out, 'calls');
        writes(started, 'before ');
        const { buffer } = started.memory;
        started.memory.grow(0);
        assert.equal(buffer.byteLength, 0);
        writes(started, 'after');
      });

      it('refuses what is still out of bounds after a growth', () => {
        const started = start(out, 'calls');
        writes(started, 'before');
        started.memory.grow(1);
        const end = started.memory.buffer.byteLength;
        faults(started, { ...OLD, nwritten: end - 3 });
        faults(started, { ...OLD, iovs: end - 7 });
        putIovs(started.memory, OLD.iovs, [[end - 5, 6]]);
        faults(started, OLD);
      });

      it('writes from a memory that the host brings, with no maximum', () => {
        const memory = new WebAssembly.Memory({ initial: 1 });
        const started = start(out, 'calls-imported-memory', memory);
        writes(started, 'before ');
        memory.grow(1);
        writes(started, 'after', NEW_PARTS.everything(2 * PAGE));
      });

      it('writes from a memory that the host brings, with a maximum', () => {
        const memory = new WebAssembly.Memory({ initial: 1, maximum: 2 });
        const started = start(out, 'calls-imported-memory', memory);
        writes(started, 'before ');
        memory.grow(1);
        assert.throws(() => memory.grow(1), RangeError);
        writes(started, 'after', NEW_PARTS.everything(2 * PAGE));
      });

      it('writes from a memory of 4 GiB with pointers above 2 GiB', () => {
        const started = start(out, 'calls-4gib');
        for (const end of [2 * GIB, 2 * GIB + PAGE, 3 * GIB, 4 * GIB]) {
          writes(started, `below ${end} `, NEW_PARTS.everything(end));
        }
      });

      it('writes from both sides of 2 GiB at once', () => {
        const started = start(out, 'calls-4gib');
        writes(started, 'the middle', { ...OLD, data: 2 * GIB - 5 });
        writes(started, 'the list', { ...OLD, iovs: 2 * GIB - 4 });
      });

      it('writes the last byte of 4 GiB, and refuses the one after it', () => {
        const started = start(out, 'calls-4gib');
        const last = 4 * GIB - 1;
        writes(started, '$', { ...OLD, data: last });
        faults(started, { ...OLD, nwritten: 4 * GIB - 3 });
        faults(started, { ...OLD, iovs: 4 * GIB - 7 });
        putIovs(started.memory, OLD.iovs, [[last, 2]]);
        faults(started, OLD);
      });

      it('writes from a shared memory, and after its growth', () => {
        const memory = new WebAssembly.Memory({
          initial: 1,
          maximum: 65536,
          shared: true,
        });
        const started = start(out, 'calls-shared-memory', memory);
        writes(started, 'before ');
        const { buffer } = memory;
        for (const [i, places] of Object.values(NEW_PARTS).entries()) {
          started.guest.grow(1);
          writes(started, `growth ${i} `, places((i + 2) * PAGE));
        }
        // It grew in place, without detaching the buffer.
        assert.equal(buffer.byteLength, PAGE);
        faults(started, { ...OLD, nwritten: 5 * PAGE - 3 });
      });

      for (const [name, places] of Object.entries(NEW_PARTS)) {
        it(`sees ${name} where another thread has grown a shared memory`, async () => {
          const memory = new WebAssembly.Memory({
            initial: 1,
            maximum: 65536,
            shared: true,
          });
          const started = start(out, 'calls-shared-memory', memory);
          writes(started, 'before ');

          const text = 'by another thread';
          const at = places(2 * PAGE);
          await grownByThread(
            memory,
            [
              [at.data, Buffer.from(text)],
              [at.iovs, ciovec(at.data, text.length)],
            ],
            () => arrives(started, text, at),
          );
          faults(started, { ...at, nwritten: 2 * PAGE - 3 });
        });
      }

      for (const shared of [false, true]) {
        itResizable(
          `writes from a ${shared ? 'shared ' : ''}memory with a ` +
            'resizable buffer, and after its growth',
          () => {
            const memory = new WebAssembly.Memory({
              initial: 1,
              maximum: 65536,
              shared,
            });
            const started = start(
              out,
              shared ? 'calls-shared-memory' : 'calls-imported-memory',
              memory,
            );
            writes(started, 'fixed ');
            const buffer = memory.toResizableBuffer();
            writes(started, 'resizable ');
            for (const [i, places] of Object.values(NEW_PARTS).entries()) {
              started.guest.grow(1);
              assert.equal(buffer.byteLength, (i + 2) * PAGE);
              writes(started, `growth ${i} `, places((i + 2) * PAGE));
            }
            faults(started, { ...OLD, nwritten: 5 * PAGE - 3 });
            memory.toFixedLengthBuffer();
            writes(started, 'fixed again');
          },
        );
      }
    });
  }

  describe(`memory: ${hostName}`, () => {
    const dir = useTempDir();
    let out;

    beforeEach(() => {
      out = fs.openSync(dir.path('out'), 'w+');
    });
    afterEach(() => fs.closeSync(out));

    for (const [title, count, pages] of [
      ['62 MiB in steps of a page', 1000, 1],
      ['128 MiB in steps of 32 MiB', 4, 512],
    ]) {
      it(`writes each time while the guest grows its memory by ${title}`, () => {
        const { guest, memory } = start(out, 'calls');
        const before = memory.buffer.byteLength;
        putIovs(memory, OLD.iovs, [
          [OLD.data, putBytes(memory, OLD.data, 'x')],
        ]);
        assert.equal(
          guest.write_loop(STDOUT, OLD.iovs, 1, OLD.nwritten, count, pages),
          ERRNO.SUCCESS,
        );
        assert.equal(memory.buffer.byteLength, before + count * pages * PAGE);
        assert.equal(u32(memory, OLD.nwritten), 1);
        assert.equal(dir.read('out'), 'x'.repeat(count));
      });
    }
  });
}

function ciovec(pointer, length) {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt32LE(pointer, 0);
  bytes.writeUInt32LE(length, 4);
  return bytes;
}
