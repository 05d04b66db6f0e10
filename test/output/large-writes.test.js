'use strict';

// Single writes of nearly 4 GiB.

const assert = require('node:assert/strict');
const { ERRNO } = require('../../lib/preview1');
const { putIovs, u32, withWrites } = require('../helpers/guest');
const { resultInChild } = require('../helpers/in-child');
const { THROUGH } = require('../helpers/outputs');
const UNTOUCHED = 0xfeedface;
const MIB = 2 ** 20;

describe('A write of nearly 4 GiB', () => {
  const LIST = 65_535;
  const EACH = 65_535;

  // Writes the same buffer of the guest again and again.
  function write(through, name, buffered, limit) {
    const { withWASI, withWrites, putIovs, u32 } = require('./guest');
    let bytes = 0;
    let largest = 0;
    let wrong = 0;
    const error = new Error('enough');
    const target =
      name === 'capture'
        ? 'capture'
        : (chunk) => {
            if (bytes >= limit) throw error;
            if (chunk.some((byte) => byte !== 0x77)) wrong++;
            bytes += chunk.length;
            largest = Math.max(largest, chunk.length);
          };
    const options = { buffered, captureLimit: limit };
    const { guest, memory, wasi, writes } =
      through === 'WASI'
        ? withWASI({ stdout: target, ...options })
        : withWrites({ fds: { 1: target }, ...options });
    memory.grow(16);
    const at = 16 * 65_536;
    new Uint8Array(memory.buffer).fill(0x77, at);
    const list = Array(65_535).fill([at, 65_535]);
    putIovs(memory, 64, list);
    const errnos = [guest.fd_write(1, 64, list.length, 0)];
    const count = u32(memory, 0);
    errnos.push(guest.fd_write(1, 64, list.length, 0));
    const captured = wasi ? wasi.stdout : writes.captured(1);
    let thrown = null;
    try {
      (wasi ?? writes).flush();
    } catch (caught) {
      thrown = caught === error;
    }
    return {
      errnos,
      count,
      kept: captured ? captured.length : bytes,
      wrong: captured ? captured.some((byte) => byte !== 0x77) * 1 : wrong,
      largest,
      thrown,
      megabytes: Math.round(process.resourceUsage().maxRSS / 1024),
    };
  }

  const inBounds = ({ megabytes, largest, ...rest }) => {
    assert.ok(megabytes < 400, `${megabytes} MB`);
    assert.ok(largest <= 16 * MIB, `a chunk of ${largest}`);
    return rest;
  };

  for (const through of THROUGH) {
    for (const buffered of [false, true]) {
      const mode = `under ${through}, buffered: ${buffered}`;

      it(`fills a capture and takes no more memory than that, ${mode}`, () => {
        const limit = 1_000_001;
        const result = resultInChild(write, [
          through,
          'capture',
          buffered,
          limit,
        ]);
        assert.deepEqual(inBounds(result), {
          errnos: [ERRNO.SUCCESS, ERRNO.NOSPC],
          count: limit,
          kept: limit,
          wrong: 0,
          thrown: null,
        });
      });

      it(`is cut where a function throws, ${mode}`, () => {
        const limit = 40 * MIB;
        const result = resultInChild(write, [
          through,
          'function',
          buffered,
          limit,
        ]);
        const { count, kept, ...rest } = inBounds(result);
        assert.deepEqual(rest, {
          errnos: [ERRNO.SUCCESS, ERRNO.IO],
          wrong: 0,
          thrown: true,
        });
        assert.equal(count, kept);
        assert.ok(count >= limit && count < LIST * EACH);
      });
    }
  }

  it('goes to a function whole, a part at a time', () => {
    const result = resultInChild(() => {
      const { withWrites, putIovs, u32 } = require('./guest');
      let bytes = 0;
      let largest = 0;
      const { guest, memory } = withWrites({
        fds: {
          1(chunk) {
            bytes += chunk.length;
            largest = Math.max(largest, chunk.length);
          },
        },
      });
      memory.grow(16);
      putIovs(memory, 64, Array(65_535).fill([0, 65_535]));
      const errnos = [guest.fd_write(1, 64, 65_535, 0x100000)];
      const megabytes = Math.round(process.resourceUsage().maxRSS / 1024);
      return {
        errnos,
        count: u32(memory, 0x100000),
        bytes,
        largest,
        megabytes,
      };
    });
    assert.deepEqual(inBounds(result), {
      errnos: [ERRNO.SUCCESS],
      count: LIST * EACH,
      bytes: LIST * EACH,
    });
  });

  for (const target of ['capture', () => {}]) {
    it(`is INVAL from 4 GiB on for a ${typeof target}`, () => {
      const { guest, memory } = withWrites({ fds: { 1: target } });
      memory.grow(64);
      const list = Array(4096).fill([0, MIB]);
      const at = 2 * MIB;
      putIovs(memory, at, list);
      new DataView(memory.buffer).setUint32(at - 8, UNTOUCHED, true);
      assert.equal(guest.fd_write(1, at, list.length, at - 8), ERRNO.INVAL);
      assert.equal(u32(memory, at - 8), UNTOUCHED);
    });
  }
});
