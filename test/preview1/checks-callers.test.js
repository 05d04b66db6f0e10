'use strict';

// Checks before a write, called from JavaScript and under WASI.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const { ERRNO } = require('../../lib/preview1');
const { assertSameBytes, pattern } = require('../helpers/bytes');
const { putIovs, u32, withWASI, withWrites } = require('../helpers/guest');
const { useHostFiles } = require('../helpers/host-files');
const { RIGHTS, Session } = require('../helpers/session');
const { CALLS, GOOD } = require('../helpers/check-calls');

const PAGE = 65536;
const SIZE = 2 * PAGE;
const GUEST_FD = 3;
const NWRITTEN = 16;
const IOVS = 64;
const DATA = PAGE;

for (const [name, call] of Object.entries(CALLS)) {
  describe(`The checks of ${name} called from JS`, () => {
    const host = useHostFiles();
    const good = {
      fd: GUEST_FD,
      iovs: IOVS,
      length: GOOD.length,
      offset: 0n,
      nwritten: NWRITTEN,
    };

    for (const parameter of Object.keys(good)) {
      if (parameter === 'offset' && name === 'fd_write') continue;
      const wrong = [
        undefined,
        null,
        true,
        '16',
        {},
        [16],
        Symbol('16'),
        parameter === 'offset' ? 16 : 16n,
      ];

      for (const value of wrong) {
        it(`gives INVAL for ${typeof value} ${String(value)} as ${parameter}`, () => {
          const file = host.open('file', 'w+');
          const { memory, writes } = withWrites({ fds: { [GUEST_FD]: file } });
          putIovs(memory, IOVS, GOOD);
          const before = Buffer.from(memory.buffer.slice(0));
          assert.equal(
            call(writes, { ...good, [parameter]: value }),
            ERRNO.INVAL,
          );
          assertSameBytes(Buffer.from(memory.buffer), before);
          assert.equal(fs.fstatSync(file).size, 0);
          assert.equal(call(writes, good), ERRNO.SUCCESS);
          assert.equal(fs.fstatSync(file).size, 20);
        });
      }
    }

    it('gives INVAL for no arguments at all', () => {
      const { writes } = withWrites({ fds: {} });
      assert.equal(writes[name](), ERRNO.INVAL);
    });

    it('takes pointers as wasm passes them, signed', () => {
      const file = host.open('file', 'w+');
      const { writes } = withWrites({ fds: { [GUEST_FD]: file } });
      assert.equal(call(writes, { ...good, fd: -1 }), ERRNO.BADF);
      for (const parameter of ['iovs', 'length', 'nwritten']) {
        assert.equal(call(writes, { ...good, [parameter]: -1 }), ERRNO.FAULT);
      }
      assert.equal(fs.fstatSync(file).size, 0);
    });
  });

  describe(`The checks of ${name} under WASI`, () => {
    const host = useHostFiles();
    const bad = {
      iovs: SIZE,
      length: 0xffffffff,
      nwritten: SIZE,
      offset: 2n ** 63n,
    };

    it('gives NOTCAPABLE without the right, before it looks further', () => {
      const stdout = host.open('file', 'w+');
      const { guest, memory } = withWASI({ stdout });
      // fd_pwrite also needs the right to seek.
      const rights = name === 'fd_write' ? RIGHTS.FD_SEEK : RIGHTS.FD_WRITE;
      assert.equal(guest.fd_fdstat_set_rights(1, rights, 0n), ERRNO.SUCCESS);
      const before = Buffer.from(memory.buffer.slice(0));
      assert.equal(call(guest, { ...bad, fd: 1 }), ERRNO.NOTCAPABLE);
      const none = { iovs: 0, length: 0, nwritten: 0, offset: 0n };
      assert.equal(call(guest, { ...none, fd: 1 }), ERRNO.NOTCAPABLE);
      assertSameBytes(Buffer.from(memory.buffer), before);
      assert.equal(fs.fstatSync(stdout).size, 0);
    });

    it('gives BADF for an fd that is not open, before it looks further', () => {
      const { guest } = withWASI();
      for (const fd of [3, 100, 0x80000001, 0xffffffff]) {
        assert.equal(call(guest, { ...bad, fd }), ERRNO.BADF);
      }
      const list = { iovs: IOVS, length: 2, nwritten: NWRITTEN, offset: 0n };
      putIovs(guest.memory, IOVS, [
        [DATA, 1],
        [SIZE, 0],
      ]);
      assert.equal(call(guest, { ...list, fd: 3 }), ERRNO.BADF);
    });

    it('does not look at the pointer of an empty buffer, in a file that the guest opened', () => {
      const started = withWASI({ preopens: { '/': host.path('.') } });
      const { guest, memory, wasi } = started;
      const fd = new Session(started).open('file');
      const data = pattern(10);
      new Uint8Array(memory.buffer).set(data, DATA);
      const strays = [
        [SIZE, 0],
        [0xffffffff, 0],
      ];
      const write = (offset, ...list) => {
        putIovs(memory, IOVS, list);
        const target = { fd, offset: BigInt(offset), nwritten: NWRITTEN };
        assert.equal(
          call(guest, { ...target, iovs: IOVS, length: list.length }),
          ERRNO.SUCCESS,
        );
        return u32(memory, NWRITTEN);
      };
      assert.equal(write(0, ...strays), 0);
      // A write by Node may get a short count.
      const done = write(0, ...strays, [DATA, 6], ...strays, [DATA + 6, 4]);
      assert.ok(done === 10 || done === 6, `${done} bytes`);
      if (done < 10) assert.equal(write(done, ...strays, [DATA + done, 4]), 4);
      assertSameBytes(fs.readFileSync(host.path('file')), data);
      wasi.close();
    });
  });
}
