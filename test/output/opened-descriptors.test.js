'use strict';

// What guests' files cost the process: descriptors, and its own locks.

const assert = require('node:assert/strict');
const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { setImmediate } = require('node:timers/promises');
const v8 = require('node:v8');
const vm = require('node:vm');
const { SHARE_ENV, Worker } = require('node:worker_threads');
const { WASI, engine } = require('../..');
const { ERRNO, FDFLAGS } = require('../../lib/preview1');
const {
  afterThreads,
  assertNoneLeft,
  countDescriptors,
  descriptorsOf,
  itWithProc,
} = require('../helpers/descriptors');
const { itNative } = require('../helpers/buffering');
const { canPreload } = require('../helpers/faults');
const { compile, withWASI } = require('../helpers/guest');
const { assertWrites, useGuests } = require('../helpers/opened-files');
const { PREOPEN, RIGHTS, Session } = require('../helpers/session');

const native = engine === 'native';
const { FD_READ } = RIGHTS;
const STDOUT = 1;

const ENDED_THREAD = path.join(__dirname, '..', 'fixtures', 'ended-thread.js');

describe('The descriptors of files', () => {
  const { dir, start } = useGuests();

  const countOf = (name) => descriptorsOf(dir.path(name)).length;

  itWithProc('are one for each that is open', () => {
    dir.write('read', 'text');
    const session = start();
    const reading = session.open('read', { oflags: 0, rights: FD_READ });
    const writing = session.open('written');
    const again = session.open('written');
    session.read(reading, 10);
    session.write(writing, 'x');
    session.pwrite(writing, 'x', 0n);
    assert.equal(countOf('read'), 1);
    assert.equal(countOf('written'), 2);
    session.close(reading, writing);
    assert.equal(countOf('read'), 0);
    assert.equal(countOf('written'), 1);
    session.close(again);
    assert.equal(countOf('written'), 0);
  });

  itWithProc('go where fd_renumber puts another file', () => {
    const session = start();
    const a = session.open('a');
    const b = session.open('b');
    session.write(a, 'x');
    session.write(b, 'x');
    session.guest.fd_renumber(a, b);
    assert.equal(countOf('a'), 1);
    assert.equal(countOf('b'), 0);
    session.close(b);
    assert.equal(countOf('a'), 0);
  });

  for (const buffered of [false, true]) {
    itWithProc(`go with close(), buffered: ${buffered}`, () => {
      const stdout = fs.openSync(dir.path('stdout'), 'w');
      const session = start({ stdout, buffered });
      const written = session.open('written');
      const fresh = session.open('fresh');
      session.write(written, 'text');
      session.write(STDOUT, 'out');
      session.wasi.close();
      session.wasi.close();
      assert.equal(dir.read('written'), 'text');
      assert.equal(dir.read('stdout'), 'out');
      for (const fd of [STDOUT, PREOPEN, written, fresh]) {
        assert.equal(session.tryWrite(fd, 'x'), ERRNO.BADF);
        assert.equal(session.guest.fd_close(fd), ERRNO.BADF);
      }
      assert.equal(session.tryOpen('next'), ERRNO.BADF);
      assert.equal(countOf('written'), 0);
      assert.equal(countOf('fresh'), 0);
      assert.equal(descriptorsOf(dir.path('')).length, 0);
      assert.equal(countOf('stdout'), 1);
      fs.closeSync(stdout);
    });
  }

  itWithProc('stay when the guest calls proc_exit', () => {
    const session = start();
    const fd = session.open('file');
    session.write(fd, 'one ');
    let thrown = false;
    try {
      session.guest.proc_exit(3);
    } catch {
      thrown = true; // start() catches it
    }
    assert.equal(thrown, true);
    assert.equal(countOf('file'), 1);
    session.write(fd, 'two');
    session.close(fd);
    assert.equal(dir.read('file'), 'one two');
    assert.equal(countOf('file'), 0);
  });

  // Ends of a guest with three open files: each returns the result or error of
  // start().
  const ends = {
    return: (run) => assert.equal(run(), 0),
    exit: (run) => assert.equal(run(), 7),
    _exit: (run) => assert.equal(run(), 8),
    trap: (run) => assert.throws(run, WebAssembly.RuntimeError),
  };
  for (const [end, check] of Object.entries(ends)) {
    itWithProc(`stay when start() ends by ${end}, until close()`, () => {
      const wasi = new WASI({
        version: 'preview1',
        args: ['leave-open', end],
        preopens: { '/': dir.path('') },
      });
      const instance = new WebAssembly.Instance(
        compile('leave-open'),
        wasi.getImportObject(),
      );
      const names = ['one', 'two', 'three'];
      check(() => wasi.start(instance));
      for (const name of names) {
        assert.equal(dir.read(name), `/${name}`);
        assert.equal(countOf(name), 1);
      }
      assertWrites({ wasi }, 3);
      wasi.close();
      for (const name of names) assert.equal(countOf(name), 0);
      for (const fd of [0, 1, 2, 3, 4, 5, 6]) {
        assert.equal(wasi.wasiImport.fd_close(fd), ERRNO.BADF);
      }
    });
  }

  itWithProc('stay when initialize() returns', () => {
    const wasi = new WASI({
      version: 'preview1',
      preopens: { '/': dir.path('') },
    });
    const { exports } = new WebAssembly.Instance(
      compile('calls'),
      wasi.getImportObject(),
    );
    const session = new Session({
      guest: exports,
      memory: exports.memory,
      wasi,
    });
    let fd;
    wasi.initialize({
      exports: {
        ...exports,
        _initialize() {
          fd = session.open('file');
          session.write(fd, 'one ');
        },
      },
    });
    assert.equal(countOf('file'), 1);
    session.write(fd, 'two');
    session.close(fd, PREOPEN);
    assert.equal(dir.read('file'), 'one two');
    assertWrites(session, 2);
  });

  // node:wasi does not close the files of a collected guest.
  itWithProc('go when the WASI is collected', async () => {
    v8.setFlagsFromString('--expose-gc');
    const collect = vm.runInNewContext('gc');
    v8.setFlagsFromString('--no-expose-gc');

    (() => {
      const session = new Session(
        withWASI({ preopens: { '/': dir.path('') } }),
      );
      session.write(session.open('file'), 'x');
    })();
    assert.equal(countOf('file'), 1);
    const left = native ? 0 : 1;
    for (let i = 0; i < 100 && countOf('file') + countOf('') > 2 * left; i++) {
      collect();
      await setImmediate();
    }
    assert.equal(countOf('file'), left);
    assert.equal(countOf(''), left);
    for (const name of ['file', '']) {
      for (const fd of descriptorsOf(dir.path(name))) fs.closeSync(fd);
    }
  });

  for (const end of [
    'its own end',
    'process.exit()',
    'an exception that nobody catches',
    'terminate()',
  ]) {
    itNative(`go when the thread ends by ${end}`, async () => {
      execFileSync('mkfifo', [dir.path('fifo')]);
      const { O_NONBLOCK, O_RDWR } = fs.constants;
      const fifo = fs.openSync(dir.path('fifo'), O_RDWR | O_NONBLOCK);
      const before = countDescriptors();
      const worker = new Worker(ENDED_THREAD, {
        workerData: { directory: dir.path(''), end, fifo },
        env: SHARE_ENV,
      });
      worker.on('error', (error) => assert.equal(error.message, 'meant'));
      if (end === 'terminate()') {
        worker.on('message', () => worker.terminate());
      }
      await new Promise((resolve) => {
        worker.once('exit', resolve);
      });
      await afterThreads(() => assertNoneLeft(before));
      assert.equal(dir.read('file'), 'text');
      fs.closeSync(fifo);
    });
  }

  // By default half of the process's limit; then the given number.
  for (const maxOpenFiles of [undefined, 1000]) {
    it(`do not exceed the limit if maxOpenFiles is ${maxOpenFiles}`, () => {
      const LIMIT = 80;
      const { opened } = JSON.parse(
        execFileSync(
          'sh',
          [
            '-c',
            `ulimit -n ${LIMIT} && exec "$0" "$@"`,
            process.execPath,
            '--no-warnings',
            path.join(__dirname, '..', 'fixtures', 'few-descriptors.js'),
            dir.path(''),
            ...(maxOpenFiles ? [`${maxOpenFiles}`] : []),
          ],
          { encoding: 'utf8' },
        ),
      );
      const isBound = native && maxOpenFiles === undefined;
      const OTHERS = 4; // the standard streams and the preopen
      if (isBound) assert.equal(opened, LIMIT / 2 - OTHERS);
      else assert.ok(opened > LIMIT / 2 && opened < LIMIT, `${opened}`);
      // Opens all files of the first round, then closes half of them, and opens and
      // writes as many.
      for (let i = 0; i < opened; i++) {
        assert.equal(dir.read(`file ${i}`), `file ${i}`);
      }
      for (let i = 0; i < Math.floor(opened / 2); i++) {
        assert.equal(dir.read(`again ${i}`), `again ${i}`);
      }
    });
  }

  describe('under load', () => {
    const ROUNDS = 250;
    const FILES = 20; // of the guest, opened twice in a round
    const HOST_OPENS = 4; // for each open of the guest

    itWithProc(
      'are the right ones 10,000 times while the thread pool opens and ' +
        'closes files of the host',
      async () => {
        const hostText = 'the host';
        const hostFiles = Array.from({ length: FILES * HOST_OPENS }, (_, i) =>
          dir.path(`host ${i}`),
        );
        for (const file of hostFiles) fs.writeFileSync(file, hostText);
        const session = start();
        const before = countDescriptors();
        const expected = Array.from({ length: FILES }, () => '');

        // The guest opens each file right after some work of the thread pool. It
        // writes the last opened file first.
        function guestRound(text, poolWork) {
          const work = [];
          const fds = expected.map((_, i) => {
            for (let j = 0; j < HOST_OPENS; j++) {
              work.push(poolWork(i * HOST_OPENS + j));
            }
            return session.open(`guest ${i}`, { fdflags: FDFLAGS.APPEND });
          });
          for (let i = FILES - 1; i >= 0; i--) {
            const record = `${text} ${i}\n`;
            session.write(fds[i], record);
            expected[i] += record;
          }
          session.close(...fds);
          return Promise.all(work);
        }

        for (let round = 0; round < ROUNDS; round++) {
          const handles = await guestRound(`while opening ${round}`, (i) =>
            fs.promises.open(hostFiles[i], 'r+'),
          );
          await guestRound(`while closing ${round}`, (i) => handles[i].close());
        }

        for (const [i, text] of expected.entries()) {
          assert.equal(dir.read(`guest ${i}`), text);
        }
        for (const file of hostFiles) {
          assert.equal(fs.readFileSync(file, 'utf8'), hostText);
        }
        assertWrites(session, 10000);
        assertNoneLeft(before);
      },
    );
  });

  // Closing any descriptor of a file drops the process's locks on it. The guest must
  // close only descriptors of its own files.
  describe('beside a lock of the process', () => {
    let environment;

    before(function () {
      if (!canPreload) this.skip();
    });
    beforeEach(() => {
      const library = dir.path('lock.so');
      const source = path.join(__dirname, '..', 'fixtures', 'lock-stdin.c');
      execFileSync('cc', ['-shared', '-fPIC', '-o', library, source]);
      const preload = [process.env.LD_PRELOAD, library].filter(Boolean);
      environment = { LD_PRELOAD: preload.join(' '), LOCK_STDIN: '1' };
    });

    /**
     * Runs `body(directory)` with a lock on stdin. Returns whether another process
     * still sees the lock.
     */
    function lockAfter(body) {
      const script = (run, file) => {
        const { execFileSync } = require('node:child_process');
        const { dirname } = require('node:path');
        const probe = () =>
          execFileSync('python3', ['../fixtures/locked.py', file], {
            encoding: 'utf8',
            env: { PATH: process.env.PATH },
            stdio: ['ignore', 'pipe', 'inherit'],
          }).trim();
        const before = probe();
        run(dirname(file));
        require('node:fs').writeSync(1, JSON.stringify([before, probe()]));
      };
      const file = dir.path('locked');
      dir.write('locked', 'of the host');
      const stdin = fs.openSync(file, 'r+');
      const stdout = execFileSync(
        process.execPath,
        [
          '--no-warnings',
          '-e',
          `(${script})(${body}, ${JSON.stringify(file)})`,
        ],
        {
          cwd: path.join(__dirname, '..', 'helpers'),
          encoding: 'utf8',
          env: { ...process.env, ...environment },
          stdio: [stdin, 'pipe', 'inherit'],
        },
      );
      fs.closeSync(stdin);
      return JSON.parse(stdout);
    }

    it('leave it when the guest opens, writes and closes other files', () => {
      const locks = lockAfter((directory) => {
        const { withWASI } = require('./guest');
        const { Session } = require('./session');
        const session = new Session(withWASI({ preopens: { '/': directory } }));
        for (let i = 0; i < 3; i++) {
          const fd = session.open(`file ${i}`);
          session.write(fd, 'text');
          session.close(fd);
        }
        session.wasi.close();
        if (session.wasi.stats.calls !== 3) throw new Error('not written');
      });
      assert.deepEqual(locks, ['locked', 'locked']);
    });

    it('release it when the guest opens and closes that file itself', () => {
      const locks = lockAfter((directory) => {
        const { withWASI } = require('./guest');
        const { Session } = require('./session');
        const session = new Session(withWASI({ preopens: { '/': directory } }));
        session.close(session.open('locked'));
        session.wasi.close();
      });
      assert.deepEqual(locks, ['locked', 'free']);
    });
  });
});
