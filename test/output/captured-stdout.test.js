'use strict';

// What a guest can do with a captured stdout.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const { ERRNO } = require('../../lib/preview1');
const { BUFFERED } = require('../helpers/buffering');
const { createCommand } = require('../helpers/command');
const {
  assertNoneLeft,
  countDescriptors,
  itWithProc,
} = require('../helpers/descriptors');
const { withWASI } = require('../helpers/guest');
const { resultInChild } = require('../helpers/in-child');
const { useOutputs } = require('../helpers/outputs');
const { PREOPEN, RIGHTS } = require('../helpers/session');
const { useTempDir } = require('../helpers/temp');

const STDOUT = 1;
const STDERR = 2;

const textOf = (chunk) => Buffer.from(chunk).toString();

describe('A guest whose stdout is captured', () => {
  const dir = useTempDir();
  const open = useOutputs();

  function start(buffered) {
    const output = open(
      'WASI',
      { 1: 'capture', 2: 'capture' },
      { buffered, preopens: { '/': dir.path('') } },
    );
    return output;
  }

  const identity = (fd) => {
    const { dev, ino, rdev } = fs.fstatSync(fd);
    return `${dev} ${ino} ${rdev}`;
  };

  for (const buffered of BUFFERED) {
    describe(`(buffered: ${buffered})`, () => {
      let output;
      let before;

      beforeEach(() => {
        before = [identity(1), identity(2)];
        output = start(buffered);
      });
      afterEach(() => {
        assert.deepEqual([identity(1), identity(2)], before);
      });

      it('closes it, but not the stdout of the host', () => {
        output.write(STDOUT, 'before');
        output.close(STDOUT);
        assert.equal(output.tryWrite(STDOUT, 'after'), ERRNO.BADF);
        assert.equal(output.guest.fd_close(STDOUT), ERRNO.BADF);
        assert.equal(textOf(output.captured(STDOUT)), 'before');
      });

      it('gets a file in its place', () => {
        output.write(STDOUT, 'captured');
        const fd = output.open('file');
        assert.equal(output.guest.fd_renumber(fd, STDOUT), ERRNO.SUCCESS);
        output.write(STDOUT, 'to the file');
        output.close(STDOUT);
        assert.equal(dir.read('file'), 'to the file');
        assert.equal(textOf(output.captured(STDOUT)), 'captured');
      });

      it('gets a file under its number after it closed it', () => {
        output.write(STDOUT, 'captured');
        output.close(STDOUT);
        const fd = output.open('file');
        assert.equal(fd, STDOUT);
        output.write(fd, 'to the file');
        output.close(fd);
        assert.equal(dir.read('file'), 'to the file');
        assert.equal(textOf(output.captured(STDOUT)), 'captured');
      });

      it('moves it to another number', () => {
        output.write(STDOUT, 'one, ');
        const fd = output.open('file');
        assert.equal(output.guest.fd_renumber(STDOUT, fd), ERRNO.SUCCESS);
        assert.equal(output.tryWrite(STDOUT, 'nowhere'), ERRNO.BADF);
        output.write(fd, 'two');
        output.close(fd);
        assert.equal(textOf(output.captured(STDOUT)), 'one, two');
        assert.equal(dir.read('file'), '');
      });

      it('has stderr go where stdout went', () => {
        output.write(STDOUT, 'out, ');
        output.write(STDERR, 'err, ');
        assert.equal(output.guest.fd_renumber(STDERR, STDOUT), ERRNO.SUCCESS);
        output.write(STDOUT, 'renumbered');
        assert.equal(textOf(output.captured(STDOUT)), 'out, ');
        assert.equal(textOf(output.captured(STDERR)), 'err, renumbered');
      });

      it('sees no terminal', () => {
        for (const fd of [STDOUT, STDERR]) {
          const { filetype, rights, flags } = output.fdstat(fd);
          // wasi-libc's isatty() checks for it.
          const CHARACTER_DEVICE = 2;
          const isatty =
            filetype === CHARACTER_DEVICE &&
            (rights & (RIGHTS.FD_SEEK | RIGHTS.FD_TELL)) === 0n;
          assert.equal(isatty, false);
          assert.equal(rights & RIGHTS.FD_WRITE, RIGHTS.FD_WRITE);
          assert.equal(flags, 0);
        }
      });

      it('keeps its output after close(), with no fd open', () => {
        output.write(STDOUT, 'one');
        const file = output.open('file');
        output.wasi.close();
        for (const fd of [STDOUT, STDERR, PREOPEN, file]) {
          assert.equal(output.tryWrite(fd, 'after'), ERRNO.BADF);
          assert.equal(output.guest.fd_close(fd), ERRNO.BADF);
        }
        assert.equal(textOf(output.captured(STDOUT)), 'one');
      });

      it('goes on as before when start() refuses to start it again', () => {
        const instance = { exports: output.guest };
        assert.throws(() => output.wasi.start(instance), {
          code: 'ERR_WASI_ALREADY_STARTED',
        });
        assert.equal(output.fdstat(STDOUT).flags, 0);
        const fd = output.open('file');
        assert.ok(fd > PREOPEN);
        output.write(STDOUT, 'captured');
        output.close(fd);
        assert.equal(dir.read('file'), '');
        assert.equal(textOf(output.captured(STDOUT)), 'captured');
      });
    });
  }

  const ENDS = {
    returns: () => {},
    exits: ({ guest }) => guest.proc_exit(1),
    traps: ({ guest }) => guest.trap(),
    'closes it and exits'({ guest }) {
      guest.fd_close(STDOUT);
      guest.proc_exit(1);
    },
    'moves it and returns': ({ guest }) => guest.fd_renumber(STDOUT, STDERR),
  };
  for (const [name, end] of Object.entries(ENDS)) {
    itWithProc(`leaves no descriptor when it ${name}, 200 times`, () => {
      const before = countDescriptors();
      for (let i = 0; i < 200; i++) {
        const { wasi, start: run } = createCommand(
          { stdout: 'capture', stderr: () => {} },
          (session) => {
            session.write(STDOUT, `output ${i}`);
            end(session);
          },
        );
        try {
          run();
        } catch (error) {
          assert.ok(error instanceof WebAssembly.RuntimeError);
        }
        assert.equal(textOf(wasi.stdout), `output ${i}`);
      }
      assertNoneLeft(before);
    });
  }

  itWithProc('leaves no descriptor when it is closed, 200 times', () => {
    const before = countDescriptors();
    for (let i = 0; i < 200; i++) {
      const { wasi } = withWASI({ stdout: 'capture', stderr: 'capture' });
      wasi.close();
    }
    assertNoneLeft(before);
  });

  for (const buffered of BUFFERED) {
    itWithProc(
      `leaves none when it was collected, buffered: ${buffered}`,
      () => {
        const { peak, left } = resultInChild(
          async (mode) => {
            const { setImmediate: turn } = require('node:timers/promises');
            const { readdirSync } = require('node:fs');
            const { withWASI } = require('./guest');
            const { Session } = require('./session');
            const count = () => readdirSync('/proc/self/fd').length;
            function create() {
              const session = new Session(
                withWASI({
                  stdout: 'capture',
                  stderr: () => {},
                  preopens: { '/': '.' },
                  buffered: mode,
                }),
              );
              session.write(1, 'text');
              session.write(2, 'text');
            }
            create();
            const begin = count();
            for (let i = 0; i < 200; i++) create();
            const peak = count() - begin;
            for (let i = 0; i < 200 && count() > begin; i++) {
              global.gc();
              await turn();
            }
            return { peak, left: Math.max(0, count() - begin) };
          },
          [buffered],
          ['--expose-gc'],
        );
        assert.ok(peak > 0, `${peak}`);
        assert.equal(left, 0);
      },
    );
  }
});
