'use strict';

// Buffered bytes, and every way in which a guest, its host or the process ends.

const assert = require('node:assert/strict');
const { spawnSync } = require('node:child_process');
const path = require('node:path');
const { ERRNO } = require('../../lib/preview1');
const { assertSameBytes, pattern } = require('../helpers/bytes');
const { FULL, describeWithFull } = require('../helpers/full');
const { useHostFiles } = require('../helpers/host-files');
const {
  commandLine,
  inChild,
  throughSlowPipe,
} = require('../helpers/in-child');
const {
  ENDS,
  FILES,
  KILLED,
  contentsOf,
} = require('../fixtures/buffered-exit');
const { useTempDir } = require('../helpers/temp');

describe('Buffered bytes are out', () => {
  const dir = useTempDir();

  /**
   * Runs fixtures/buffered-exit.js, and asserts its end and the bytes of its files.
   */
  function assertDelivers(settings, outcome) {
    const { status, signal, stderr } = spawnSync(
      process.execPath,
      [
        '--no-warnings',
        path.join(__dirname, '..', 'fixtures', 'buffered-exit.js'),
        JSON.stringify({ ...settings, directory: dir.path('') }),
      ],
      { encoding: 'utf8' },
    );
    assert.deepEqual({ status, signal }, outcome, stderr);
    assert.ok(!stderr.includes('wasi-writev:'), stderr);
    for (const name of FILES) assert.equal(dir.read(name), contentsOf(name));
  }

  // Each end of a command is tried with every file as the last one. All files are
  // flushed alike, so the other ends are tried with one file each.
  Object.entries(ENDS).forEach(([kind, ends], i) => {
    Object.entries(ends).forEach(([end, { outcome }], j) => {
      const files = kind === 'command' ? FILES : [FILES[(i + j) % 3]];
      for (const last of files) {
        it(`when a guest (${kind}) ${end}, those of ${last}`, () => {
          assertDelivers({ kind, end, last, buffered: true }, outcome);
        });
      }
    });
  });

  for (const end of ['returns', 'has its host call process.exit()']) {
    for (const last of FILES) {
      it(`when a guest ${end}, those of ${last}, buffered: auto`, () => {
        const settings = { kind: 'command', end, last, buffered: 'auto' };
        assertDelivers(settings, ENDS.command[end].outcome);
      });
    }
  }

  // A worker can only end by itself: it cannot be killed alone.
  for (const [kind, ends] of Object.entries(ENDS)) {
    for (const [end, { outcome }] of Object.entries(ends)) {
      if (outcome === KILLED || end.includes('returnOnExit')) continue;

      it(`when a guest (${kind}) in a worker ${end}`, () => {
        const settings = { kind, end, last: 'stdout', buffered: true };
        assertDelivers({ ...settings, worker: true }, outcome);
      });
    }
  }
});

describe('Buffered bytes at the end of the process', () => {
  const dir = useTempDir();

  /**
   * Runs `body({ reactor, file }, ...args)`. Returns the bytes of its stdout, a
   * file.
   */
  function run(body, ...args) {
    const { status, stderr } = inChild(
      `(file, ...args) => {
        const fs = require('node:fs');
        const { withWASI } = require('./guest');
        const { Session } = require('./session');
        const reactor = (options) => new Session(withWASI({
          buffered: true, stdout: fs.openSync(file, 'a'), ...options,
        }));
        (${body})({ reactor, file }, ...args);
      }`,
      [dir.path('file'), ...args],
    );
    assert.equal(stderr, '');
    return { status, text: dir.read('file') };
  }

  it('are those of every guest', () => {
    const { status, text } = run(({ reactor }) => {
      const sessions = [reactor(), reactor(), reactor()];
      sessions.forEach((session, i) => session.write(1, `${i};`));
      process.exit(9);
    });
    assert.deepEqual({ status, text }, { status: 9, text: '0;1;2;' });
  });

  it('are those of every guest when another calls proc_exit()', () => {
    const { status, text } = run(({ reactor }) => {
      const { createCommand } = require('./command');
      reactor().write(1, 'of a reactor');
      createCommand({ returnOnExit: false }, ({ guest }) =>
        guest.proc_exit(7),
      ).start();
    });
    assert.deepEqual({ status, text }, { status: 7, text: 'of a reactor' });
  });

  it('are those that a guest writes when the loop is empty', () => {
    const { status, text } = run(({ reactor }) => {
      const session = reactor();
      session.write(1, 'one, ');
      process.once('beforeExit', () => session.write(1, 'two'));
    });
    assert.deepEqual({ status, text }, { status: 0, text: 'one, two' });
  });

  for (const added of ['before', 'after']) {
    for (const exit of [true, false]) {
      const when = exit ? 'after process.exit()' : 'at the end of the loop';

      it(`are those of an 'exit' listener added ${added} the first write, ${when}`, () => {
        const { status, text } = run(
          ({ reactor }, order, ends) => {
            const session = reactor();
            const listen = () =>
              process.on('exit', () => {
                session.write(1, 'two, ');
                session.write(1, 'three');
              });
            if (order === 'before') listen();
            session.write(1, 'one, ');
            if (order === 'after') listen();
            if (ends) process.exit(9);
          },
          added,
          exit,
        );
        assert.deepEqual(
          { status, text },
          { status: exit ? 9 : 0, text: 'one, two, three' },
        );
      });
    }
  }

  it("are out before another's 'exit' listener exits", () => {
    const { status, text } = run(({ reactor }) => {
      process.on('exit', () => process.exit(9));
      reactor().write(1, 'one');
    });
    assert.deepEqual({ status, text }, { status: 9, text: 'one' });
  });

  it("are out before another's 'exit' listener throws", () => {
    const { status, text } = run(({ reactor }) => {
      process.on('uncaughtException', () => {});
      process.on('exit', () => {
        throw new Error('of the host');
      });
      reactor().write(1, 'one');
    });
    assert.deepEqual({ status, text }, { status: 0, text: 'one' });
  });

  it('go to a function', () => {
    const { status, text } = run(({ reactor, file }) => {
      const { appendFileSync } = require('node:fs');
      const stdout = (chunk) => appendFileSync(file, `${chunk.length};`);
      const session = reactor({ stdout });
      session.write(1, 'one');
      session.write(1, 'two');
      process.exit(9);
    });
    assert.deepEqual({ status, text }, { status: 9, text: '6;' });
  });

  for (const own of ['a host descriptor', 'process.stdout']) {
    it(`go all to a slow pipe that is ${own}`, () => {
      const { stdout, stderr } = throughSlowPipe(
        (target) => {
          const { pattern } = require('./bytes');
          const { createCommand } = require('./command');
          createCommand(
            {
              stdout: target === 'process.stdout' ? process.stdout : 1,
              buffered: true,
              bufferSize: 2 ** 20,
            },
            (session) => {
              session.write(1, pattern(1_000_000));
              process.exit(9);
            },
          ).start();
        },
        [own],
      );
      assertSameBytes(stdout, pattern(1_000_000));
      assert.equal(stderr, 'status 9\n');
    });
  }
});

describeWithFull('Bytes that cannot be written at the exit', () => {
  const dir = useTempDir();
  const lineOf = (fd, pending, code = 'ENOSPC') =>
    `wasi-writev: ${pending} bytes for guest fd ${fd} could not be written: ` +
    `${code}\n`;
  const linesIn = (stderr) => stderr.match(/^wasi-writev: .*\n/gm);

  it('are told of after process.exit() in an import of the guest', () => {
    const { status, stdout, stderr } = inChild(() => {
      const { createCommand } = require('./command');
      const stdout = require('node:fs').openSync('/dev/full', 'w');
      createCommand({ stdout, buffered: true }, (session) => {
        session.write(1, 'hello');
        process.exit(3);
      }).start();
    });
    assert.deepEqual(
      { status, stdout, stderr },
      { status: 3, stdout: '', stderr: lineOf(1, 5) },
    );
  });

  for (const through of ['WASI', 'createWrites']) {
    it(`are told of when the loop is empty, under ${through}`, () => {
      const { status, stdout, stderr } = inChild(
        (way) => {
          const { withWASI, withWrites } = require('./guest');
          const { Session } = require('./session');
          const full = require('node:fs').openSync('/dev/full', 'w');
          const session = new Session(
            way === 'WASI'
              ? withWASI({ stdout: full, buffered: true })
              : withWrites({ fds: { 1: full }, buffered: true }),
          );
          session.write(1, 'one');
          session.write(1, ' two');
        },
        [through],
      );
      assert.deepEqual(
        { status, stdout, stderr },
        { status: 0, stdout: '', stderr: lineOf(1, 7) },
      );
    });
  }

  it('are told of for each guest', () => {
    const { status, stderr } = inChild(() => {
      const { withWrites } = require('./guest');
      const { Session } = require('./session');
      const open = () => require('node:fs').openSync('/dev/full', 'w');
      for (const size of [10, 20]) {
        const fds = { 1: open(), 5: open(), 6: 'capture' };
        const session = new Session(withWrites({ fds, buffered: true }));
        session.write(1, Buffer.alloc(size + 1));
        // Written at once: bytes left by the last flush occupy the buffer.
        if (session.tryWrite(5, 'x') !== 51) throw new Error('no ENOSPC');
        session.write(6, Buffer.alloc(size));
      }
      process.exit(9);
    });
    assert.equal(status, 9);
    assert.equal(stderr, lineOf(1, 11) + lineOf(1, 21));
  });

  it('are told of after an exception that nobody caught', () => {
    const { status, stderr } = inChild(() => {
      const { withWASI } = require('./guest');
      const { Session } = require('./session');
      const stdout = require('node:fs').openSync('/dev/full', 'w');
      new Session(withWASI({ stdout, buffered: true })).write(1, 'hello');
      throw new Error('of the host');
    });
    assert.equal(status, 1);
    assert.deepEqual(linesIn(stderr), [lineOf(1, 5)]);
    assert.match(stderr, /Error: of the host/);
  });

  for (const returnOnExit of [true, false]) {
    it(`are told of after start() has thrown, returnOnExit: ${returnOnExit}`, () => {
      const { status, stdout, stderr } = inChild(
        (returns) => {
          const { createCommand } = require('./command');
          const stdout = require('node:fs').openSync('/dev/full', 'w');
          const { start } = createCommand(
            { stdout, buffered: true, returnOnExit: returns },
            (session) => {
              session.write(1, 'hello');
              session.guest.proc_exit(4);
            },
          );
          try {
            start();
          } catch ({ message, code, errno, fd, pending }) {
            console.log(JSON.stringify({ message, code, errno, fd, pending }));
          }
        },
        [returnOnExit],
      );
      assert.deepEqual(JSON.parse(stdout), {
        message: '5 bytes for guest fd 1 could not be written',
        code: 'ENOSPC',
        errno: ERRNO.NOSPC,
        fd: 1,
        pending: 5,
      });
      assert.deepEqual({ status, stderr }, { status: 0, stderr: lineOf(1, 5) });
    });
  }

  it('are told of with what start() throws, if nobody catches that', () => {
    const { status, stderr } = inChild(() => {
      const { createCommand } = require('./command');
      const stdout = require('node:fs').openSync('/dev/full', 'w');
      createCommand({ stdout, buffered: true }, (session) => {
        session.write(1, 'hello');
      }).start();
    });
    assert.equal(status, 1);
    assert.deepEqual(linesIn(stderr), [lineOf(1, 5)]);
    assert.match(
      stderr,
      /Error \[ENOSPC\]: 5 bytes for guest fd 1 could not be written/,
    );
  });

  it('are not told of if they can by then', () => {
    const { status, stdout, stderr } = inChild(
      (file) => {
        const fs = require('node:fs');
        const { createCommand } = require('./command');
        const hostFd = fs.openSync('/dev/full', 'w');
        const { start } = createCommand(
          { stdout: hostFd, buffered: true },
          (session) => session.write(1, 'hello'),
        );
        try {
          start();
        } catch ({ code }) {
          console.log(code);
        }
        // The file gets its number.
        fs.closeSync(hostFd);
        while (fs.openSync(file, 'w') < hostFd);
      },
      [dir.path('file')],
    );
    assert.deepEqual(
      { status, stdout, stderr },
      { status: 0, stdout: 'ENOSPC\n', stderr: '' },
    );
    assert.equal(dir.read('file'), 'hello');
  });

  it('are told of at the end of a worker', () => {
    const { status, stderr } = inChild(() => {
      const { Worker } = require('node:worker_threads');
      const guest = require('node:path').resolve('guest.js');
      const code = `
        const { openSync } = require('node:fs');
        const { putIovs, withWASI } = require(${JSON.stringify(guest)});
        const stdout = openSync('/dev/full', 'w');
        const started = withWASI({ stdout, buffered: true });
        putIovs(started.memory, 64, [[1024, 5]]);
        started.guest.fd_write(1, 64, 1, 0);`;
      new Worker(code, { eval: true }).on('exit', (code) => process.exit(code));
    });
    assert.equal(status, 0);
    assert.deepEqual(linesIn(stderr), [lineOf(1, 5)]);
  });
});

describe('Bytes for a pipe that is full, and that nobody reads', () => {
  const host = useHostFiles();

  it('are given up by process.exit(), which says so', () => {
    const { writer } = host.pipe({ blocking: true });
    const [node, ...args] = commandLine(() => {
      const { withWASI } = require('./guest');
      const { Session } = require('./session');
      const session = new Session(withWASI({ buffered: true }));
      for (let i = 0; i < 3; i++) session.write(1, Buffer.alloc(30_000));
      process.exit(9);
    });
    const { status, signal, stderr } = spawnSync(node, args, {
      cwd: path.join(__dirname, '..', 'helpers'),
      encoding: 'utf8',
      stdio: ['ignore', writer, 'pipe'],
      timeout: 60_000,
    });
    assert.deepEqual({ status, signal }, { status: 9, signal: null });
    assert.match(
      stderr,
      /^wasi-writev: \d+ bytes for guest fd 1 could not be written: EAGAIN\n$/,
    );
  });
});

describeWithFull('Bytes for a full device', () => {
  it('are told of once where another guest ends the process', () => {
    const { status, stderr } = inChild(
      (device) => {
        const fs = require('node:fs');
        const { withWASI } = require('./guest');
        const { Session } = require('./session');
        const stdout = fs.openSync(device, 'w');
        new Session(withWASI({ buffered: true, stdout })).write(1, 'hello');
        new Session(withWASI({ returnOnExit: false })).guest.proc_exit(3);
      },
      [FULL],
    );
    assert.deepEqual(
      { status, stderr },
      {
        status: 3,
        stderr:
          'wasi-writev: 5 bytes for guest fd 1 could not be written: ENOSPC\n',
      },
    );
  });
});

describe('The error of a function that gets buffered bytes', () => {
  /** A reactor with such a function writes, then `end` ends the process. */
  const inProcess = (end) =>
    inChild(
      `() => {
        const { withWASI } = require('./guest');
        const { Session } = require('./session');
        const stdout = () => {
          throw new Error('of the function');
        };
        new Session(withWASI({ buffered: true, stdout })).write(1, 'hello');
        (${end})();
      }`,
    );

  it('is an uncaught exception after the guest has returned', () => {
    const { status, stderr } = inProcess(() => {});
    assert.equal(status, 1);
    assert.match(stderr, /^Error: of the function/m);
    assert.doesNotMatch(stderr, /^wasi-writev/m);
  });

  it('is left to the handler of uncaught exceptions', () => {
    const { status, stdout, stderr } = inProcess(() => {
      process.on('uncaughtException', ({ message }) => console.log(message));
    });
    assert.deepEqual(
      { status, stdout, stderr },
      { status: 0, stdout: 'of the function\n', stderr: '' },
    );
  });

  it('is told of at the end of the process, whose status stays', () => {
    const { status, stderr } = inProcess(() => process.exit(9));
    assert.equal(status, 9);
    assert.match(stderr, /^wasi-writev: a target threw Error: of the function/);
  });
});
