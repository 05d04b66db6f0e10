'use strict';

// A flush to a full pipe: which bytes are kept, and what happens to them when the
// reader goes on.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const { engine } = require('../..');
const { ERRNO } = require('../../lib/preview1');
const { assertSameBytes, pattern } = require('../helpers/bytes');
const { createCommand } = require('../helpers/command');
const { fill, readAvailable, useHostFiles } = require('../helpers/host-files');
const { THROUGH, useOutputs } = require('../helpers/outputs');
const { Random } = require('../helpers/random');
const { FILL, assertHeld } = require('../helpers/held');

const STDOUT = 1;
const PIPE_SIZE = 65_536;

// The fallback waits on a descriptor that the host left blocking.
const CAN_LIMIT = engine === 'native' ? [false, true] : [false];

describe('A flush to a pipe that is full', () => {
  const open = useOutputs();
  const host = useHostFiles();
  const BYTES = pattern(100_000);
  const HELD = {
    fd: STDOUT,
    pending: BYTES.length - PIPE_SIZE,
    errno: ERRNO.AGAIN,
  };

  for (const through of THROUGH) {
    for (const blocking of CAN_LIMIT) {
      for (const waitTimeout of [0, 5]) {
        const mode =
          `to a ${blocking ? 'blocking' : 'non-blocking'} one under ` +
          `${through}, waitTimeout: ${waitTimeout}`;

        const start = () => {
          const pipe = host.pipe({ blocking });
          const output = open(
            through,
            { [STDOUT]: pipe.writer, 2: 'capture' },
            { buffered: true, bufferSize: 2 ** 18, waitTimeout },
          );
          FILL.fd_write(output, STDOUT, BYTES);
          assert.equal(readAvailable(pipe.reader).length, 0);
          return { output, ...pipe };
        };

        it(`keeps the rest, ${mode}`, () => {
          const { output, reader } = start();
          for (let i = 0; i < 3; i++) assertHeld(output.flush, HELD);
          assert.equal(output.tryWrite(STDOUT, 'more'), ERRNO.AGAIN);
          output.write(2, 'another fd');
          assertSameBytes(readAvailable(reader), BYTES.subarray(0, PIPE_SIZE));
          output.flush();
          assertSameBytes(readAvailable(reader), BYTES.subarray(PIPE_SIZE));
          output.flush();
          assert.equal(readAvailable(reader).length, 0);
          assert.equal(output.captured(2).toString(), 'another fd');
        });

        it(`goes on with the next write, ${mode}`, () => {
          const { output, reader } = start();
          assertHeld(output.flush, HELD);
          const received = [readAvailable(reader)];
          output.write(STDOUT, 'more');
          received.push(readAvailable(reader));
          output.flush();
          received.push(readAvailable(reader));
          assert.equal(received[1].length, BYTES.length - PIPE_SIZE);
          assertSameBytes(
            Buffer.concat(received),
            Buffer.concat([BYTES, Buffer.from('more')]),
          );
        });

        it(`gives PIPE when the reader has gone, ${mode}`, () => {
          const { output, reader } = start();
          assertHeld(output.flush, HELD);
          assertSameBytes(readAvailable(reader), BYTES.subarray(0, PIPE_SIZE));
          host.close(reader);
          const gone = { ...HELD, errno: ERRNO.PIPE };
          assertHeld(output.flush, gone);
          assert.equal(output.tryWrite(STDOUT, 'more'), ERRNO.PIPE);
          output.write(2, 'another fd');
          assertHeld(output.flush, gone);

          assert.equal(output.discard(), gone.pending);
          output.flush();
        });

        it(`takes no byte, ${mode}, where there is no room at all`, () => {
          const { output, reader, filler } = start();
          const full = fill(filler);
          assertHeld(output.flush, { ...HELD, pending: BYTES.length });
          assert.equal(output.tryWrite(STDOUT, 'more'), ERRNO.AGAIN);
          assertSameBytes(readAvailable(reader), full);
          assertHeld(output.flush, HELD);
          assertSameBytes(readAvailable(reader), BYTES.subarray(0, PIPE_SIZE));
          output.flush();
          assertSameBytes(readAvailable(reader), BYTES.subarray(PIPE_SIZE));
        });
      }
    }
  }

  it('is thrown by start()', () => {
    const { reader, writer } = host.pipe({ blocking: false });
    const { wasi, start } = createCommand(
      { stdout: writer, buffered: true, bufferSize: 2 ** 18, waitTimeout: 0 },
      (session) => FILL.fd_write(session, STDOUT, BYTES),
    );
    assertHeld(start, HELD, { exitCode: 0 });
    assertSameBytes(readAvailable(reader), BYTES.subarray(0, PIPE_SIZE));
    wasi.flush();
    assertSameBytes(readAvailable(reader), BYTES.subarray(PIPE_SIZE));
  });

  it('drops the bytes silently if a guest has ended and nobody reads', () => {
    const { reader, writer } = host.pipe({ blocking: false });
    host.close(reader);
    const { wasi, start } = createCommand(
      { stdout: writer, buffered: true },
      (session) => session.write(STDOUT, 'for nobody'),
    );
    assert.equal(start(), 0);
    wasi.flush();
    assert.equal(wasi.discard(), 0);
  });

  // All accepted bytes arrive once and in order, whenever the reader reads. Writes
  // to a file and a capture come in between.
  for (const through of THROUGH) {
    for (let seed = 1; seed <= 6; seed++) {
      it(`loses nothing, whatever happens in between: ${through}, ${seed}`, () => {
        const random = new Random(seed);
        const pipe = host.pipe({ blocking: false });
        const output = open(
          through,
          { 1: pipe.writer, 2: 'capture' },
          { buffered: true, bufferSize: 5000, waitTimeout: 0 },
        );
        const source = pattern(2 ** 20);
        const sent = { 1: 0, 2: 0 };
        const received = [];
        const seen = { failed: 0, short: 0, flushFailed: 0 };

        const write = (fd) => {
          const size = random.oneIn(20)
            ? random.between(5001, 90_000)
            : random.between(1, 3000);
          const part = source.subarray(sent[fd], sent[fd] + size);
          const errno = output.tryWrite(fd, [
            part.subarray(0, size >> 1),
            part.subarray(size >> 1),
          ]);
          if (errno === ERRNO.SUCCESS) {
            const count = output.lastResult();
            sent[fd] += count;
            if (count < part.length) seen.short++;
          } else {
            assert.equal(errno, ERRNO.AGAIN);
            assert.equal(fd, STDOUT);
            seen.failed++;
          }
        };
        const read = () => {
          const chunk = Buffer.alloc(random.between(1, 60_000));
          try {
            const count = fs.readSync(pipe.reader, chunk);
            received.push(chunk.subarray(0, count));
          } catch (error) {
            assert.equal(error.code, 'EAGAIN');
          }
        };
        const flush = () => {
          try {
            output.flush();
          } catch ({ code }) {
            assert.equal(code, 'EAGAIN');
            seen.flushFailed++;
          }
        };

        while (sent[1] < 800_000) {
          write(random.oneIn(10) ? 2 : STDOUT);
          if (random.oneIn(15)) read();
          if (random.oneIn(30)) flush();
        }
        for (let held = true; held;) {
          received.push(readAvailable(pipe.reader));
          const before = seen.flushFailed;
          flush();
          held = seen.flushFailed > before;
        }
        received.push(readAvailable(pipe.reader));

        assertSameBytes(Buffer.concat(received), source.subarray(0, sent[1]));
        assertSameBytes(output.captured(2), source.subarray(0, sent[2]));
        for (const count of Object.values(seen)) {
          assert.ok(count > 0, JSON.stringify(seen));
        }
      });
    }
  }
});
