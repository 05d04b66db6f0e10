'use strict';

// Programs that wrap node:wasi and rely on its exact shape.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const { WASI } = require('../..');
const { ERRNO } = require('../../lib/preview1');
const { compile, importsFor } = require('../helpers/guest');
const { proxyOf } = require('../helpers/proxy');
const { PREOPEN, Session } = require('../helpers/session');
const { symbolOf } = require('../helpers/symbols');
const { useTempDir } = require('../helpers/temp');

const STDOUT = 1;

describe('hosts that wrap node:wasi', () => {
  const dir = useTempDir();
  let out;
  let wasi;

  function create(version) {
    wasi = new WASI({
      version,
      stdout: out,
      preopens: { '/': dir.path('') },
    });
  }

  beforeEach(() => {
    out = fs.openSync(dir.path('out'), 'w');
    create('preview1');
  });
  afterEach(() => {
    wasi.close();
    fs.closeSync(out);
  });

  const instantiate = () =>
    new WebAssembly.Instance(compile('calls'), wasi.getImportObject());

  /** An instance that runs `_start` as a command does. */
  function commandOf(_start) {
    const { exports } = instantiate();
    return { exports: { ...exports, _start } };
  }

  function sessionOf({ exports }, memory = exports.memory) {
    return new Session({ guest: exports, memory, wasi });
  }

  /** Writes to stdout and to a file, and asserts that both arrive. */
  function assertWrites(session) {
    session.write(STDOUT, 'to stdout');
    const fd = session.open('file');
    session.write(fd, ['to the ', 'file']);
    session.close(fd);
    assert.equal(dir.read('out'), 'to stdout');
    assert.equal(dir.read('file'), 'to the file');
    assert.equal(session.wasi.stats.calls, 2);
  }

  describe('with a Proxy of the instance', () => {
    it('write after initialize(), though the exports cannot be listed', () => {
      const instance = instantiate();
      const proxy = proxyOf(instance);
      assert.throws(() => Object.keys(proxy.exports), TypeError);
      wasi.initialize(proxy);
      assertWrites(sessionOf(instance));
    });

    it('write after finalizeBindings()', () => {
      const instance = instantiate();
      wasi.finalizeBindings(proxyOf(instance));
      assertWrites(sessionOf(instance));
    });

    it('write within start()', () => {
      const instance = commandOf(() => assertWrites(sessionOf(instance)));
      assert.equal(wasi.start(proxyOf(instance)), 0);
      assert.equal(dir.read('out'), 'to stdout');
    });

    it('write from a shared memory that only the Proxy exports', () => {
      const memory = new WebAssembly.Memory({
        initial: 1,
        maximum: 65536,
        shared: true,
      });
      const instance = new WebAssembly.Instance(
        compile('calls-shared-memory'),
        { ...wasi.getImportObject(), env: { memory } },
      );
      assert.equal(instance.exports.memory, undefined);
      wasi.initialize(proxyOf(instance, memory));
      assertWrites(sessionOf(instance, memory));
    });
  });

  describe('by its symbols', () => {
    it('find each of its own symbols once, as node:wasi has them', () => {
      const { WASI: NodeWASI } = require('node:wasi');
      const descriptions = (object) =>
        Object.getOwnPropertySymbols(object).map(
          ({ description }) => description,
        );
      const ours = descriptions(wasi);
      for (const description of descriptions(
        new NodeWASI({ version: 'preview1' }),
      )) {
        assert.equal(
          ours.filter((other) => other === description).length,
          1,
          description,
        );
      }
    });

    it('hand over an instance and its memory', () => {
      const instance = instantiate();
      wasi[symbolOf(wasi, 'kInstance')] = instance;
      wasi[symbolOf(wasi, 'kSetMemory')](instance.exports.memory);
      wasi[symbolOf(wasi, 'kStarted')] = true;
      assertWrites(sessionOf(instance));
      assert.throws(() => wasi.initialize(instance), {
        code: 'ERR_WASI_ALREADY_STARTED',
      });
    });
  });

  describe('by replacing functions in wasiImport', () => {
    it('see the exit of the guest', () => {
      const codes = [];
      const { proc_exit } = wasi.wasiImport;
      wasi.wasiImport.proc_exit = function replacement(code) {
        codes.push(code);
        return proc_exit.call(this, code);
      };
      const instance = commandOf(() => {
        assertWrites(sessionOf(instance));
        instance.exports.proc_exit(5);
      });
      assert.equal(wasi.start(instance), 5);
      assert.deepEqual(codes, [5]);
    });

    it('see the writes of the guest', () => {
      const calls = [];
      const { fd_write } = wasi.wasiImport;
      wasi.wasiImport.fd_write = (...values) => {
        calls.push(values[0]);
        return fd_write(...values);
      };
      const instance = instantiate();
      wasi.initialize(instance);
      assertWrites(sessionOf(instance));
      assert.deepEqual(calls, [STDOUT, PREOPEN + 1]);
    });

    it('keep writes away from the guest', () => {
      wasi.wasiImport.fd_write = () => ERRNO.NOTSUP;
      const instance = instantiate();
      wasi.initialize(instance);
      assert.equal(sessionOf(instance).tryWrite(STDOUT, 'text'), ERRNO.NOTSUP);
      assert.equal(dir.read('out'), '');
    });
  });

  describe('by its import object', () => {
    const imports = {
      'getImportObject()': () => wasi.getImportObject(),
      wasiImport: () => ({ wasi_snapshot_preview1: wasi.wasiImport }),
      'a copy of wasiImport': () => ({
        wasi_snapshot_preview1: { ...wasi.wasiImport },
      }),
      'the functions of wasiImport, one by one': () =>
        importsFor(compile('calls'), wasi.wasiImport),
    };
    for (const [name, importsOf] of Object.entries(imports)) {
      it(`write with ${name}`, () => {
        const instance = new WebAssembly.Instance(
          compile('calls'),
          importsOf(),
        );
        wasi.initialize(instance);
        assertWrites(sessionOf(instance));
      });
    }

    it('write from a module of wasi_unstable', () => {
      wasi.close();
      create('unstable');
      const instance = new WebAssembly.Instance(
        compile('calls-unstable'),
        wasi.getImportObject(),
      );
      wasi.initialize(instance);
      assertWrites(sessionOf(instance));
    });

    it('write when JavaScript makes the calls', () => {
      const memory = new WebAssembly.Memory({ initial: 1 });
      wasi.finalizeBindings({ exports: {} }, { memory });
      assertWrites(new Session({ guest: wasi.wasiImport, memory, wasi }));
    });
  });
});
