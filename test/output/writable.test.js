'use strict';

// Output that goes to a stream of Node.

const assert = require('node:assert/strict');
const { once } = require('node:events');
const { PassThrough, Writable } = require('node:stream');
const { engine } = require('../..');
const { ERRNO } = require('../../lib/preview1');
const { itNative } = require('../helpers/buffering');
const { assertSameBytes, pattern } = require('../helpers/bytes');
const { createCommand, runCommand } = require('../helpers/command');
const { inChild, resultInChild } = require('../helpers/in-child');
const { THROUGH, assertThrowsIt, useOutputs } = require('../helpers/outputs');
const { call, forEachMode } = require('../helpers/target-calls');

const STDOUT = 1;
const STDERR = 2;
const UNTOUCHED = 0xfeedface;
const DATA = 65536;

const textOf = (chunk) => Buffer.from(chunk).toString();

const refused = (errno) => ({ errno, left: UNTOUCHED });
const took = (count) => ({ errno: ERRNO.SUCCESS, count });

describe('A Writable', () => {
  const open = useOutputs();

  // Takes one chunk in each turn of the event loop.
  function slowWritable(chunks) {
    return new Writable({
      write(chunk, encoding, done) {
        chunks.push(chunk);
        setImmediate(done);
      },
    });
  }

  forEachMode((through, buffered, mode) => {
    it(`gets its own copies in order, ${mode}`, async () => {
      const chunks = [];
      const stream = slowWritable(chunks);
      const output = open(through, { [STDOUT]: stream }, { buffered });
      const texts = ['one ', 'two ', 'three ', 'four'];
      for (const text of texts) {
        output.write(STDOUT, text);
        if (buffered === true) output.flush();
        new Uint8Array(output.memory.buffer).fill(0);
      }
      stream.end();
      await once(stream, 'finish');
      assert.ok(chunks.every((chunk) => Buffer.isBuffer(chunk)));
      assert.deepEqual(chunks.map(textOf), texts);
    });

    it(`gets one chunk for a list of buffers, ${mode}`, async () => {
      const chunks = [];
      const stream = slowWritable(chunks);
      const output = open(through, { [STDOUT]: stream }, { buffered });
      output.write(STDOUT, ['o', '', 'ne ']);
      output.write(STDOUT, ['two']);
      output.write(STDOUT, []);
      output.flush();
      stream.end();
      await once(stream, 'finish');
      assert.deepEqual(
        chunks.map(textOf),
        engine === 'native' && buffered === true
          ? ['one two']
          : ['one ', 'two'],
      );
    });

    it(`keeps the host's own chunks in their places, ${mode}`, async () => {
      const chunks = [];
      const stream = slowWritable(chunks);
      const output = open(through, { [STDOUT]: stream }, { buffered });
      for (let i = 0; i < 5; i++) {
        stream.write(`host ${i},`);
        output.write(STDOUT, `guest ${i},`);
        output.flush();
      }
      stream.end();
      await once(stream, 'finish');
      const expected = [0, 1, 2, 3, 4].map((i) => `host ${i},guest ${i},`);
      assert.equal(chunks.map(textOf).join(''), expected.join(''));
    });

    it(`takes large writes and small ones, ${mode}`, async () => {
      const chunks = [];
      const stream = slowWritable(chunks);
      const output = open(
        through,
        { [STDOUT]: stream },
        { buffered, bufferSize: 1000 },
      );
      const bytes = pattern(300_000);
      let done = 0;
      for (let size = 0; done < bytes.length; size = (size + 37) % 2500) {
        done += output.write(STDOUT, bytes.subarray(done, done + size));
      }
      output.flush();
      stream.end();
      await once(stream, 'finish');
      assertSameBytes(Buffer.concat(chunks), bytes);
    });
  });

  const GONE = {
    'was destroyed': (stream) => stream.destroy(),
    'has ended': (stream) => stream.end(),
  };
  for (const [name, end] of Object.entries(GONE)) {
    for (const through of THROUGH) {
      it(`that ${name} gives PIPE under ${through}`, () => {
        const stream = new PassThrough();
        const output = open(through, { [STDOUT]: stream });
        output.write(STDOUT, 'before');
        end(stream);
        for (let i = 0; i < 2; i++) {
          assert.deepEqual(
            call(output, STDOUT, [[DATA, 5]]),
            refused(ERRNO.PIPE),
          );
        }
        assert.deepEqual(call(output, STDOUT, [[DATA, 0]]), took(0));
        assert.deepEqual(
          call(output, STDOUT, [[0xffffffff, 1]]),
          refused(ERRNO.FAULT),
        );
        output.flush();
      });
    }
  }

  itNative('that was destroyed has its buffered bytes reported', () => {
    const { status, stdout, stderr } = inChild(() => {
      const { PassThrough } = require('node:stream');
      const { withWASI } = require('./guest');
      const { Session } = require('./session');
      const stdout = new PassThrough();
      const started = withWASI({ stdout, buffered: true });
      const session = new Session(started);
      session.write(1, 'before');
      stdout.destroy();
      try {
        started.wasi.flush();
      } catch ({ code, errno, fd, pending }) {
        console.log(code, errno, fd, pending, session.tryWrite(1, 'after'));
      }
    });
    assert.equal(stdout, `EPIPE ${ERRNO.PIPE} 1 6 ${ERRNO.PIPE}\n`);
    assert.equal(stderr, '');
    assert.equal(status, 0);
  });

  it('that was destroyed keeps no guest, once that was told', () => {
    const alive = resultInChild(
      () => {
        const { PassThrough } = require('node:stream');
        const { countAlive } = require('./alive');
        const { withWASI } = require('./guest');
        const { Session } = require('./session');
        return countAlive(() => {
          const stdout = new PassThrough();
          const started = withWASI({ stdout, buffered: true });
          new Session(started).write(1, 'text');
          stdout.destroy();
          try {
            started.wasi.flush();
          } catch (error) {
            if (error.code !== 'EPIPE') throw error;
          }
          started.wasi.flush();
          return started.wasi;
        });
      },
      [],
      ['--expose-gc'],
    );
    assert.ok(alive <= 5, `${alive} of 50 are alive`);
  });

  itNative('that was destroyed is told of at the exit, if nobody was', () => {
    const { status, stderr } = inChild(() => {
      const { PassThrough } = require('node:stream');
      const { withWASI } = require('./guest');
      const { Session } = require('./session');
      const stdout = new PassThrough();
      new Session(withWASI({ stdout, buffered: true })).write(1, 'before');
      stdout.destroy();
    });
    assert.equal(
      stderr,
      'wasi-writev: 6 bytes for guest fd 1 could not be written: EPIPE\n',
    );
    assert.equal(status, 0);
  });

  // The response of a server, for each protocol.
  const RESPONSES = {
    http: {
      server: 'createServer',
      request: (http, url) => http.get(url, (response) => response.resume()),
    },
    http2: {
      server: 'createServer',
      request: (http2, url) => {
        const session = http2.connect(url);
        session.on('error', () => {});
        return session.request({ ':path': '/' }).resume();
      },
    },
  };
  for (const [name, { server: create, request }] of Object.entries(RESPONSES)) {
    for (const how of ['is gone', 'was ended']) {
      for (const buffered of [false, true]) {
        const mode = `buffered: ${buffered}`;

        it(`that is a response of ${name} gives PIPE when it ${how}, ${mode}`, async () => {
          const http = require(`node:${name}`);
          const sockets = new Set();
          const server = http[create]();
          server.on('connection', (socket) => sockets.add(socket));
          server.listen(0);
          await once(server, 'listening');
          const client = request(
            http,
            `http://localhost:${server.address().port}`,
          );
          client.on('error', () => {});
          const [, response] = await once(server, 'request');
          response.on('error', assert.fail);
          if (how === 'is gone') {
            response.write('one');
            response.socket.destroy();
            await once(response, 'close');
          } else {
            response.end('one');
          }
          const output = open('createWrites', { 1: response }, { buffered });
          assert.equal(output.tryWrite(STDOUT, 'two'), ERRNO.PIPE);
          output.flush();
          for (const socket of sockets) socket.destroy();
          server.close();
        });
      }
    }
  }

  it('tells its owner alone of an error that comes later', async () => {
    const error = new Error('of the stream');
    const stream = new Writable({
      write: (chunk, encoding, done) => setImmediate(done, error),
    });
    const failed = once(stream, 'error');
    const { session, exitCode } = runCommand({ stdout: stream }, (started) =>
      started.write(STDOUT, 'text'),
    );
    assert.equal(exitCode, 0);
    assert.deepEqual(await failed, [error]);
    assert.equal(session.tryWrite(STDOUT, 'more'), ERRNO.PIPE);
  });

  for (const through of ['its write()', 'its _write()']) {
    it(`that throws in ${through} does not throw through the guest`, () => {
      const error = new Error('of the stream');
      const fail = () => {
        throw error;
      };
      const stream = new Writable({
        write: through === 'its _write()' ? fail : undefined,
      });
      if (through === 'its write()') stream.write = fail;
      const errnos = [];
      const { session, start } = createCommand({ stdout: stream }, () => {
        errnos.push(session.tryWrite(STDOUT, 'one'));
        errnos.push(session.tryWrite(STDOUT, 'two'));
      });
      assertThrowsIt(start, error);
      assert.equal(errnos.length, 2);
      assert.notEqual(errnos[0], ERRNO.SUCCESS);
    });
  }

  it('may have its getters ask for what is captured', () => {
    const chunks = [];
    const stream = new Writable({
      write(chunk, encoding, done) {
        chunks.push(textOf(chunk));
        done();
      },
    });
    const started = {};
    Object.defineProperty(stream, 'writable', {
      get: () => started.output?.captured(STDERR) !== null,
    });
    const { output } = Object.assign(started, {
      output: open(
        'createWrites',
        { [STDOUT]: stream, [STDERR]: 'capture' },
        { buffered: true },
      ),
    });
    assert.equal(output.write(STDOUT, 'one'), 3);
    output.flush();
    assert.deepEqual(chunks, ['one']);
  });

  it('may write to the guest from its write()', () => {
    const seen = [];
    const stream = new Writable({
      write(chunk, encoding, done) {
        seen.push(textOf(chunk));
        if (seen.length === 1) output.write(STDERR, 'of the stream');
        done();
      },
    });
    const output = open(
      'createWrites',
      { 1: stream, 2: 'capture', 3: 'capture' },
      { buffered: true },
    );
    output.write(STDOUT, 'one');
    output.flush();
    assert.equal(output.write(3, ['th', 'ree']), 5);
    output.flush();
    assert.deepEqual(seen, ['one']);
    assert.equal(textOf(output.captured(2)), 'of the stream');
    assert.equal(textOf(output.captured(3)), 'three');
  });
});
