'use strict';

// What others see of a guest whose writes are buffered, and when.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const { Writable } = require('node:stream');
const { WASI, engine } = require('../..');
const { ERRNO, FDFLAGS } = require('../../lib/preview1');
const {
  CALLS,
  ERRNOS,
  makeCall,
  makeFiles,
  prepare,
} = require('../helpers/all-calls');
const { callsInLib } = require('../helpers/coverage');
const { putBytes, putIovs, withWASI, withWrites } = require('../helpers/guest');
const { MEMORY_KINDS, makeGuest } = require('../helpers/memory-kinds');
const { readAvailable, useHostFiles } = require('../helpers/host-files');
const {
  OFLAGS,
  PREOPEN,
  RIGHTS,
  Session,
  WHENCE,
} = require('../helpers/session');

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
// As all-calls.js makes room for them.
const PROGRAM = { args: ['guest', 'argument'], env: { NAME: 'value' } };

const IOVS = 4096;
const DATA = 8192;
const RESULT = 16;

// A terminal of nobody else.
const TERMINAL = '/dev/ptmx';

const hasMultiMemory = WebAssembly.validate(
  Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0, 5, 5, 2, 0, 0, 0, 0),
);

// The fallback adopts nothing: Node writes files of the guest's own.
const itNative = engine === 'native' ? it : it.skip;

/** To be called in a `describe`: guests that write to files. */
function useGuests() {
  const ends = [];

  // Before the files are gone.
  afterEach(() => {
    for (const end of ends.splice(0)) end();
  });
  const host = useHostFiles();

  /**
   * A guest under `WASI` with a file as its stdout. The standard streams that
   * are files are its own to close.
   */
  function start({ file = 'out', stderr, ...options } = {}) {
    const started = withWASI({
      preopens: { '/': host.path('.') },
      stdout: fs.openSync(host.path(file), 'w+'),
      stderr: stderr && fs.openSync(host.path(stderr), 'w'),
      buffered: true,
      ...options,
    });
    const { wasi } = started;
    ends.push(() => {
      for (let fd = STDOUT; fd < 16; fd++) {
        if (fd !== STDERR || stderr) wasi.wasiImport.fd_close(fd);
      }
    });
    return Object.assign(new Session(started), {
      fd: STDOUT,
      flush: () => wasi.flush(),
    });
  }

  return {
    ...host,
    start,
    atEnd: (end) => ends.push(end),

    // Guests whose `fd` is open on the file `out`.
    on: {
      stdout: start,

      'a file of its own'() {
        const session = start({ file: 'stdout' });
        return Object.assign(session, { fd: session.open('out') });
      },
    },

    // Guests whose stdout is the file `out`, under either way in.
    through: {
      WASI: start,

      createWrites(options) {
        const fds = { [STDOUT]: host.open('out', 'w+') };
        const started = withWrites({ fds, buffered: true, ...options });
        const { writes } = started;
        ends.push(() => writes.close());
        return Object.assign(new Session(started), {
          writes,
          flush: () => writes.flush(),
        });
      },
    },
  };
}

describe('What is buffered', () => {
  const guests = useGuests();
  const { read } = guests;
  // Without adoption Node writes the files that the guest opened.
  const places = engine === 'native' ? Object.keys(guests.on) : ['stdout'];

  describe('is out before another call', () => {
    const FILE = 4; // of CALLS

    // A guest as CALLS want it.
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

    const stage = {
      fd_write: (session) => session.write(STDOUT, 'staged'),
      fd_pwrite: (session) => session.pwrite(STDOUT, 'staged', 0n),
    };

    for (const [staged, write] of Object.entries(stage)) {
      for (const name of Object.keys(CALLS)) {
        const quiet = QUIET.includes(name);
        it(`${name}, after ${staged}${quiet ? ': not so' : ''}`, () => {
          const session = startAll();
          write(session);
          assert.equal(read('out'), '');
          assert.equal(callOf(name, session), ERRNOS[name] ?? ERRNO.SUCCESS);
          assert.equal(read('out'), quiet ? '' : 'staged');
          session.flush();
          assert.equal(read('out'), 'staged');
        });
      }

      it(`proc_exit, after ${staged}`, () => {
        const session = guests.start();
        write(session);
        assert.equal(read('out'), '');
        // How the guest is left: `start()` knows what this is.
        assert.throws(() => session.guest.proc_exit(0));
        assert.equal(read('out'), 'staged');
      });

      it(`that fails, after ${staged}`, () => {
        const session = startAll();
        write(session);
        assert.equal(session.guest.fd_seek(99, 0n, 0, RESULT), ERRNO.BADF);
        assert.equal(read('out'), 'staged');
      });
    }
  });

  for (const place of places) {
    describe(`of ${place}`, () => {
      // What the guest is told of its own file, with six bytes of it staged.
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
            'taged',
          );
        },
        'another fd on the file reads them': ({ session }) =>
          assert.equal(session.read(session.open('out'), 10), 'staged'),
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
          assert.equal(read('out'), 'sta');
          return 'sta';
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
          return 'staged and more';
        },
        'fd_renumber leaves them where they belong': ({ session, fd }) => {
          const from = session.open('other');
          session.write(fd, ' and');
          assert.equal(session.guest.fd_renumber(from, fd), ERRNO.SUCCESS);
          session.write(fd, 'to other');
          session.flush();
          assert.equal(read('other'), 'to other');
          return 'staged and';
        },
        'fd_close leaves nothing behind': ({ session, fd }) => {
          session.close(fd);
          assert.equal(read('out'), 'staged');
          assert.equal(session.tryWrite(fd, 'more'), ERRNO.BADF);
        },
        'a write to another fd comes after them': ({ session }) => {
          const other = session.open('out', { fdflags: FDFLAGS.APPEND });
          session.write(other, ' other');
          session.flush();
          return 'staged other';
        },
      };

      const sizeAt = ({ memory }, at) =>
        new DataView(memory.buffer).getBigUint64(at + 32, true);

      for (const [title, action] of Object.entries(results)) {
        it(title, () => {
          const session = guests.on[place]();
          session.write(session.fd, 'staged');
          assert.equal(read('out'), '');
          const expected = action({ session, fd: session.fd });
          assert.equal(read('out'), expected ?? 'staged');
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
        session.pwrite(fd, 'E', 5n); // one byte is left out
        assert.equal(read('out'), 'WRITten ');
        session.pwrite(fd, 't', 5n); // the same again
        assert.equal(read('out'), 'WRITtEn ');
        session.write(fd, 'behind');
        assert.equal(read('out'), 'WRITttn ');
        session.flush();
        assert.equal(read('out'), 'WRITttn behind');
      });

      it('leaves with as few calls of the system as it can', () => {
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
        const { calls, bytes, staged, native, flushes } = session.wasi.stats;
        assert.deepEqual(
          { calls, bytes, staged, native, flushes },
          {
            calls: 2000,
            bytes: 10_000,
            staged: 2000,
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
        session.write(STDOUT, 'staged');
        assert.equal(read('out'), '');
        session.flush();
        assert.equal(read('out'), 'staged');
        session.flush();
        assert.equal(read('out'), 'staged');
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
        session.write(STDOUT, 'staged');
        for (const nothing of ['', [], ['', '']]) {
          assert.equal(session.write(STDOUT, nothing), 0);
          assert.equal(read('out'), '');
        }
        session.write(STDOUT, ['', ' more', '']);
        assert.equal(read('out'), '');
        session.flush();
        assert.equal(read('out'), 'staged more');
      });

      it('is out before what does not fit any more', () => {
        const session = start({ bufferSize: 16 });
        session.write(STDOUT, '0123456789');
        session.write(STDOUT, 'abcdef');
        assert.equal(read('out'), ''); // full to the last byte
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
          session.write(STDOUT, 'staged ');
          session.write(STDOUT, large);
          expected += 'staged ';
          assert.equal(read('out'), waits ? expected : expected + large);
          expected += large;
          session.flush();
          assert.equal(read('out'), expected);
        }
      });

      it('is out before an fd_pwrite as large as the buffer, which is out too', () => {
        const session = start({ bufferSize: 16 });
        session.pwrite(STDOUT, 'staged', 0n);
        session.pwrite(STDOUT, '0123456789abcdef', 6n);
        assert.equal(read('out'), 'staged0123456789abcdef');
        session.pwrite(STDOUT, '0123456789abcde', 22n);
        session.flush();
        assert.equal(read('out'), 'staged0123456789abcdef0123456789abcde');
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

    function startStaged(options) {
      const session = guests.through.createWrites(options);
      session.write(STDOUT, 'staged');
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
        action(startStaged());
        assert.equal(read('out'), 'staged');
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
      const session = startStaged({
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
        ['fd_seek', 4, 'staged'],
        ['fd_write', 4, 'staged, again'],
        ['path_open', 9, 'staged, again, and again'],
      ]);
    });

    it('is out before methods of another WASI that is of a class', () => {
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
      const session = startStaged({ fallback });
      assert.equal(session.guest.fd_seek(OTHER, 0n, 0, RESULT), ERRNO.NOTSUP);
      assert.equal(session.tryWrite(OTHER, 'other'), ERRNO.NOTSUP);
      assert.deepEqual(fallback.seen(), ['staged']);
    });
  });
});

describe('A write is buffered', () => {
  const guests = useGuests();

  // Each gives a stdout, and a function that says what came out there.
  const targets = {
    'a regular file': {
      kind: 'file',
      open: () => ({
        target: guests.open('file', 'w'),
        seen: () => guests.read('file'),
      }),
    },
    'a pipe': {
      kind: 'stream',
      open() {
        const { reader, writer } = guests.pipe({ blocking: true });
        return { target: writer, seen: () => `${readAvailable(reader)}` };
      },
    },
    'a terminal': {
      kind: 'stream',
      open: () => ({ target: guests.open(TERMINAL, 'r+') }),
    },
    'a device': {
      kind: 'stream',
      open: () => ({ target: guests.open('/dev/null', 'w') }),
    },
    'a function': {
      kind: 'stream',
      open() {
        const chunks = [];
        return {
          target: (chunk) => chunks.push(chunk),
          seen: () => Buffer.concat(chunks).toString(),
        };
      },
    },
    'a Writable': {
      kind: 'stream',
      open() {
        let received = '';
        const target = new Writable({
          write(chunk, encoding, done) {
            received += chunk;
            done();
          },
        });
        return { target, seen: () => received };
      },
    },
    'a capture': { kind: 'capture', open: () => ({ target: 'capture' }) },
  };

  const buffers = {
    true: { file: true, stream: true, capture: true },
    auto: { file: true, stream: false, capture: true },
    false: { file: false, stream: false, capture: true },
  };

  for (const [name, { kind, open }] of Object.entries(targets)) {
    if (name === 'a terminal' && !fs.existsSync(TERMINAL)) continue;
    for (const buffered of [true, 'auto', false]) {
      const waits = buffers[buffered][kind];
      it(`${waits ? '' : 'not '}for ${name} with buffered: ${buffered}`, () => {
        const { target, seen } = open();
        const { session, wasi } = startWith({ stdout: target, buffered });
        session.write(STDOUT, 'text');
        assert.equal(wasi.stats.staged, waits ? 1 : 0);
        if (seen) assert.equal(seen(), waits ? '' : 'text');
        wasi.flush();
        if (seen && waits) assert.equal(seen(), 'text');
        if (kind === 'capture') assert.equal(wasi.stdout.toString(), 'text');
        assert.equal(wasi.stats.bytes, 4);
      });

      // A capture of stderr is one as well: nobody sees when it gets the bytes.
      if (kind === 'capture') continue;
      it(`never for ${name} on stderr with buffered: ${buffered}`, () => {
        const { target, seen } = open();
        const { session, wasi } = startWith({ stderr: target, buffered });
        for (const text of ['one ', 'two ']) {
          session.write(STDERR, text);
          if (seen) assert.ok(seen().endsWith(text));
        }
        assert.equal(wasi.stats.staged, 0);
        assert.equal(wasi.stats.bytes, 8);
      });
    }
  }

  function startWith(options) {
    const started = withWASI(options);
    const { wasi } = started;
    guests.atEnd(() => wasi.close());
    return { session: new Session(started), wasi };
  }

  it('never on stderr after a file of the guest took its place', () => {
    const session = guests.start({ stderr: 'stderr' });
    const fd = session.open('file');
    assert.equal(session.guest.fd_renumber(fd, STDERR), ERRNO.SUCCESS);
    session.write(STDERR, 'an error');
    assert.equal(guests.read('file'), 'an error');
  });

  for (const name of ['a regular file', 'a pipe']) {
    it(`not for ${name} as long as the guest has NONBLOCK set`, () => {
      const { target, seen } = targets[name].open();
      const { session, wasi } = startWith({ stdout: target, buffered: true });
      const { guest } = session;
      session.write(STDOUT, 'staged');
      assert.equal(
        guest.fd_fdstat_set_flags(STDOUT, FDFLAGS.NONBLOCK),
        ERRNO.SUCCESS,
      );
      assert.equal(seen(), 'staged');
      for (const text of ['at once', 'again']) {
        session.write(STDOUT, text);
        assert.ok(seen().endsWith(text));
      }
      assert.equal(guest.fd_fdstat_set_flags(STDOUT, 0), ERRNO.SUCCESS);
      const before = wasi.stats.staged;
      session.write(STDOUT, 'staged again');
      assert.equal(wasi.stats.staged, before + 1);
      assert.ok(!seen().endsWith('staged again'));
      wasi.flush();
      assert.ok(seen().endsWith('staged again'));
    });
  }

  itNative('not for a file that the guest opened with NONBLOCK', () => {
    const session = guests.start();
    const fd = session.open('file', { fdflags: FDFLAGS.NONBLOCK });
    session.write(fd, 'at once');
    assert.equal(guests.read('file'), 'at once');
    assert.equal(session.wasi.stats.staged, 0);
  });

  it('not where it fails: the guest is told at once', () => {
    guests.write('file', 'before');
    const { session } = startWith({
      stdout: guests.open('file', 'r'),
      buffered: true,
    });
    const { guest } = session;
    assert.equal(session.tryWrite(STDOUT, 'text'), ERRNO.BADF);
    assert.equal(session.tryPwrite(STDOUT, 'text', 0n), ERRNO.BADF);
    const rights = RIGHTS.FD_SEEK;
    assert.equal(guest.fd_fdstat_set_rights(STDOUT, rights, 0n), ERRNO.SUCCESS);
    assert.equal(session.tryWrite(STDOUT, 'text'), ERRNO.NOTCAPABLE);
    assert.equal(session.tryPwrite(STDOUT, 'text', 0n), ERRNO.NOTCAPABLE);
    assert.equal(session.tryWrite(99, 'text'), ERRNO.BADF);
    assert.equal(session.tryWrite(PREOPEN, 'text'), ERRNO.BADF);
    assert.equal(session.wasi.stats.staged, 0);
  });

  it('not for fd_pwrite without the right to seek', () => {
    const session = guests.start();
    session.write(STDOUT, 'staged');
    assert.equal(
      session.guest.fd_fdstat_set_rights(STDOUT, RIGHTS.FD_WRITE, 0n),
      ERRNO.SUCCESS,
    );
    session.write(STDOUT, ' more');
    assert.equal(session.tryPwrite(STDOUT, 'x', 11n), ERRNO.NOTCAPABLE);
    session.flush();
    assert.equal(guests.read('out'), 'staged more');
  });

  for (const name of ['a pipe', 'a function', 'a Writable', 'a capture']) {
    it(`not for fd_pwrite on ${name}, which gives SPIPE`, () => {
      const { target } = targets[name].open();
      const { session, wasi } = startWith({ stdout: target, buffered: true });
      session.write(STDOUT, 'staged');
      for (const offset of [0n, 6n]) {
        assert.equal(session.tryPwrite(STDOUT, 'x', offset), ERRNO.SPIPE);
      }
      session.write(STDOUT, ' more');
      wasi.flush();
      assert.equal(wasi.stats.bytes, 11);
    });
  }
});

describe('A write that is buffered', () => {
  const guests = useGuests();
  const COUNT = 2000;
  const SIZE = 7;

  // With the first one staged, which is not the plain case.
  function startStaged(kind, call) {
    const wasi = new WASI({
      version: 'preview1',
      stdout: guests.open('out', 'w'),
      buffered: true,
    });
    const { instance, guest, memory } = makeGuest(kind, wasi.wasiImport);
    wasi.finalizeBindings(instance, { memory });
    putIovs(memory, IOVS, [
      [DATA, 3],
      [DATA, 0],
      [DATA, 4],
    ]);
    call(guest, 0);
    return { guest, wasi };
  }

  const calls = {
    fd_write: (guest) => guest.fd_write(STDOUT, IOVS, 3, RESULT),
    fd_pwrite: (guest, i) =>
      guest.fd_pwrite(STDOUT, IOVS, 3, BigInt(SIZE * i), RESULT),
  };

  for (const [name, call] of Object.entries(calls)) {
    for (const kind of MEMORY_KINDS) {
      const title = hasMultiMemory
        ? 'calls no JS'
        : 'calls no JS but lib/stage.js';
      it(`${title}: ${name} with a memory that is ${kind}`, () => {
        const { guest, wasi } = startStaged(kind, call);
        const counts = callsInLib(() => {
          for (let i = 1; i < COUNT; i++) call(guest, i);
        });
        const once = COUNT - 1;
        assert.deepEqual(
          counts,
          hasMultiMemory ? {} : { [name]: once, stage: once, copy: 2 * once },
        );
        assert.equal(wasi.stats.staged, COUNT);
        assert.equal(guests.read('out'), '');
        wasi.flush();
        assert.equal(guests.read('out').length, COUNT * SIZE);
        assert.equal(wasi.stats.flushes, 1);
      });
    }
  }
});
