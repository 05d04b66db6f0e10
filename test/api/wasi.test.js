'use strict';

// The drop-in has the shape of node:wasi, which runs beside it, called from
// JavaScript only.

const assert = require('node:assert/strict');
const { WASI: NodeWASI } = require('node:wasi');
const { WASI } = require('../..');
const {
  assertNoneLeft,
  countDescriptors,
  itWithProc,
} = require('../helpers/descriptors');
const { compile } = require('../helpers/guest');
const { useTempDir } = require('../helpers/temp');
const {
  newWASI,
  outcome,
  show,
  withoutHint,
} = require('../helpers/wasi-outcomes');

const withoutMessage = ({ thrown, code }) => ({ thrown, code });

const newMemory = () => new WebAssembly.Memory({ initial: 1 });

const instantiate = (wasi) =>
  new WebAssembly.Instance(compile('calls'), wasi.getImportObject());

describe('the constructor of WASI', () => {
  const dir = useTempDir();

  // The outcome of a constructor, without the object.
  const construct = (Class, options) =>
    outcome(() => {
      new Class(options);
    });

  for (const options of [undefined, null, 1, 'preview1', [], () => {}]) {
    it(`refuses ${show(options)} as options, as node:wasi does`, () => {
      const expected = construct(NodeWASI, options);
      assert.equal(expected.code, 'ERR_INVALID_ARG_TYPE');
      const actual = construct(WASI, options);
      assert.deepEqual(withoutHint(actual, expected), expected);
    });
  }

  const NO_DESCRIPTORS = [-1, 1.5, NaN, Infinity, 2 ** 31, null, true, {}];
  const REFUSED = {
    version: [undefined, null, 1, '', 'preview2', 'Preview1', {}],
    args: [null, 'a', 1, {}, () => {}],
    env: [null, 'a', 1, [], () => {}],
    preopens: [null, 'a', 1, [], () => {}, { '/': '/no/such/directory' }],
    stdin: [...NO_DESCRIPTORS, '0'],
    stdout: NO_DESCRIPTORS,
    stderr: NO_DESCRIPTORS,
    returnOnExit: [null, 0, 1, 'true', {}],
  };
  // These options take more than those of node:wasi, and their messages say so.
  const OWN_MESSAGE = ['stdout', 'stderr'];

  for (const [option, values] of Object.entries(REFUSED)) {
    for (const value of values) {
      it(`refuses the ${option} ${show(value)}, as node:wasi does`, () => {
        const options = { version: 'preview1', [option]: value };
        const expected = construct(NodeWASI, options);
        assert.equal(typeof expected.code, 'string');
        const actual = construct(WASI, options);
        if (OWN_MESSAGE.includes(option)) {
          assert.deepEqual(withoutMessage(actual), withoutMessage(expected));
          assert.match(actual.message, new RegExp(option));
        } else {
          assert.deepEqual(withoutHint(actual, expected), expected);
        }
      });
    }
  }

  it('throws the error of converting an argument to a string', () => {
    const error = new Error('no string');
    const args = [
      {
        toString() {
          throw error;
        },
      },
    ];
    assert.throws(
      () => newWASI({ args }),
      (thrown) => thrown === error,
    );
  });

  for (const [value, code] of [
    [-1, 'ERR_OUT_OF_RANGE'],
    [1.5, 'ERR_OUT_OF_RANGE'],
    [NaN, 'ERR_OUT_OF_RANGE'],
    [2 ** 31, 'ERR_OUT_OF_RANGE'],
    [-Infinity, 'ERR_OUT_OF_RANGE'],
    ['1', 'ERR_INVALID_ARG_TYPE'],
    [null, 'ERR_INVALID_ARG_TYPE'],
  ]) {
    it(`refuses the waitTimeout ${show(value)}`, () => {
      assert.throws(() => newWASI({ waitTimeout: value }), { code });
    });
  }

  for (const refused of [
    { stdout: true },
    { stderr: {} },
    { waitTimeout: -1 },
    { stdin: -1 },
  ]) {
    itWithProc(`leaves no descriptor when it refuses ${show(refused)}`, () => {
      const before = countDescriptors();
      assert.throws(() =>
        newWASI({ preopens: { '/': dir.path('') }, ...refused }),
      );
      assertNoneLeft(before);
    });
  }

  it('cannot be called without new', () => {
    assert.throws(() => WASI({ version: 'preview1' }), TypeError);
  });

  /** The arguments and environment that a guest gets. */
  function givenTo(wasi) {
    const { exports } = instantiate(wasi);
    const { memory } = exports;
    wasi.initialize({ exports });
    const strings = (sizes, get) => {
      const COUNT = 0;
      const BYTES = 4;
      const LIST = 1024;
      const TEXT = 4096;
      assert.equal(exports[sizes](COUNT, BYTES), 0);
      assert.equal(exports[get](LIST, TEXT), 0);
      const bytes = new DataView(memory.buffer).getUint32(BYTES, true);
      return Buffer.from(memory.buffer, TEXT, bytes)
        .toString()
        .split('\0')
        .slice(0, -1);
    };
    return {
      args: strings('args_sizes_get', 'args_get'),
      env: strings('environ_sizes_get', 'environ_get'),
    };
  }

  class Options {
    get version() {
      return 'preview1';
    }

    get args() {
      return ['one', 'two'];
    }

    get env() {
      return { NAME: 'value' };
    }
  }
  const hidden = Object.defineProperties(
    {},
    {
      version: { value: 'preview1' },
      args: { value: ['one', 'two'] },
      env: { value: { NAME: 'value' } },
    },
  );
  const plain = {
    version: 'preview1',
    args: ['one', 'two'],
    env: { NAME: 'value' },
  };
  const accepted = {
    plain,
    frozen: Object.freeze({ ...plain }),
    inherited: Object.create(plain),
    'without a prototype': Object.assign(Object.create(null), plain),
    'given by getters of a class': new Options(),
    'not enumerable': hidden,
    'more than there are': { ...plain, unknown: 1 },
    'undefined, but for three': {
      ...plain,
      preopens: undefined,
      stdin: undefined,
      stdout: undefined,
      stderr: undefined,
      returnOnExit: undefined,
    },
  };
  for (const [what, options] of Object.entries(accepted)) {
    it(`takes options that are ${what}`, () => {
      assert.deepEqual(construct(NodeWASI, options), { returned: undefined });
      assert.deepEqual(givenTo(new WASI(options)), {
        args: ['one', 'two'],
        env: ['NAME=value'],
      });
    });
  }

  it('reads each option once, on the object that has it', () => {
    const reads = [];
    class Private {
      #args = ['one', 'two'];
      version = 'preview1';
      get args() {
        reads.push('args');
        return this.#args;
      }
      get env() {
        return { NAME: 'value' };
      }
      get stdout() {
        reads.push('stdout');
        return 'capture';
      }
    }
    const wasi = new WASI(new Private());
    assert.deepEqual(reads.sort(), ['args', 'stdout']);
    assert.deepEqual(givenTo(wasi).args, ['one', 'two']);
    assert.deepEqual(wasi.stdout, Buffer.alloc(0));
  });

  it(
    'gives the guest arguments and environment as node:wasi makes strings ' +
      'of them',
    () => {
      assert.deepEqual(
        givenTo(
          newWASI({
            args: ['a', 1, null, Symbol('s')],
            env: { ONE: 1, NONE: undefined, EMPTY: '', NULL: null },
          }),
        ),
        {
          args: ['a', '1', 'null', 'Symbol(s)'],
          env: ['ONE=1', 'EMPTY=', 'NULL=null'],
        },
      );
    },
  );
});

describe('the members of WASI', () => {
  const VERSIONS = {
    preview1: 'wasi_snapshot_preview1',
    unstable: 'wasi_unstable',
  };

  it('are those of a class of its own, with all members of node:wasi', () => {
    const wasi = newWASI();
    assert.equal(wasi instanceof NodeWASI, false);
    assert.equal(WASI.name, 'WASI');
    assert.equal(wasi.constructor, WASI);
    for (const name of Object.getOwnPropertyNames(NodeWASI.prototype)) {
      assert.equal(typeof WASI.prototype[name], 'function', name);
    }
    const descriptions = (object) =>
      Object.getOwnPropertySymbols(object).map((symbol) => symbol.description);
    const own = descriptions(wasi);
    const nodes = descriptions(new NodeWASI({ version: 'preview1' }));
    assert.deepEqual(
      nodes.filter((name) => !own.includes(name)),
      [],
    );
    assert.deepEqual(
      Object.keys(wasi.wasiImport).sort(),
      Object.keys(new NodeWASI({ version: 'preview1' }).wasiImport).sort(),
    );
  });

  it('are inherited by a subclass', () => {
    class Derived extends WASI {
      getImportObject() {
        return { ...super.getImportObject(), env: {} };
      }
    }
    const wasi = new Derived({ version: 'preview1' });
    assert.ok(wasi instanceof WASI);
    assert.equal(
      wasi.start({
        exports: { memory: newMemory(), _start() {} },
      }),
      0,
    );
    assert.deepEqual(Object.keys(wasi.getImportObject()), [
      'wasi_snapshot_preview1',
      'env',
    ]);
  });

  it('have every method that node:wasi has, and finalizeBindings()', () => {
    for (const name of [
      ...Object.getOwnPropertyNames(NodeWASI.prototype),
      'finalizeBindings',
    ]) {
      assert.equal(typeof WASI.prototype[name], 'function', name);
    }
  });

  it('have the enumerable properties of node:wasi', () => {
    const keysOf = (object) => {
      const keys = [];
      for (const key in object) keys.push(key);
      return keys;
    };
    assert.deepEqual(
      keysOf(newWASI()),
      keysOf(new NodeWASI({ version: 'preview1' })),
    );
  });

  it('have counted nothing at first', () => {
    assert.deepEqual(newWASI({ stdout: 'capture' }).stats, {
      calls: 0,
      bytes: 0,
      native: 0,
      buffered: 0,
      flushes: 0,
      stdoutTruncated: false,
      stderrTruncated: false,
    });
  });

  for (const [version, name] of Object.entries(VERSIONS)) {
    it(`have functions for ${version} of the same names as node:wasi`, () => {
      const wasi = new WASI({ version });
      const expected = [];
      for (const key in new NodeWASI({ version }).wasiImport) {
        expected.push(key);
      }
      assert.ok(expected.includes('fd_write'));
      assert.deepEqual(Object.keys(wasi.wasiImport).sort(), expected.sort());
      for (const key of expected) {
        assert.equal(typeof wasi.wasiImport[key], 'function', key);
      }
    });

    it(
      `have those functions for ${version} in a plain object that can be ` +
        'changed',
      () => {
        const { wasiImport } = new WASI({ version });
        assert.equal(Object.getPrototypeOf(wasiImport), Object.prototype);
        assert.ok(Object.isExtensible(wasiImport));
        for (const [key, property] of Object.entries(
          Object.getOwnPropertyDescriptors(wasiImport),
        )) {
          assert.deepEqual(property, {
            value: wasiImport[key],
            writable: true,
            enumerable: true,
            configurable: true,
          });
        }
      },
    );

    it(`have an import object for ${version} with the same functions`, () => {
      const wasi = new WASI({ version });
      const imports = wasi.getImportObject();
      assert.deepEqual(Object.keys(imports), [name]);
      assert.equal(imports[name], wasi.wasiImport);
    });
  }
});
