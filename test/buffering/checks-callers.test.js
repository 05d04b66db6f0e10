'use strict';

// Checks before a buffered write: large offsets, calls from JavaScript, and a memory
// that changes meanwhile.

const assert = require('node:assert/strict');
const { once } = require('node:events');
const fs = require('node:fs');
const path = require('node:path');
const { Worker } = require('node:worker_threads');
const { ERRNO } = require('../../lib/preview1');
const { assertSameBytes } = require('../helpers/bytes');
const { putIovs } = require('../helpers/guest');
const { useHostFiles } = require('../helpers/host-files');
const { resultInChild } = require('../helpers/in-child');
const { Buffered } = require('../helpers/buffered-guest');
const { CALLS, GOOD } = require('../helpers/check-calls');

const PAGE = 65536;
const SIZE = 2 * PAGE;

const FD = 3;

const NWRITTEN = 16;
const IOVS = 64;
const DATA = PAGE;

// The bytes that a test buffers before the call under test.
const FILLED = 'waited';

const itResizable =
  'toResizableBuffer' in WebAssembly.Memory.prototype ? it : it.skip;

const hex = (value) => `0x${value.toString(16)}`;

describe('The offset of fd_pwrite, buffered', () => {
  const host = useHostFiles();

  for (const start of [2n ** 31n, 2n ** 32n, 2n ** 32n + 2n ** 31n]) {
    it(`continues past ${hex(start)}`, () => {
      const guest = new Buffered(host, 'exported');
      const parts = [];
      // The first one continues nothing, so it is written at once.
      for (let offset = start - 40n; offset <= start; offset += 20n) {
        parts.push(guest.write('fd_pwrite', { offset }));
      }
      assert.deepEqual(guest.sizes(), [Number(start) - 20, 0]);
      guest.writes.flush();
      assert.deepEqual(guest.sizes(), [Number(start) + 20, 0]);
      const bytes = Buffer.alloc(60);
      fs.readSync(guest.hostFds[0], bytes, 0, 60, Number(start) - 40);
      assertSameBytes(bytes, Buffer.concat(parts));
    });
  }

  // Writes 20 bytes with fd_write, then 20 at each offset. In a process of its own,
  // which at its end reports bytes that no file has room for. Returns the errnos,
  // the size of the file, and the error of flush().
  function pwriteAt(...offsets) {
    return resultInChild(
      (file, all) => {
        const fs = require('node:fs');
        const { withWrites, putIovs } = require('./guest');
        const hostFd = fs.openSync(file, 'w');
        const { guest, memory, writes } = withWrites({
          fds: { 3: hostFd },
          buffered: true,
        });
        putIovs(memory, 64, [[65536, 20]]);
        const errnos = [
          guest.fd_write(3, 64, 1, 16),
          ...all.map((offset) =>
            guest.fd_pwrite(3, 64, 1, BigInt.asIntN(64, BigInt(offset)), 16),
          ),
        ];
        let code = 'flushed';
        try {
          writes.flush();
        } catch (error) {
          ({ code } = error);
        }
        const { size } = fs.fstatSync(hostFd, { bigint: true });
        return { errnos, size: String(size), code };
      },
      [host.path('file'), offsets.map(String)],
    );
  }

  // Buffered, or rejected like pwrite(2) does.
  const REFUSED = [ERRNO.INVAL, ERRNO.FBIG];

  it('is refused from 2^63 on, even if buffered bytes end there', () => {
    const { errnos, size, code } = pwriteAt(
      2n ** 63n - 20n,
      2n ** 63n,
      2n ** 63n + 20n,
      2n ** 64n - 1n,
    );
    assert.equal(errnos[0], ERRNO.SUCCESS);
    assert.ok([ERRNO.SUCCESS, ...REFUSED].includes(errnos[1]));
    assert.deepEqual(errnos.slice(2), Array(3).fill(ERRNO.INVAL));
    assert.equal(size, '20');
    if (errnos[1] === ERRNO.SUCCESS) {
      assert.ok(['EINVAL', 'EFBIG'].includes(code), code);
    }
  });

  // A file system with such large files puts the bytes at the exact offset. Others
  // say FBIG, at once or in the flush.
  for (const offset of [2n ** 53n - 21n, 2n ** 53n + 1n, 2n ** 62n + 1n]) {
    it(`is never rounded or ignored: ${offset}`, () => {
      const { errnos, size, code } = pwriteAt(offset);
      assert.equal(errnos[0], ERRNO.SUCCESS);
      if (errnos[1] === ERRNO.SUCCESS && code === 'flushed') {
        assert.equal(BigInt(size), offset + 20n);
      } else {
        assert.equal(size, '20');
        if (errnos[1] === ERRNO.SUCCESS) assert.equal(code, 'EFBIG');
        else assert.equal(errnos[1], ERRNO.FBIG);
      }
    });
  }
});

describe('The checks of both calls, buffered and called from JS', () => {
  const host = useHostFiles();

  // wasm passes a signed i32, JS either sign.
  const BAD = [0x80000000, 0xffffffff, -1, -(2 ** 31)];

  for (const [name, call] of Object.entries(CALLS)) {
    for (const buffered of [false, true]) {
      const title = buffered ? 'with bytes waited' : 'with nothing waited';
      it(`let ${name} pass numbers of either sign, ${title}`, () => {
        const guest = new Buffered(host, 'exported');
        if (buffered) guest.fill(name, FD);
        putIovs(guest.memory, IOVS, GOOD);
        const good = {
          fd: FD,
          iovs: IOVS,
          length: GOOD.length,
          nwritten: NWRITTEN,
          offset: buffered ? 6n : 0n,
        };
        const attempt = (options) =>
          call(guest.writes, { ...good, ...options });
        for (const bad of BAD) {
          assert.equal(attempt({ iovs: bad }), ERRNO.FAULT);
          assert.equal(attempt({ length: bad }), ERRNO.FAULT);
          assert.equal(attempt({ nwritten: bad }), ERRNO.FAULT);
        }
        if (name === 'fd_pwrite') {
          for (const offset of [2n ** 63n, 2n ** 64n - 1n, -1n, -(2n ** 63n)]) {
            assert.equal(attempt({ offset }), ERRNO.INVAL, String(offset));
          }
        }
        assert.deepEqual(guest.sizes(), [0, 0]);
        assert.equal(attempt(), ERRNO.SUCCESS);
        for (const fd of BAD) assert.equal(attempt({ fd }), ERRNO.BADF);
        guest.writes.flush();
        assert.equal(
          guest.contents().toString('latin1'),
          (buffered ? FILLED : '') + guest.bytesOf(GOOD).toString('latin1'),
        );
      });
    }
  }
});

describe('A memory that changes under a write, buffered', () => {
  const host = useHostFiles();

  for (const kind of ['imported', 'shared']) {
    for (const name of Object.keys(CALLS)) {
      itResizable(
        `${name} takes a resizable buffer of a memory that is ${kind}` +
          ', and its growth',
        () => {
          const guest = new Buffered(host, kind);
          const parts = [guest.write(name)];
          guest.memory.toResizableBuffer();
          let offset = 20n;
          const write = (options) => {
            parts.push(guest.write(name, { offset, ...options }));
            offset += BigInt(parts.at(-1).length);
          };
          write();
          for (const size of [SIZE, SIZE + PAGE]) {
            guest.guest.grow(1);
            const places = {
              iovs: size + 64,
              nwritten: size + 16,
              list: [[size + 1000, 9]],
            };
            write(places); // after buffered bytes
            guest.writes.flush();
            write(places); // the first one
            assert.equal(
              guest.try(name, { offset, nwritten: size + PAGE - 3 }),
              ERRNO.FAULT,
            );
          }
          guest.writes.flush();
          assertSameBytes(guest.contents(), Buffer.concat(parts));
        },
      );
    }
  }

  // The other thread may expose any mix: pointers of one list with lengths of
  // another, or bytes of two numbers. All mixes that are in bounds point to bytes
  // after DATA.
  const BYTE = 0x67;
  const STOP = 32;
  const LISTS = [
    [
      [DATA, 3],
      [DATA + 100, 20],
      [DATA + 5, 0],
    ],
    [
      [SIZE - 1, 1],
      [DATA, 40],
      [0xffffffff, 0],
    ],
    [
      [DATA + 9, 31],
      [DATA, 0xffffffff],
      [DATA + 64, 7],
    ],
    [
      [0xffffffff, 0],
      [0xffffffff, 16],
      [DATA, 1],
    ],
  ];
  const LEAST = 30_000;

  for (const name of Object.keys(CALLS)) {
    it(`${name} takes or refuses a list that another thread rewrites`, async () => {
      const guest = new Buffered(host, 'shared', { bufferSize: 256 });
      const { memory } = guest;
      new Uint8Array(memory.buffer).fill(BYTE, DATA);
      putIovs(memory, IOVS, LISTS[0]);
      const words = new Int32Array(memory.buffer);
      words[STOP / 4] = 0;
      const worker = new Worker(
        path.join(__dirname, '..', 'fixtures', 'rewrite-thread.js'),
        { workerData: { memory, at: IOVS, lists: LISTS, stop: STOP } },
      );
      const exit = once(worker, 'exit');
      await once(worker, 'message');

      let total = 0;
      const seen = new Set();
      try {
        for (let i = 0; i < LEAST || seen.size < 2; i++) {
          const errno = CALLS[name](guest.guest, {
            fd: FD,
            iovs: IOVS,
            length: 3,
            nwritten: NWRITTEN,
            offset: BigInt(total),
          });
          seen.add(errno);
          if (errno === ERRNO.SUCCESS) total += words[NWRITTEN / 4];
        }
      } finally {
        Atomics.store(words, STOP / 4, 1);
        await exit;
      }
      assert.deepEqual([...seen].sort(), [ERRNO.SUCCESS, ERRNO.FAULT]);
      guest.writes.flush();
      assertSameBytes(guest.contents(), Buffer.alloc(total, BYTE));
    });
  }
});
