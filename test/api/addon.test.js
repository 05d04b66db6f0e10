'use strict';

// Which addon is loaded, and why none is, in a copy of the package.

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
const PERMISSION = process.allowedNodeEnvironmentFlags.has('--permission')
  ? '--permission'
  : '--experimental-permission';

// Each test runs this in the copy, and gets the engine, the addon's file, and a
// write.
const REPORT = `
  const fs = require('node:fs');
  const { createWrites, engine, fallbackReason } = require('.');
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
    fallbackReason,
    addon: addon && require('node:path').relative('', addon),
    errno,
    written: fs.readFileSync('out', 'utf8'),
  }));
`;

const ON = (platform) =>
  `Object.defineProperty(process, 'platform', { value: '${platform}' });`;

describe('the addon', () => {
  const dir = useTempDir();
  const { prebuilt } = require('../../lib/addon');
  const { abiHash } = require('../../lib/native/abi');
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

  /** Bytes of an addon that was built from other sources. */
  function otherAddon() {
    const bytes = fs.readFileSync(ADDON);
    const at = bytes.indexOf(abiHash());
    assert.ok(at > 0);
    bytes.write('0'.repeat(abiHash().length), at);
    return bytes;
  }

  function node(code, { engine = '', flags = [] } = {}) {
    const { error, status, stdout, stderr } = spawnSync(
      process.execPath,
      [
        '--disable-warning=ExperimentalWarning',
        '--disable-warning=SecurityWarning',
        ...flags,
        '-e',
        code,
      ],
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

  function report(before = '', options = {}) {
    const { status, stdout, stderr } = node(before + REPORT, options);
    assert.equal(status, 0, stderr);
    const { errno, written, ...rest } = JSON.parse(stdout);
    assert.deepEqual({ errno, written }, { errno: 0, written: 'bytes' });
    return { ...rest, stderr };
  }

  /** The text of the only warning, which has the reason. */
  function fallbackWarning(before, options) {
    const { engine, fallbackReason, stderr } = report(before, options);
    assert.equal(engine, 'fallback');
    assert.equal(stderr.match(/Warning: /g).length, 1, stderr);
    const [, warning] = stderr.match(/\[WASI_WRITEV_NO_NATIVE\] Warning: (.+)/);
    assert.equal(
      warning,
      `${fallbackReason}. Without it writes go through node:fs, and there is no sandbox.`,
    );
    return warning;
  }

  /** The error if the native engine is required, or an addon is named. */
  function failure(engine = 'native') {
    const { status, stdout, stderr } = node(
      `try {
        require('.').engine;
      } catch ({ code, message, cause }) {
        const { code: causeCode, message: causeMessage } = cause;
        console.log(JSON.stringify({ code, message, causeCode, causeMessage }));
      }`,
      { engine },
    );
    assert.equal(status, 0, stderr);
    const { code, message, ...cause } = JSON.parse(stdout);
    assert.equal(code, 'ERR_WASI_WRITEV_NO_NATIVE');
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
    const warning = fallbackWarning(ON('sunos'));
    assert.match(
      warning,
      new RegExp(`no native build for sunos-${process.arch} \\(Node-API `),
    );
    const src = fs.realpathSync(dir.path('src'));
    assert.ok(
      warning.includes(`To build it: npx --yes node-gyp rebuild -C "${src}"`),
      warning,
    );
  });

  it('is not missed on Windows, which has none', () => {
    put(RELEASE);
    put(name);
    assert.deepEqual(report(ON('win32')), {
      engine: 'fallback',
      fallbackReason: 'wasi-writev has no addon for Windows',
      stderr: '',
    });
  });

  it('is not to be built where its sources are not', () => {
    fs.rmSync(dir.path('src'), { recursive: true });
    const warning = fallbackWarning();
    assert.match(warning, /In a bundle, set WASI_WRITEV_ENGINE to the path/);
    assert.doesNotMatch(warning, /node-gyp/);
  });

  for (const [why, bytes, reason] of [
    ['is no library', () => 'not an addon', /wasi-writev-.*: file too short/],
    ['is of other sources', otherAddon, /\.node was built from other sources/],
  ]) {
    it(`says that the one that is there ${why}, then how to build`, () => {
      put(name, bytes());
      const [first, second, third] = fallbackWarning().split('. ');
      assert.equal(first, 'wasi-writev cannot load its addon');
      assert.match(second, reason);
      assert.match(third, /^To build it: npx/);
    });
  }

  for (const flag of [PERMISSION, '--no-addons']) {
    it(`says that it may not be loaded, and no more, with ${flag}`, () => {
      put(name);
      const flags =
        flag === PERMISSION
          ? [flag, '--allow-fs-read=*', '--allow-fs-write=*', '--allow-wasi']
          : [flag];
      assert.equal(
        fallbackWarning('', { flags }),
        'wasi-writev may not load its addon. Cannot load native addon because ' +
          'loading addons is disabled. Without it writes go through node:fs, ' +
          'and there is no sandbox.',
      );
    });
  }

  it('is not missed where the other engine is asked for', () => {
    const { stderr, ...rest } = report('', { engine: 'fallback' });
    assert.equal(stderr, '');
    assert.deepEqual(rest, {
      engine: 'fallback',
      fallbackReason: 'WASI_WRITEV_ENGINE is fallback',
    });
  });

  describe('that WASI_WRITEV_ENGINE names', () => {
    const NAMED = 'elsewhere/any-name.node';

    it('is loaded before the one that was built', () => {
      put(NAMED);
      put(RELEASE);
      const native = { engine: 'native', addon: NAMED, stderr: '' };
      assert.deepEqual(report('', { engine: NAMED }), native);
      const engine = dir.path(NAMED);
      assert.deepEqual(report('', { engine }), native);
    });

    it('may be named by the program, before the first use', () => {
      put(NAMED);
      put(RELEASE);
      const code = `require('.').WASI; process.env.WASI_WRITEV_ENGINE = '${NAMED}';`;
      assert.deepEqual(report(code), {
        engine: 'native',
        addon: NAMED,
        stderr: '',
      });
    });

    it('is missed in an error, though there is another', () => {
      put(RELEASE);
      const { message, causeCode } = failure(NAMED);
      assert.equal(
        message,
        'wasi-writev cannot load what WASI_WRITEV_ENGINE names. ' +
          `Cannot find module '${fs.realpathSync(dir.path(''))}/${NAMED}'`,
      );
      assert.equal(causeCode, 'MODULE_NOT_FOUND');
    });

    it('is refused where it was built from other sources', () => {
      put(NAMED, otherAddon());
      put(RELEASE);
      const { message } = failure(NAMED);
      assert.match(
        message,
        /^wasi-writev cannot load what WASI_WRITEV_ENGINE names\. .*any-name\.node was built from other sources$/,
      );
    });

    it('is a file whose name ends in .node', () => {
      const { status, stderr } = node(REPORT, { engine: 'elsewhere/addon' });
      assert.equal(status, 1);
      assert.match(
        stderr,
        /\[ERR_INVALID_ARG_VALUE\]: .*WASI_WRITEV_ENGINE must be native, fallback or the path of a \.node file\. Received 'elsewhere\/addon'/,
      );
    });
  });

  it('is reported missing in an error if it is required', () => {
    const { message, causeCode, causeMessage } = failure();
    assert.ok(message.includes(path.basename(name, '.node')), message);
    assert.match(message, /To build it: npx --yes node-gyp rebuild -C /);
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
