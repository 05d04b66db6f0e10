'use strict';

// Output that goes to process.stdout or process.stderr.

const assert = require('node:assert/strict');
const { once } = require('node:events');
const path = require('node:path');
const { Worker } = require('node:worker_threads');
const { BUFFERED } = require('../helpers/buffering');
const { assertSameBytes, pattern } = require('../helpers/bytes');
const { inChild, throughSlowPipe } = require('../helpers/in-child');

describe('The streams of this process', () => {
  for (const buffered of BUFFERED) {
    it(`are written at once where nothing is queued, buffered: ${buffered}`, () => {
      const { stdout, stderr } = throughSlowPipe(
        (mode) => {
          const { pattern } = require('./bytes');
          const { withWASI } = require('./guest');
          const { Session } = require('./session');
          const started = withWASI({ stdout: process.stdout, buffered: mode });
          new Session(started).write(1, pattern(1_000_000));
          started.wasi.flush();
          process.stderr.write(`${process.stdout.bytesWritten} `);
          process.kill(process.pid, 'SIGKILL');
        },
        [buffered],
      );
      assertSameBytes(stdout, pattern(1_000_000));
      assert.match(stderr, /^0 (Killed\n)?status 137\n$/);
    });

    it(`keep their order with what the host has queued, buffered: ${buffered}`, () => {
      const { stdout, stderr } = throughSlowPipe(
        async (mode) => {
          const { once } = require('node:events');
          const { withWASI } = require('./guest');
          const { Session } = require('./session');
          const stream = process.stdout;
          const started = withWASI({ stdout: stream, buffered: mode });
          const session = new Session(started);
          const guest = (text) => {
            session.write(1, text);
            started.wasi.flush();
          };
          const queued = [];
          for (let i = 0; i < 3; i++) {
            guest(`guest ${i}, `);
            stream.write('host '.repeat(100_000));
            queued.push(stream.writableLength > 0);
            guest(`behind ${i}, `);
            stream.write(`host ${i}, `);
            guest('large '.repeat(50_000));
            await once(stream, 'drain');
            guest('after '.repeat(50_000));
            queued.push(stream.writableLength > 0);
            stream.write('end, ');
          }
          process.stderr.write(`${queued} `);
        },
        [buffered],
      );
      let expected = '';
      for (let i = 0; i < 3; i++) {
        expected +=
          `guest ${i}, ${'host '.repeat(100_000)}behind ${i}, host ${i}, ` +
          `${'large '.repeat(50_000)}${'after '.repeat(50_000)}end, `;
      }
      assert.equal(
        stderr,
        `${[true, false, true, false, true, false]} status 0\n`,
      );
      assertSameBytes(stdout, Buffer.from(expected));
    });
  }

  it('are written at once as stderr too', () => {
    const { status, stdout, stderr } = inChild(() => {
      const { withWASI } = require('./guest');
      const { Session } = require('./session');
      const { stdout, stderr } = process;
      const session = new Session(withWASI({ stdout, stderr }));
      session.write(2, 'guest 1, ');
      stderr.write('host 1, ');
      session.write(1, 'out');
      session.write(2, 'guest 2');
      process.kill(process.pid, 'SIGKILL');
    });
    assert.deepEqual(
      { status, stdout, stderr },
      { status: null, stdout: 'out', stderr: 'guest 1, host 1, guest 2' },
    );
  });

  it('are those of a worker in a worker', async () => {
    const code = `
      const { workerData } = require('node:worker_threads');
      const { runCommand } = require(workerData);
      runCommand({ stdout: process.stdout, stderr: process.stderr },
        (session) => {
          session.write(1, 'guest 1, ');
          process.stdout.write('host 1, ');
          session.write(1, 'guest 2');
          session.write(2, 'to stderr');
        });`;
    const worker = new Worker(code, {
      eval: true,
      stdout: true,
      stderr: true,
      workerData: path.join(__dirname, '..', 'helpers', 'command.js'),
    });
    const all = async (stream) => {
      const chunks = await stream.toArray();
      return Buffer.concat(chunks).toString();
    };
    const [out, err, [exitCode]] = await Promise.all([
      all(worker.stdout),
      all(worker.stderr),
      once(worker, 'exit'),
    ]);
    assert.equal(exitCode, 0);
    assert.equal(out, 'guest 1, host 1, guest 2');
    assert.equal(err, 'to stderr'); // without a warning of node:wasi
  });
});
