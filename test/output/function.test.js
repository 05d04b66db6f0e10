'use strict';

// Output that goes to a function.

const assert = require('node:assert/strict');
const { engine } = require('../..');
const { ERRNO } = require('../../lib/preview1');
const { BUFFERED } = require('../helpers/buffering');
const { assertSameBytes, pattern } = require('../helpers/bytes');
const { createCommand } = require('../helpers/command');
const { inChild, resultInChild } = require('../helpers/in-child');
const { assertThrowsIt, useOutputs } = require('../helpers/outputs');
const { call, forEachMode } = require('../helpers/target-calls');

const STDOUT = 1;
const STDERR = 2;
const DATA = 65536;
const MIB = 2 ** 20;

const textOf = (chunk) => Buffer.from(chunk).toString();
const took = (count) => ({ errno: ERRNO.SUCCESS, count });

describe('A function', () => {
  const open = useOutputs();

  forEachMode((through, buffered, mode) => {
    const joined = engine === 'native' && buffered === true;

    it(`gets ${joined ? 'a chunk per flush' : 'a chunk per write'}, ${mode}`, () => {
      const chunks = [];
      const output = open(
        through,
        { [STDOUT]: (chunk) => chunks.push(chunk) },
        { buffered },
      );
      output.write(STDOUT, 'one ');
      output.write(STDOUT, ['t', 'w', '', 'o ']);
      output.write(STDOUT, 'three');
      output.write(STDOUT, []);
      output.flush();
      assert.ok(chunks.every((chunk) => chunk.constructor === Uint8Array));
      assert.deepEqual(
        chunks.map(textOf),
        joined ? ['one two three'] : ['one ', 'two ', 'three'],
      );
      output.flush();
      assert.equal(chunks.length, joined ? 1 : 3);
    });

    it(`gets a chunk per write on fd 2, ${mode}`, () => {
      const chunks = [];
      const output = open(
        through,
        { [STDERR]: (chunk) => chunks.push(textOf(chunk)) },
        { buffered },
      );
      output.write(STDERR, 'one');
      assert.deepEqual(chunks, ['one']);
      output.write(STDERR, 'two');
      assert.deepEqual(chunks, ['one', 'two']);
    });

    it(`gets its own copy, ${mode}`, () => {
      const chunks = [];
      const output = open(
        through,
        { [STDOUT]: (chunk) => chunks.push(chunk) },
        { buffered },
      );
      for (const text of ['first', 'other']) {
        output.write(STDOUT, text);
        output.flush();
        new Uint8Array(output.memory.buffer).fill(0);
      }
      assert.deepEqual(chunks.map(textOf), ['first', 'other']);
      chunks.forEach((chunk) => chunk.fill(0x78));
      output.write(STDOUT, 'third');
      output.flush();
      assert.deepEqual(chunks.map(textOf), ['xxxxx', 'xxxxx', 'third']);
    });

    it(`can give the buffer of a chunk away, ${mode}`, () => {
      const chunks = [];
      const output = open(
        through,
        {
          [STDOUT](chunk) {
            chunks.push(structuredClone(chunk, { transfer: [chunk.buffer] }));
            assert.equal(chunk.length, 0);
          },
        },
        { buffered },
      );
      for (const text of ['one', 'two', 'three']) {
        output.write(STDOUT, text);
        output.flush();
      }
      assert.deepEqual(chunks.map(textOf), ['one', 'two', 'three']);
      for (const chunk of chunks) {
        assert.equal(chunk.buffer.byteLength, chunk.length);
      }
    });

    it(`gets large writes and small ones in order, ${mode}`, () => {
      const chunks = [];
      const output = open(
        through,
        { [STDOUT]: (chunk) => chunks.push(chunk) },
        { buffered, bufferSize: 1000 },
      );
      const bytes = pattern(300_000);
      let done = 0;
      for (let size = 0; done < bytes.length; size = (size + 37) % 2500) {
        done += output.write(STDOUT, bytes.subarray(done, done + size));
      }
      output.flush();
      assertSameBytes(Buffer.concat(chunks), bytes);
    });

    it(`has the memory grown by what it is told, ${mode}`, () => {
      const chunks = [];
      const output = open(
        through,
        {
          [STDOUT](chunk) {
            chunks.push(chunk.length);
            output.memory.grow(1);
          },
        },
        { buffered },
      );
      output.memory.grow(600);
      for (const size of [10, 70_000, 33 * MIB]) {
        assert.deepEqual(call(output, STDOUT, [[DATA, size]]), took(size));
        output.flush();
      }
      const total = chunks.reduce((sum, length) => sum + length, 0);
      assert.equal(total, 10 + 70_000 + 33 * MIB);
    });
  });

  // The error of the function. The guest's main goes on after the errno, and notes
  // it.

  for (const buffered of BUFFERED) {
    for (const end of ['return', 'proc_exit()', 'a trap']) {
      it(`that throws ends start() with that after ${end}, buffered: ${buffered}`, () => {
        const result = resultInChild(
          (mode, way) => {
            const { createCommand } = require('./command');
            const error = new Error('of the function');
            const notes = { calls: 0, errnos: [] };
            const { session, start } = createCommand(
              {
                buffered: mode,
                stdout() {
                  notes.calls++;
                  throw error;
                },
              },
              ({ guest }) => {
                notes.errnos.push(session.tryWrite(1, 'one'));
                notes.errnos.push(session.guest.fd_sync(1));
                notes.errnos.push(session.tryWrite(1, 'two'));
                notes.errnos.push(session.tryWrite(1, 'three'));
                if (way === 'proc_exit()') guest.proc_exit(7);
                if (way === 'a trap') guest.trap();
              },
            );
            try {
              start();
            } catch (thrown) {
              notes.thrown = thrown === error;
            }
            return notes;
          },
          [buffered, end],
        );
        const { IO, SUCCESS } = ERRNO;
        assert.deepEqual(result, {
          calls: 1,
          errnos:
            buffered === true ? [SUCCESS, IO, IO, IO] : [IO, SUCCESS, IO, IO],
          thrown: true,
        });
      });
    }

    it(`that throws makes flush() throw that, once, buffered: ${buffered}`, () => {
      const result = resultInChild(
        (mode) => {
          const { withWrites } = require('./guest');
          const { Session } = require('./session');
          const error = new Error('of the function');
          let calls = 0;
          const started = withWrites({
            buffered: mode,
            fds: {
              1() {
                calls++;
                throw error;
              },
            },
          });
          const session = new Session(started);
          const errno = session.tryWrite(1, 'text');
          const thrown = [];
          for (let i = 0; i < 2; i++) {
            try {
              started.writes.flush();
            } catch (caught) {
              thrown.push(caught === error);
            }
          }
          return { errno, calls, thrown: thrown.filter(Boolean) };
        },
        [buffered],
      );
      const errno = buffered === true ? ERRNO.SUCCESS : ERRNO.IO;
      assert.deepEqual(result, { errno, calls: 1, thrown: [true] });
    });
  }

  for (const value of ['text', 0, null, undefined, Symbol('thrown')]) {
    it(`that throws ${String(value)} ends start() with that`, () => {
      const { session, start } = createCommand(
        {
          stdout() {
            throw value;
          },
        },
        () => assert.equal(session.tryWrite(STDOUT, 'text'), ERRNO.IO),
      );
      assertThrowsIt(start, value);
    });
  }

  const AFTERWARDS = {
    'closes its fd': ({ guest }) => guest.fd_close(STDOUT),
    'puts another in its place': ({ guest }) =>
      guest.fd_renumber(STDERR, STDOUT),
    'moves it': ({ guest }) => guest.fd_renumber(STDOUT, STDERR),
  };
  for (const [name, act] of Object.entries(AFTERWARDS)) {
    it(`that throws ends start() with that, if the guest ${name}`, () => {
      const error = new Error('of the function');
      const { session, start } = createCommand(
        {
          stdout() {
            throw error;
          },
          stderr: 'capture',
        },
        () => {
          assert.equal(session.tryWrite(STDOUT, 'text'), ERRNO.IO);
          assert.equal(act(session), ERRNO.SUCCESS);
        },
      );
      assertThrowsIt(start, error);
    });
  }

  for (const buffered of BUFFERED) {
    it(`that throws is reported without returnOnExit, buffered: ${buffered}`, () => {
      const { status, stdout } = inChild(
        (mode) => {
          const { createCommand } = require('./command');
          const error = new Error('of the function');
          const { session, start } = createCommand(
            {
              buffered: mode,
              returnOnExit: false,
              stdout() {
                throw error;
              },
            },
            ({ guest }) => {
              session.tryWrite(1, 'text');
              guest.proc_exit(0);
            },
          );
          try {
            start();
          } catch (thrown) {
            if (thrown === error) console.log('heard');
          }
        },
        [buffered],
      );
      assert.deepEqual({ status, stdout }, { status: 0, stdout: 'heard\n' });
    });
  }

  // The function is never called again, so nothing waits for a later flush.
  for (const buffered of BUFFERED) {
    it(`that throws does not keep the guest in memory, buffered: ${buffered}`, () => {
      const alive = resultInChild(
        (mode) => {
          const { countAlive } = require('./alive');
          const { createCommand } = require('./command');
          return countAlive(() => {
            const { wasi, session, start } = createCommand(
              {
                buffered: mode,
                stdout() {
                  throw new Error('of the function');
                },
              },
              () => session.tryWrite(1, 'text'),
            );
            try {
              start();
            } catch {
              // The error of the function.
            }
            return wasi;
          });
        },
        [buffered],
        ['--expose-gc'],
      );
      assert.ok(alive <= 5, `${alive} of 50 are alive`);
    });
  }

  it('that throws leaves other targets alone', () => {
    const error = new Error('of the function');
    const { wasi, session, start } = createCommand(
      {
        stdout() {
          throw error;
        },
        stderr: 'capture',
      },
      () => {
        assert.equal(session.tryWrite(STDOUT, 'text'), ERRNO.IO);
        session.write(STDERR, 'still here');
      },
    );
    assertThrowsIt(start, error);
    assert.equal(textOf(wasi.stderr), 'still here');
  });

  it('that throws has its error thrown, not a later one of the guest', () => {
    const error = new Error('of the function');
    const { session, start } = createCommand(
      {
        stdout() {
          throw error;
        },
      },
      () => {
        session.write(STDOUT, 'text'); // throws inside an import of the guest
      },
    );
    assertThrowsIt(start, error);
  });
});
