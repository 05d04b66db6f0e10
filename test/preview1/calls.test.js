'use strict';

// Every call of preview1: the arguments that a guest may pass.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const { WASI: NodeWASI } = require('node:wasi');
const { WASI, engine } = require('../..');
const { ERRNO } = require('../../lib/preview1');
const {
  CALLS,
  ERRNOS,
  closeAll,
  makeCall,
  prepare,
  startGuest,
} = require('../helpers/all-calls');
const { assertSameBytes } = require('../helpers/bytes');
const { Places } = require('../helpers/places');
const { symbolOf } = require('../helpers/symbols');
const { useTempDir } = require('../helpers/temp');
const { pointersOutside } = require('../helpers/pointers');

const PAGE = 65536;
const SIZE = 2 * PAGE;
const GIB = 2 ** 30;
const SIZE_4GIB = 4 * GIB;

const hex = (value) => `0x${value.toString(16)}`;

const isPlace = (value) => typeof value === 'object';

/** The same arguments, with pointers instead of places. */
function pointTo(values, base) {
  return values.map((value) => (isPlace(value) ? base + value.offset : value));
}

describe('The calls of WASI', () => {
  const node = new NodeWASI({ version: 'preview1' }).wasiImport;
  const names = Object.keys(node);

  it('have the names that Node gives them', () => {
    assert.deepEqual(
      Object.keys(new WASI({ version: 'preview1' }).wasiImport).sort(),
      [...names].sort(),
    );
    assert.deepEqual([...Object.keys(CALLS), 'proc_exit'].sort(), names.sort());
  });

  // Node answers INVAL for any other number, so the success of the calls below shows
  // it.
  it('have as many parameters as in Node', () => {
    for (const name of Object.keys(CALLS)) {
      assert.equal(prepare(name).values.length, node[name].length, name);
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

  // Makes all calls of one guest. `baseOf` says where their places begin.
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
    closeAll(guest);
    return results;
  }

  it('give the same results as at the start, with relative pointers', () => {
    const [expected, ...others] = Object.entries(bases).map(
      ([where, baseOf]) => [where, callAll(temp.path(where), baseOf)],
    );
    for (const name of Object.keys(CALLS)) {
      const { errno, untouched } = expected[1][name];
      assert.deepEqual(
        { name, errno, untouched },
        { name, errno: ERRNOS[name] ?? ERRNO.SUCCESS, untouched: 0 },
      );
      for (const [where, results] of others) {
        assert.deepEqual(results[name], expected[1][name], `${name} ${where}`);
      }
    }
  });
});

describe('Pointers out of bounds', () => {
  const temp = useTempDir();

  // In the fallback Node says OVERFLOW for some pointers.
  function errnoOf(name, place) {
    const ours = ['fd_write', 'fd_pwrite', 'poll_oneoff'].includes(name);
    return engine === 'native' || ours || place.isList
      ? ERRNO.FAULT
      : ERRNO.OVERFLOW;
  }

  for (const [guestName, size] of [
    ['calls', SIZE],
    ['calls-4gib', SIZE_4GIB],
  ]) {
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
        assert.equal(
          makeCall(guest, name, good),
          ERRNOS[name] ?? ERRNO.SUCCESS,
        );
        closeAll(guest);
      });
    }
  }
});

describe('A call with an argument of another type', () => {
  // An i64 for an i32 and the reverse, and too few arguments.
  function mistaken(values) {
    const numbers = values.map((value) => (isPlace(value) ? 0 : value));
    const other = (value) => (typeof value === 'number' ? BigInt(value) : 1);
    return [
      ...numbers.map((value, i) => numbers.with(i, other(value))),
      ...(numbers.length > 0 ? [numbers.slice(0, -1)] : []),
    ];
  }

  for (const buffered of [false, true]) {
    for (const [name, make] of Object.entries(CALLS)) {
      // WebAssembly functions: a guest cannot be linked with other types.
      if (buffered && /^fd_p?write$/.test(name)) continue;

      it(`gives INVAL, as node:wasi does: ${name}, buffered: ${buffered}`, () => {
        const wasi = new WASI({ version: 'preview1', buffered });
        const node = new NodeWASI({ version: 'preview1' });
        const memory = new WebAssembly.Memory({ initial: 1 });
        for (const each of [wasi, node]) {
          each[symbolOf(each, 'kSetMemory')](memory);
        }
        const call = wasi.wasiImport[name];
        for (const values of mistaken(make(new Places()))) {
          assert.equal(node.wasiImport[name](...values), ERRNO.INVAL);
          assert.equal(call(...values), ERRNO.INVAL, values.join());
        }
      });
    }
  }
});
