'use strict';

// Buffered bytes of a guest that overflows the stack.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const { inChild, resultInChild } = require('../helpers/in-child');
const { useTempDir } = require('../helpers/temp');

describe('A guest that fills the stack', () => {
  const dir = useTempDir();
  const DEPTHS = 60;
  const RECORD = 4;

  // Starts at many depths, so that the overflow happens in many places.
  function dive(directory, depths, how) {
    const fs = require('node:fs');
    const path = require('node:path');
    const { createCommand } = require('./command');
    const { putIovs } = require('./guest');
    const counts = [];

    function from(depth, action) {
      if (depth === 0) action();
      else from(depth - 1, action);
    }

    for (let depth = 0; depth < depths; depth++) {
      const { session, start, bind } = createCommand(
        {
          stdout: fs.openSync(path.join(directory, String(depth)), 'w'),
          buffered: true,
          bufferSize: 8,
        },
        fill,
      );
      function fill() {
        putIovs(session.memory, 64, [[1024, 4]]);
        from(depth, () => session.guest.dive(1, 64, 0));
      }
      if (how === 'reactor') bind();
      try {
        if (how === 'reactor') fill();
        else start();
      } catch (error) {
        if (!(error instanceof RangeError)) throw error;
      }
      counts.push(session.guest.dived.value);
      if (how === 'reactor') session.write(1, 'last');
    }
    return counts;
  }

  for (const how of ['command', 'reactor']) {
    it(`has each of its writes out, once and in order (${how})`, () => {
      const counts = resultInChild(dive, [dir.path(''), DEPTHS, how]);
      assert.equal(counts.length, DEPTHS);
      counts.forEach((count, depth) => {
        assert.ok(count > 100);
        let bytes = fs.readFileSync(dir.path(String(depth)));
        if (how === 'reactor') {
          assert.equal(bytes.subarray(-RECORD).toString(), 'last');
          bytes = bytes.subarray(0, -RECORD);
        }
        // The write in which the stack overflowed may be out or not.
        const written = bytes.length / RECORD;
        assert.ok(
          written === count || written === count + 1,
          `${count} writes, of which ${written} are out`,
        );
        for (let i = 0; i < written; i++) {
          assert.equal(bytes.readUInt32LE(i * RECORD), i);
        }
      });
    });
  }

  // Makes the first writes of a guest, again and again with slightly more room.
  function writeFromTheEnd(directory, depths, through, exit) {
    const fs = require('node:fs');
    const path = require('node:path');
    const { withWASI, withWrites, putBytes, putIovs } = require('./guest');
    const counts = [];

    for (let depth = 0; depth < depths; depth++) {
      const hostFd = fs.openSync(path.join(directory, String(depth)), 'w');
      const { guest, memory } =
        through === 'WASI'
          ? withWASI({ stdout: hostFd, buffered: true })
          : withWrites({ fds: { 1: hostFd }, buffered: true });
      putIovs(memory, 64, [[1024, putBytes(memory, 1024, 'text')]]);
      let count = 0;
      let failures = 0;
      const write = () => {
        if (guest.fd_write(1, 64, 1, 0) === 0) count++;
      };
      function descend(level) {
        try {
          descend(level + 1);
        } catch {
          // The stack overflowed, or a write did so and failed.
        }
        if (count === 3) return;
        try {
          write();
        } catch {
          failures++;
        }
      }
      const from = (level) => (level === 0 ? descend(0) : from(level - 1));
      from(depth);
      if (count !== 3 || failures === 0) throw new Error(`${failures}`);
      counts.push(count);
    }
    if (exit) process.exit(0);
    return counts;
  }

  for (const through of ['WASI', 'createWrites']) {
    for (const exit of [true, false]) {
      const when = exit ? 'process.exit()' : 'the end of the loop';

      it(`flushes by ${when} the writes made with little stack left, under ${through}`, () => {
        const { status, stderr } = inChild(writeFromTheEnd, [
          dir.path(''),
          20,
          through,
          exit,
        ]);
        assert.deepEqual({ status, stderr }, { status: 0, stderr: '' });
        for (let depth = 0; depth < 20; depth++) {
          assert.equal(dir.read(String(depth)), 'texttexttext');
        }
      });
    }
  }
});
