'use strict';

// The calls that Node's own WASI does: what a guest may pass to them.

const assert = require('node:assert/strict');
const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { WASI: NodeWASI } = require('node:wasi');
const { WASI } = require('..');
const { createDelegates } = require('../lib/delegates');
const { GuestMemory } = require('../lib/memory');
const { ERRNO } = require('../lib/wasi-abi');
const { CALLS, ERRNOS, makeCall, prepare, startGuest } =
  require('./support/all-calls');
const { assertSameBytes } = require('./support/bytes');
const { putIovs, u32, withWASI } = require('./support/guest');
const { useHostFiles } = require('./support/host-files');
const { PREOPEN, RIGHTS, Session } = require('./support/session');
const { useTempDir } = require('./support/temp');

const PAGE = 65536;
const SIZE = 2 * PAGE;
const GIB = 2 ** 30;
const SIZE_4GIB = 4 * GIB;

const RESULT = 16;
const RESULT_FLAGS = 24;
const IOVS = 64;
const DATA = PAGE;

const FILE = 4;
const TEXT = Buffer.alloc(6000, '0123456789');

const hex = (value) => `0x${value.toString(16)}`;

const isPlace = (value) => typeof value === 'object';

/** The same arguments, with pointers in the place of places. */
function pointTo(values, base) {
  return values.map((value) => (isPlace(value) ? base + value.offset : value));
}

/** Runs test/support/hostile.js. It has to live. Returns the errnos. */
function runHostile(options, { stdio = ['pipe', 'pipe'], limit } = {}) {
  const command = [process.execPath, '--no-warnings',
    path.join(__dirname, 'support', 'hostile.js'),
    JSON.stringify({ puts: [], ...options })];
  const [first, ...rest] = limit === undefined
    ? command : ['sh', '-c', `ulimit -d ${limit}; exec "$0" "$@"`, ...command];
  const { error, output, signal, status } = spawnSync(
    first, rest, { stdio: [...stdio, 'inherit', 'pipe'] });
  assert.ifError(error);
  assert.deepEqual({ signal, status }, { signal: null, status: 0 });
  return JSON.parse(output[3]);
}

describe('The calls of Node that stay', () => {
  const node = new NodeWASI({ version: 'preview1' }).wasiImport;
  const names = Object.keys(node);

  it('have the names that Node gives them', () => {
    assert.deepEqual(
      Object.keys(new WASI({ version: 'preview1' }).wasiImport).sort(),
      [...names].sort());
    assert.deepEqual([...Object.keys(CALLS), 'proc_exit'].sort(), names.sort());
  });

  it('have as many parameters as Node counts', () => {
    const delegates = createDelegates(node, new GuestMemory());
    for (const name of names) {
      const { length } = delegates[name];
      // More than five are passed on whatever their number is.
      assert.equal(length, length === 0 && node[name].length > 5
        ? 0 : node[name].length, name);
    }
  });
});

describe('Calls with their pointers anywhere in 4 GiB', () => {
  const temp = useTempDir();
  const bases = {
    'below 2 GiB': () => PAGE,
    'on both sides of 2 GiB': (size) => 2 * GIB - Math.floor(size / 2),
    'above 2 GiB': () => 3 * GIB,
    'at the end': (size) => SIZE_4GIB - size,
  };

  // All calls of one guest, whose places begin where `baseOf` says.
  function callAll(directory, baseOf) {
    fs.mkdirSync(directory);
    const guest = startGuest(directory, 'calls-4gib');
    const results = {};
    for (const name of Object.keys(CALLS)) {
      const { places, values } = prepare(name);
      const base = baseOf(places.size);
      places.put(guest.memory, base);
      const errno = makeCall(guest, name, pointTo(values, base));
      results[name] = { errno, ...places.read(guest.memory, base) };
    }
    guest.wasi.close();
    return results;
  }

  it('give what they give at the start, with every pointer relative', () => {
    const [expected, ...others] = Object.entries(bases).map(([where, baseOf]) =>
      [where, callAll(temp.path(where), baseOf)]);
    for (const name of Object.keys(CALLS)) {
      const { errno, untouched } = expected[1][name];
      assert.deepEqual({ name, errno, untouched },
        { name, errno: ERRNOS[name] ?? ERRNO.SUCCESS, untouched: 0 });
      for (const [where, results] of others) {
        assert.deepEqual(results[name], expected[1][name], `${name} ${where}`);
      }
    }
  });
});

describe('Pointers out of bounds', () => {
  const temp = useTempDir();

  // Pointers to `length` bytes that are not all in a memory of `size`.
  function pointersOutside(length, size) {
    return [
      size - length + 1, size - 1, size, size + 1, 2 * GIB - 1, 2 * GIB,
      3 * GIB, 2 ** 32 - length + 1, 2 ** 32 - 8, 2 ** 32 - 4, 2 ** 32 - 1,
    ].filter((pointer) => pointer + length > size && pointer < 2 ** 32);
  }

  // What is told of a bad pointer. Node has OVERFLOW where write(2) has EFAULT.
  function errnoOf(name, place) {
    const ours = ['fd_write', 'fd_pwrite'].includes(name);
    return ours || place.isList ? ERRNO.FAULT : ERRNO.OVERFLOW;
  }

  for (const [guestName, size] of [['calls', SIZE], ['calls-4gib', SIZE_4GIB]]) {
    for (const name of Object.keys(CALLS)) {
      const { places, values } = prepare(name);
      if (!values.some(isPlace)) continue;

      it(`give an errno and change nothing: ${name} of ${guestName}`, () => {
        const guest = startGuest(temp.path('.'), guestName);
        const { memory } = guest;
        const good = pointTo(values, PAGE);
        const files = fs.readdirSync(temp.path('.'));
        places.put(memory, PAGE);
        const before = Buffer.from(memory.buffer.slice(0, SIZE));

        values.forEach((place, i) => {
          if (!isPlace(place)) return;
          for (const pointer of pointersOutside(place.size, size)) {
            const errno = makeCall(guest, name, good.with(i, pointer));
            const message = `argument ${i}, ${hex(pointer)}`;
            if (name in ERRNOS) assert.notEqual(errno, ERRNO.SUCCESS, message);
            else assert.equal(errno, errnoOf(name, place), message);
          }
        });

        assertSameBytes(Buffer.from(memory.buffer.slice(0, SIZE)), before);
        assert.deepEqual(fs.readdirSync(temp.path('.')), files);
        assert.equal(makeCall(guest, name, good), ERRNOS[name] ?? ERRNO.SUCCESS);
        guest.wasi.close();
      });
    }
  }
});
