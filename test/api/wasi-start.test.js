'use strict';

// A WASI starts like node:wasi, which runs beside it in the same process.

const assert = require('node:assert/strict');
const { spawnSync } = require('node:child_process');
const path = require('node:path');
const { WASI: NodeWASI } = require('node:wasi');
const { WASI } = require('../..');
const { compile } = require('../helpers/guest');
const {
  newWASI,
  outcome,
  show,
  withoutHint,
} = require('../helpers/wasi-outcomes');
const { statusOf } = require('../helpers/windows');

const newMemory = () => new WebAssembly.Memory({ initial: 1 });

const instantiate = (wasi) =>
  new WebAssembly.Instance(compile('calls'), wasi.getImportObject());

describe('the start of a WASI', () => {
  const STARTS = ['start', 'initialize', 'finalizeBindings'];

  // Plain objects as instances, so that node:wasi takes them too.
  const command = () => ({ exports: { memory: newMemory(), _start() {} } });
  const reactor = () => ({ exports: { memory: newMemory() } });
  const instanceFor = (method) => (method === 'start' ? command() : reactor());

  const INSTANCES = {
    undefined: () => undefined,
    null: () => null,
    'a number': () => 1,
    'an array': () => [],
    'an object without exports': () => ({}),
    'exports that are null': () => ({ exports: null }),
    'exports that are a number': () => ({ exports: 1 }),
    'exports without a memory': () => ({
      exports: { _start() {} },
    }),
    'a memory that is none': () => ({
      exports: { memory: {}, _start() {} },
    }),
    'a memory and nothing else': reactor,
    'a _start that is no function': () => ({
      exports: { memory: newMemory(), _start: 1 },
    }),
    'a _start': command,
    'an _initialize': () => ({
      exports: { memory: newMemory(), _initialize() {} },
    }),
    'an _initialize that is no function': () => ({
      exports: { memory: newMemory(), _initialize: 1 },
    }),
    'both a _start and an _initialize': () => ({
      exports: { memory: newMemory(), _start() {}, _initialize() {} },
    }),
  };

  for (const method of STARTS) {
    if (!(method in NodeWASI.prototype)) continue;
    for (const [what, make] of Object.entries(INSTANCES)) {
      it(`handles ${what} in ${method}() like node:wasi`, () => {
        const [expected, actual] = [NodeWASI, WASI].map((Class) => {
          const wasi = new Class({ version: 'preview1' });
          return [
            outcome(() => wasi[method](make())),
            // Whether it counts as started afterwards. In Node 20 a refused instance
            // counts, in Node 22 it does not.
            ...('finalizeBindings' in NodeWASI.prototype
              ? [outcome(() => wasi[method](instanceFor(method)))]
              : []),
          ];
        });
        assert.deepEqual(
          actual.map((each, i) => withoutHint(each, expected[i])),
          expected,
        );
      });
    }
  }

  for (const [what, make] of Object.entries(INSTANCES)) {
    if (!/undefined|null|number|without|none/.test(what)) continue;
    it(`refuses ${what} in finalizeBindings()`, () => {
      assert.throws(() => newWASI().finalizeBindings(make()), {
        code: 'ERR_INVALID_ARG_TYPE',
        name: 'TypeError',
      });
    });
  }

  for (const memory of [null, 1, {}, new ArrayBuffer(65536)]) {
    it(`refuses the memory ${show(memory)} in finalizeBindings()`, () => {
      const wasi = newWASI();
      assert.throws(() => wasi.finalizeBindings(reactor(), { memory }), {
        code: 'ERR_INVALID_ARG_TYPE',
        name: 'TypeError',
      });
      assert.equal(wasi.finalizeBindings(reactor()), undefined);
    });
  }

  for (const first of STARTS) {
    for (const second of STARTS) {
      it(`is refused to ${second}() after ${first}()`, () => {
        const wasi = newWASI();
        wasi[first](instanceFor(first));
        assert.deepEqual(
          outcome(() => wasi[second](instanceFor(second))),
          {
            thrown: 'Error',
            code: 'ERR_WASI_ALREADY_STARTED',
            message: 'WASI instance has already started',
          },
        );
      });
    }
  }

  it('is refused to a second start() while the first one runs', () => {
    const wasi = newWASI();
    let inner;
    assert.equal(
      wasi.start({
        exports: {
          memory: newMemory(),
          _start() {
            inner = outcome(() => wasi.start(command()));
          },
        },
      }),
      0,
    );
    assert.equal(inner.code, 'ERR_WASI_ALREADY_STARTED');
  });

  describe('by start()', () => {
    /** The result of start() for a guest that calls `proc_exit` from wasm. */
    function exitFromWasm(code, options) {
      const wasi = newWASI(options);
      const { exports } = instantiate(wasi);
      return wasi.start({
        exports: { ...exports, _start: () => exports.proc_exit(code) },
      });
    }

    for (const returnOnExit of [undefined, true]) {
      for (const code of [
        0,
        1,
        255,
        256,
        2 ** 31 - 1,
        2 ** 31,
        2 ** 31 + 5,
        2 ** 32 - 1,
      ]) {
        it(
          `gives the exit code ${code} as node:wasi does, with ` +
            `returnOnExit ${returnOnExit}`,
          () => {
            const node = new NodeWASI({ version: 'preview1', returnOnExit });
            const expected = node.start({
              exports: {
                memory: newMemory(),
                _start: () => node.wasiImport.proc_exit(code | 0),
              },
            });
            assert.equal(expected, code | 0);
            assert.equal(exitFromWasm(code, { returnOnExit }), expected);
          },
        );
      }
    }

    for (const returnOnExit of [true, false]) {
      it(`gives 0 when _start returns, with returnOnExit ${returnOnExit}`, () => {
        const wasi = newWASI({ returnOnExit });
        assert.equal(
          wasi.start({
            exports: { memory: newMemory(), _start: () => 42 },
          }),
          0,
        );
      });
    }

    for (const code of [0, 3, 255, 256 + 7, 2 ** 31 + 5, 2 ** 32 - 1]) {
      it(`ends the process with the exit code ${code} without returnOnExit`, () => {
        const { status, signal, stdout, stderr } = spawnSync(
          process.execPath,
          [
            '--no-warnings',
            path.join(__dirname, '..', 'fixtures', 'exit.js'),
            String(code),
          ],
          { encoding: 'utf8' },
        );
        assert.deepEqual(
          { status, signal, stdout, stderr },
          {
            status: statusOf(code),
            signal: null,
            stdout: 'to stdout',
            stderr: 'to stderr',
          },
        );
      });
    }

    it('throws the error of _start', () => {
      const error = new Error('of the guest');
      assert.throws(
        () =>
          newWASI().start({
            exports: {
              memory: newMemory(),
              _start() {
                throw error;
              },
            },
          }),
        (thrown) => thrown === error,
      );
    });
  });

  describe('by initialize()', () => {
    it('runs _initialize once, with the memory set, and returns nothing', () => {
      const wasi = newWASI();
      const { exports } = instantiate(wasi);
      let runs = 0;
      const result = wasi.initialize({
        exports: {
          ...exports,
          _initialize() {
            runs++;
            // SUCCESS, not FAULT: there is a memory with an empty list.
            assert.equal(exports.fd_write(1, 0, 0, 1024), 0);
            return 42;
          },
        },
      });
      assert.equal(result, undefined);
      assert.equal(runs, 1);
    });

    it('returns nothing without an _initialize', () => {
      const wasi = newWASI();
      assert.equal(wasi.initialize(instantiate(wasi)), undefined);
    });

    it('passes on the value thrown by proc_exit, as node:wasi does', () => {
      const [expected, actual] = [NodeWASI, WASI].map((Class) => {
        const wasi = new Class({ version: 'preview1' });
        return outcome(() =>
          wasi.initialize({
            exports: {
              memory: newMemory(),
              _initialize: () => wasi.wasiImport.proc_exit(1),
            },
          }),
        );
      });
      assert.deepEqual(expected, { thrown: 'kExitCode' });
      assert.deepEqual(actual, expected);
    });
  });
});
