'use strict';

// What others see of a guest with a buffer, and when.

const assert = require('node:assert/strict');
const fs = require('node:fs');

const { ERRNO, FDFLAGS } = require('../../lib/preview1');
const {
  CALLS,
  ERRNOS,
  makeCall,
  makeFiles,
  prepare,
} = require('../helpers/all-calls');
const { putBytes, putIovs } = require('../helpers/guest');
const { OFLAGS, PREOPEN, WHENCE } = require('../helpers/session');
const { useGuests } = require('../helpers/buffering-guests');

const STDOUT = 1;
const STDERR = 2;

const QUIET = [
  'args_get',
  'args_sizes_get',
  'clock_res_get',
  'clock_time_get',
  'environ_get',
  'environ_sizes_get',
  'random_get',
  'sched_yield',
];

const WAYS = ['WASI', 'createWrites'];

const FD_READDIR = 1n << 14n;
// all-calls.js makes room for these.
const PROGRAM = { args: ['guest', 'argument'], env: { NAME: 'value' } };

const IOVS = 4096;
const DATA = 8192;
const RESULT = 16;

describe('Buffered data', () => {
  const guests = useGuests();
  const { read } = guests;
  const places = Object.keys(guests.on);

  describe('is out before another call', () => {
    const FILE = 4; // in CALLS

    // A guest as CALLS need it.
    function startAll() {
      makeFiles(guests.path('.'));
      const session = guests.start(PROGRAM);
      assert.equal(session.open('file'), FILE);
      session.open('directory', {
        oflags: OFLAGS.DIRECTORY,
        rights: FD_READDIR,
      });
      for (let fd = 6; fd <= 8; fd++) session.open('file');
      return session;
    }

    function callOf(name, session) {
      const { places: all, values } = prepare(name);
      all.put(session.memory, DATA);
      return makeCall(
        session,
        name,
        values.map((value) =>
          typeof value === 'object' ? DATA + value.offset : value,
        ),
      );
    }

    const fill = {
      fd_write: (session) => session.write(STDOUT, 'waited'),
      fd_pwrite: (session) => session.pwrite(STDOUT, 'waited', 0n),
    };

    for (const [buffered, write] of Object.entries(fill)) {
      for (const name of Object.keys(CALLS)) {
        const quiet = QUIET.includes(name);
        it(`${name}, after ${buffered}${quiet ? ': not so' : ''}`, () => {
          const session = startAll();
          write(session);
          assert.equal(read('out'), '');
          assert.equal(callOf(name, session), ERRNOS[name] ?? ERRNO.SUCCESS);
          assert.equal(read('out'), quiet ? '' : 'waited');
          session.flush();
          assert.equal(read('out'), 'waited');
        });
      }

      it(`proc_exit, after ${buffered}`, () => {
        const session = guests.start();
        write(session);
        assert.equal(read('out'), '');
        // `start()` recognizes what this throws.
        assert.throws(() => session.guest.proc_exit(0));
        assert.equal(read('out'), 'waited');
      });

      it(`that fails, after ${buffered}`, () => {
        const session = startAll();
        write(session);
        assert.equal(session.guest.fd_seek(99, 0n, 0, RESULT), ERRNO.BADF);
        assert.equal(read('out'), 'waited');
      });
    }
  });

  for (const place of places) {
    describe(`of ${place}`, () => {
      // The guest's view of its own file, with six bytes buffered.
      const results = {
        'fd_tell gives the offset behind them': ({ session, fd }) =>
          assert.equal(session.tell(fd), 6n),
        'fd_seek goes on from there': ({ session, fd }) =>
          assert.equal(session.seek(fd, 0n, WHENCE.CUR), 6n),
        'fd_seek finds the end behind them': ({ session, fd }) =>
          assert.equal(session.seek(fd, -1n, WHENCE.END), 5n),
        'fd_read goes on behind them': ({ session, fd }) =>
          assert.equal(session.read(fd, 10), ''),
        'fd_pread reads them': ({ session, fd }) => {
          putIovs(session.memory, IOVS, [[DATA, 10]]);
          assert.equal(
            session.guest.fd_pread(fd, IOVS, 1, 1n, RESULT),
            ERRNO.SUCCESS,
          );
          assert.equal(
            Buffer.from(session.memory.buffer, DATA, 5).toString(),
            'aited',
          );
        },
        'another fd on the file reads them': ({ session }) =>
          assert.equal(session.read(session.open('out'), 10), 'waited'),
        'fd_filestat_get counts them': ({ session, fd }) => {
          assert.equal(session.guest.fd_filestat_get(fd, DATA), ERRNO.SUCCESS);
          assert.equal(sizeAt(session, DATA), 6n);
        },
        'path_filestat_get counts them': ({ session }) => {
          const length = putBytes(session.memory, 1024, 'out');
          assert.equal(
            session.guest.path_filestat_get(PREOPEN, 0, 1024, length, DATA),
            ERRNO.SUCCESS,
          );
          assert.equal(sizeAt(session, DATA), 6n);
        },
        'fd_filestat_set_size cuts them off': ({ session, fd }) => {
          assert.equal(
            session.guest.fd_filestat_set_size(fd, 3n),
            ERRNO.SUCCESS,
          );
          assert.equal(read('out'), 'wai');
          return 'wai';
        },
        'path_rename takes them with the file': ({ session }) => {
          const length = putBytes(session.memory, 1024, 'out');
          const other = putBytes(session.memory, 2048, 'moved');
          assert.equal(
            session.guest.path_rename(
              PREOPEN,
              1024,
              length,
              PREOPEN,
              2048,
              other,
            ),
            ERRNO.SUCCESS,
          );
          fs.copyFileSync(guests.path('moved'), guests.path('out'));
        },
        'fd_renumber takes them along': ({ session, fd }) => {
          const to = session.open('other');
          session.write(fd, ' and');
          assert.equal(session.guest.fd_renumber(fd, to), ERRNO.SUCCESS);
          session.write(to, ' more');
          session.flush();
          return 'waited and more';
        },
        'fd_renumber leaves them where they belong': ({ session, fd }) => {
          const from = session.open('other');
          session.write(fd, ' and');
          assert.equal(session.guest.fd_renumber(from, fd), ERRNO.SUCCESS);
          session.write(fd, 'to other');
          session.flush();
          assert.equal(read('other'), 'to other');
          return 'waited and';
        },
        'fd_close leaves nothing behind': ({ session, fd }) => {
          session.close(fd);
          assert.equal(read('out'), 'waited');
          assert.equal(session.tryWrite(fd, 'more'), ERRNO.BADF);
        },
        'a write to another fd comes after them': ({ session }) => {
          const other = session.open('out', { fdflags: FDFLAGS.APPEND });
          session.write(other, ' other');
          session.flush();
          return 'waited other';
        },
      };

      const sizeAt = ({ memory }, at) =>
        new DataView(memory.buffer).getBigUint64(at + 32, true);

      for (const [title, action] of Object.entries(results)) {
        it(title, () => {
          const session = guests.on[place]();
          session.write(session.fd, 'waited');
          assert.equal(read('out'), '');
          const expected = action({ session, fd: session.fd });
          assert.equal(read('out'), expected ?? 'waited');
        });
      }

      it('is out when the event loop goes on', async () => {
        const session = guests.on[place]();
        session.write(session.fd, 'first');
        session.write(session.fd, ' second');
        assert.equal(read('out'), '');
        await null;
        assert.equal(read('out'), 'first second');
        session.pwrite(session.fd, 'F', 0n);
        assert.equal(read('out'), 'first second');
        await null;
        assert.equal(read('out'), 'First second');
        assert.equal(session.wasi.stats.flushes, 2);
      });

      it('is out before an fd_pwrite that does not continue', () => {
        const session = guests.on[place]();
        const { fd } = session;
        session.write(fd, 'written ');
        session.pwrite(fd, 'W', 0n);
        assert.equal(read('out'), 'written ');
        session.pwrite(fd, 'RIT', 1n);
        assert.equal(read('out'), 'written ');
        session.pwrite(fd, 'E', 5n); // leaves a gap of one byte: it is written too
        assert.equal(read('out'), 'WRITtEn ');
        session.pwrite(fd, 't', 5n); // another gap
        assert.equal(read('out'), 'WRITttn ');
        session.write(fd, 'behind');
        assert.equal(read('out'), 'WRITttn ');
        session.flush();
        assert.equal(read('out'), 'WRITttn behind');
      });

      it('goes out in as few system calls as possible', () => {
        const session = guests.on[place]();
        for (let i = 0; i < 1000; i++) session.write(session.fd, 'line\n');
        assert.equal(read('out'), '');
        session.flush();
        assert.equal(read('out'), 'line\n'.repeat(1000));
        for (let i = 0n; i < 1000n; i++) {
          session.pwrite(session.fd, 'LINE\n', 5n * i);
        }
        assert.equal(read('out'), 'line\n'.repeat(1000));
        session.flush();
        assert.equal(read('out'), 'LINE\n'.repeat(1000));
        const { calls, bytes, buffered, native, flushes } = session.wasi.stats;
        assert.deepEqual(
          { calls, bytes, buffered, native, flushes },
          {
            calls: 2000,
            bytes: 10_000,
            buffered: 2000,
            native: 0,
            flushes: 2,
          },
        );
      });
    });
  }

  for (const way of WAYS) {
    describe(`by ${way}`, () => {
      const start = (options) => guests.through[way](options);

      it('is out after flush()', () => {
        const session = start();
        session.write(STDOUT, 'waited');
        assert.equal(read('out'), '');
        session.flush();
        assert.equal(read('out'), 'waited');
        session.flush();
        assert.equal(read('out'), 'waited');
      });

      it('is out when the event loop goes on', async () => {
        const session = start();
        for (const text of ['one', ' two', ' three']) {
          const before = read('out');
          session.write(STDOUT, text);
          assert.equal(read('out'), before);
          await null;
          assert.equal(read('out'), before + text);
        }
      });

      it('waits while the guest writes nothing to the fd', () => {
        const session = start();
        session.write(STDOUT, 'waited');
        for (const nothing of ['', [], ['', '']]) {
          assert.equal(session.write(STDOUT, nothing), 0);
          assert.equal(read('out'), '');
        }
        session.write(STDOUT, ['', ' more', '']);
        assert.equal(read('out'), '');
        session.flush();
        assert.equal(read('out'), 'waited more');
      });

      it('is out before a write that does not fit', () => {
        const session = start({ bufferSize: 16 });
        session.write(STDOUT, '0123456789');
        session.write(STDOUT, 'abcdef');
        assert.equal(read('out'), ''); // the buffer is full to the last byte
        session.write(STDOUT, ' second');
        assert.equal(read('out'), '0123456789abcdef');
        session.write(STDOUT, [' third', 'th', 'th']);
        assert.equal(read('out'), '0123456789abcdef second');
        session.flush();
        assert.equal(read('out'), '0123456789abcdef second thirdthth');
      });

      it('is out before a write as large as the buffer, which is out too', () => {
        const session = start({ bufferSize: 16 });
        let expected = '';
        for (const [size, waits] of [
          [15, true],
          [16, false],
          [17, false],
        ]) {
          const large = String(size).repeat(9).slice(0, size);
          session.write(STDOUT, 'waited ');
          session.write(STDOUT, large);
          expected += 'waited ';
          assert.equal(read('out'), waits ? expected : expected + large);
          expected += large;
          session.flush();
          assert.equal(read('out'), expected);
        }
      });

      it('is out before an fd_pwrite as large as the buffer, which is out too', () => {
        const session = start({ bufferSize: 16 });
        session.pwrite(STDOUT, 'waited', 0n);
        session.pwrite(STDOUT, '0123456789abcdef', 6n);
        assert.equal(read('out'), 'waited0123456789abcdef');
        session.pwrite(STDOUT, '0123456789abcde', 22n);
        session.flush();
        assert.equal(read('out'), 'waited0123456789abcdef0123456789abcde');
      });

      it('never waits in a buffer of one byte', () => {
        const session = start({ bufferSize: 1 });
        for (const [i, text] of ['a', 'b', 'c'].entries()) {
          session.write(STDOUT, text);
          assert.equal(read('out'), 'abc'.slice(0, i + 1));
        }
      });
    });
  }

  describe('by createWrites alone', () => {
    const OTHER = 3;

    function startFilled(options) {
      const session = guests.through.createWrites(options);
      session.write(STDOUT, 'waited');
      assert.equal(read('out'), '');
      return session;
    }

    const actions = {
      'map()': ({ writes }) => writes.map(OTHER, STDERR),
      'map() of the same fd': ({ writes }) => writes.map(STDOUT, STDERR),
      'unmap()': ({ writes }) => writes.unmap(STDOUT),
      'setMemory()': ({ memory, writes }) => writes.setMemory(memory),
      'close()': ({ writes }) => writes.close(),
    };
    for (const [name, action] of Object.entries(actions)) {
      it(`is out after ${name}`, () => {
        action(startFilled());
        assert.equal(read('out'), 'waited');
      });
    }

    it('is out before calls and writes of the other WASI that could see it', () => {
      const seen = [];
      const see =
        (name) =>
        (...values) => {
          seen.push([name, values.length, read('out')]);
          return ERRNO.NOTSUP;
        };
      const session = startFilled({
        fallback: {
          fd_seek: see('fd_seek'),
          fd_write: see('fd_write'),
          path_open: see('path_open'),
          sched_yield: see('sched_yield'),
        },
      });
      assert.equal(session.guest.sched_yield(), ERRNO.NOTSUP);
      assert.equal(session.guest.fd_seek(OTHER, 0n, 0, RESULT), ERRNO.NOTSUP);
      session.write(STDOUT, ', again');
      assert.equal(session.tryWrite(OTHER, 'other'), ERRNO.NOTSUP);
      session.write(STDOUT, ', and again');
      assert.equal(session.tryOpen('file'), ERRNO.NOTSUP);
      assert.deepEqual(seen, [
        ['sched_yield', 0, ''],
        ['fd_seek', 4, 'waited'],
        ['fd_write', 4, 'waited, again'],
        ['path_open', 9, 'waited, again, and again'],
      ]);
    });

    it('is out before methods of another WASI that is a class instance', () => {
      class Base {
        fd_seek() {
          return this.errno;
        }
      }
      class Host extends Base {
        #seen = [];
        errno = ERRNO.NOTSUP;
        fd_write() {
          this.#seen.push(read('out'));
          return this.errno;
        }
        seen = () => this.#seen;
      }
      const fallback = new Host();
      const session = startFilled({ fallback });
      assert.equal(session.guest.fd_seek(OTHER, 0n, 0, RESULT), ERRNO.NOTSUP);
      assert.equal(session.tryWrite(OTHER, 'other'), ERRNO.NOTSUP);
      assert.deepEqual(fallback.seen(), ['waited']);
    });
  });
});
