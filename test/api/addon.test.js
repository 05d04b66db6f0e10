'use strict';

// Which addon is loaded, in a copy of the package.

const assert = require('node:assert/strict');
const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { useTempDir } = require('../helpers/temp');

const ROOT = path.join(__dirname, '..', '..');
const RELEASE = 'build/Release/wasi_writev.node';
const DEBUG = 'build/Debug/wasi_writev.node';
const IN_PACKAGE = 'src/build/Release/wasi_writev.node';
const ADDON = path.join(ROOT, RELEASE);

// Each test runs this in the copy, and gets the engine, the addon's file, and a
// write.
const REPORT = `
  const fs = require('node:fs');
  const { createWrites, engine } = require('.');
  const memory = new WebAssembly.Memory({ initial: 1 });
  const view = new DataView(memory.buffer);
  view.setUint32(0, 8, true);
  view.setUint32(4, 5, true);
  new Uint8Array(memory.buffer).set(Buffer.from('bytes'), 8);
  const fd = fs.openSync('out', 'w');
  const { fd_write } = createWrites({ fds: { 1: fd }, memory });
  const errno = fd_write(1, 0, 1, 16);
  const addon = Object.keys(require.cache).find((file) => file.endsWith('.node'));
  console.log(JSON.stringify({
    engine,
    addon: addon && require('node:path').relative('', addon),
    errno,
    written: fs.readFileSync('out', 'utf8'),
  }));
`;

describe('the addon', () => {
  const dir = useTempDir();
  const { prebuilt } = require('../../lib/addon');
  const name = path.relative(ROOT, prebuilt());

  before(function () {
    if (!fs.existsSync(ADDON)) this.skip();
  });
  beforeEach(() => {
    for (const part of ['lib', 'src', 'package.json']) {
      fs.cpSync(path.join(ROOT, part), dir.path(part), { recursive: true });
    }
  });

  /** Puts a working addon at `file`, or `bytes` instead. */
  function put(file, bytes = fs.readFileSync(ADDON)) {
    fs.mkdirSync(path.dirname(dir.path(file)), { recursive: true });
    dir.write(file, bytes);
  }

  function node(code, { engine = '' } = {}) {
    const { error, status, stdout, stderr } = spawnSync(
      process.execPath,
      ['--disable-warning=ExperimentalWarning', '-e', code],
      {
        cwd: fs.realpathSync(dir.path('')),
        encoding: 'utf8',
        env: {
          PATH: process.env.PATH,
          WASI_WRITEV_ENGINE: engine,
        },
      },
    );
    assert.ifError(error);
    return { status, stdout, stderr };
  }

  function report(before = '') {
    const { status, stdout, stderr } = node(before + REPORT);
    assert.equal(status, 0, stderr);
    const { errno, written, ...rest } = JSON.parse(stdout);
    assert.deepEqual({ errno, written }, { errno: 0, written: 'bytes' });
    return { ...rest, stderr };
  }

  /** The whole text of the only warning. */
  function fallbackWarning(before) {
    const { engine, addon, stderr } = report(before);
    assert.deepEqual([engine, addon], ['fallback', undefined]);
    assert.equal(stderr.match(/Warning: /g).length, 1, stderr);
    assert.match(stderr, /\[WASI_WRITEV_NO_NATIVE\] Warning: /);
    return stderr;
  }

  /** The error if the native engine is required. */
  function failure() {
    const { status, stdout, stderr } = node(
      `try {
        require('.').engine;
      } catch ({ code, message, cause }) {
        const { code: causeCode, message: causeMessage } = cause;
        console.log(JSON.stringify({ code, message, causeCode, causeMessage }));
      }`,
      { engine: 'native' },
    );
    assert.equal(status, 0, stderr);
    const { code, message, ...cause } = JSON.parse(stdout);
    assert.equal(code, 'ERR_WASI_WRITEV_NO_NATIVE');
    assert.match(message, /npx --yes node-gyp rebuild -C /);
    return { message, ...cause };
  }

  it('is the prebuilt one where nothing was built', () => {
    put(name);
    assert.deepEqual(report(), { engine: 'native', addon: name, stderr: '' });
  });

  for (const built of [RELEASE, DEBUG, IN_PACKAGE]) {
    it(`is ${built} before the prebuilt one`, () => {
      put(built);
      put(name);
      assert.deepEqual(report(), {
        engine: 'native',
        addon: built,
        stderr: '',
      });
    });
  }

  it('is the prebuilt one where the one that was built does not load', () => {
    put(RELEASE, 'not an addon');
    put(name);
    assert.deepEqual(report(), { engine: 'native', addon: name, stderr: '' });
  });

  it('is reported missing in one warning on a platform without one', () => {
    put(name);
    const warning = fallbackWarning(
      `Object.defineProperty(process, 'platform', { value: 'sunos' });`,
    );
    assert.match(
      warning,
      new RegExp(`no native build for sunos-${process.arch} \\(Node-API `),
    );
    assert.match(
      warning,
      /npx --yes node-gyp rebuild -C ".*wasi-writev-.*src"/,
    );
  });

  it('is not to be built on Windows', () => {
    const warning = fallbackWarning(
      `Object.defineProperty(process, 'platform', { value: 'win32' });`,
    );
    assert.match(warning, /There is none for Windows/);
    assert.doesNotMatch(warning, /node-gyp/);
  });

  it('is named in the warning if it does not load', () => {
    put(name, 'not an addon');
    assert.ok(
      fallbackWarning('').includes(fs.realpathSync(dir.path(name))),
      'the path of the file',
    );
  });

  it('is reported missing in an error if it is required', () => {
    const { message, causeCode, causeMessage } = failure();
    assert.ok(message.includes(path.basename(name, '.node')), message);
    assert.equal(causeCode, 'MODULE_NOT_FOUND');
    assert.ok(causeMessage.includes(name), causeMessage);
  });

  it('says why the one that was built does not load', () => {
    put(RELEASE, 'not an addon');
    const { causeCode, causeMessage } = failure();
    assert.equal(causeCode, 'ERR_DLOPEN_FAILED');
    assert.ok(causeMessage.includes(RELEASE), causeMessage);
  });
});
