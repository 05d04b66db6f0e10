'use strict';

// The check of the addons for macOS refuses what is not sound.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { faultsOf } = require('../../scripts/check-darwin');
const { build } = require('../../scripts/darwin');
const { readMachO } = require('../../scripts/mach-o');
const { createWorkplace } = require('./support');

const OLDEST = '11.0';
const SOURCE = `
#include <node_api.h>
#include <unistd.h>
static int fd;
static int *volatile at = &fd;
NAPI_MODULE_INIT() {
  napi_value number;
  *at += close(fd);
  if (napi_create_int32(env, *at, &number) != napi_ok) return NULL;
  return exports;
}`;

describe('the check of an addon for macOS', () => {
  const workplace = createWorkplace();
  const output = path.join(workplace, 'addon.node');

  /** Builds an addon of SOURCE, with more code and flags for the linker. */
  function addonOf(arch, { code = '', flags = [] } = {}) {
    const source = path.join(workplace, 'addon.c');
    fs.writeFileSync(source, SOURCE + code);
    const settings = {
      sources: [source],
      defines: ['NAPI_VERSION=8'],
      darwin: {
        cflags: ['-std=c11', '-fvisibility=hidden', ...flags],
        oldest: OLDEST,
      },
    };
    build(arch, settings, output);
    return fs.readFileSync(output);
  }

  function faultsIn(bytes, arch) {
    fs.writeFileSync(output, bytes);
    return faultsOf(arch, output, OLDEST);
  }

  /** Where a load command begins. */
  function commandAt(bytes, name, number = 0) {
    const { commands } = readMachO(bytes);
    const command = commands.filter((other) => other.name === name)[number];
    return command.bytes.byteOffset - bytes.byteOffset;
  }

  for (const arch of ['arm64', 'x64']) {
    it(`passes one for ${arch}`, () => {
      assert.deepEqual(faultsIn(addonOf(arch), arch), []);
    });

    it(`refuses one for ${arch} that is cut off anywhere`, () => {
      const bytes = addonOf(arch);
      for (let size = 0; size < bytes.length; size += 997) {
        assert.notDeepEqual(faultsIn(bytes.subarray(0, size), arch), []);
      }
      const less = bytes.subarray(0, bytes.length - 1);
      assert.notDeepEqual(faultsIn(less, arch), []);
    });

    it(`refuses one for ${arch} with a byte too many`, () => {
      const more = Buffer.concat([addonOf(arch), Buffer.alloc(1)]);
      assert.ok(faultsIn(more, arch).includes('does not end with __LINKEDIT'));
    });
  }

  it('refuses a file of another kind or architecture', () => {
    assert.deepEqual(faultsIn(fs.readFileSync(process.execPath), 'x64'), [
      'cannot be read: There is no magic number of 64 bits',
    ]);
    assert.ok(faultsIn(addonOf('x64'), 'arm64').includes('is not for arm64'));
    const bytes = addonOf('x64');
    bytes.writeUInt32LE(6, 12);
    assert.deepEqual(faultsIn(bytes, 'x64'), ['is not a bundle']);
  });

  it('refuses a page that was changed after it was signed', () => {
    const bytes = addonOf('arm64');
    const { signature } = readMachO(bytes).parts;
    for (let at = 0; at < signature.offset; at += 4096) {
      const changed = Buffer.from(bytes);
      changed[at + 4095] ^= 1;
      const page = Math.floor(at / 4096);
      assert.deepEqual(
        faultsIn(changed, 'arm64').filter((fault) => /signed/.test(fault)),
        at + 4095 < signature.offset
          ? [`has another page ${page} than was signed`]
          : [],
      );
    }
  });

  it('refuses a signature that is not ad hoc, or leaves bytes out', () => {
    const bytes = addonOf('arm64');
    const { offset } = readMachO(bytes).parts.signature;
    const directory = offset + bytes.readUInt32BE(offset + 16);
    const patched = (at, number) => {
      const changed = Buffer.from(bytes);
      changed.writeUInt32BE(number, directory + at);
      return faultsIn(changed, 'arm64');
    };
    assert.deepEqual(patched(12, 0x20000), ['is not signed ad hoc']);
    assert.deepEqual(patched(28, 1), ['is not signed on each page']);
    assert.ok(
      patched(32, offset - 1).includes(
        'has bytes before its signature that it leaves out',
      ),
    );
  });

  it('refuses one for arm64 without a signature', () => {
    const flags = ['-Wl,-no_adhoc_codesign'];
    assert.deepEqual(faultsIn(addonOf('arm64', { flags }), 'arm64'), [
      'is not signed',
    ]);
  });

  it('refuses a command that is missing, or not known', () => {
    const bytes = addonOf('x64');
    bytes.writeUInt32LE(0x1b, commandAt(bytes, 'BUILD_VERSION'));
    assert.deepEqual(faultsIn(bytes, 'x64'), [
      'has a load command UUID too many',
      'lacks a load command BUILD_VERSION',
    ]);
    const flags = ['-Wl,-rpath,/tmp'];
    assert.deepEqual(faultsIn(addonOf('x64', { flags }), 'x64'), [
      'has a load command 0x8000001c too many',
    ]);
  });

  it('refuses another macOS, system or library', () => {
    const patched = (command, at, number) => {
      const bytes = addonOf('x64');
      bytes.writeUInt32LE(number, commandAt(bytes, command) + at);
      return faultsIn(bytes, 'x64');
    };
    assert.deepEqual(patched('BUILD_VERSION', 12, 12 << 16), [
      'is not for macOS 11.0 and newer',
    ]);
    assert.deepEqual(patched('BUILD_VERSION', 8, 2), ['is not for macOS']);
    assert.deepEqual(patched('LOAD_DYLIB', 8, 25), [
      'needs usr/lib/libSystem.B.dylib',
    ]);
  });

  it('refuses a segment that can be written and executed', () => {
    for (const at of [56, 60]) {
      const bytes = addonOf('x64');
      bytes.writeInt32LE(7, commandAt(bytes, 'SEGMENT_64') + at);
      assert.deepEqual(faultsIn(bytes, 'x64'), [
        'has __TEXT with the wrong protection',
      ]);
    }
  });

  it('refuses segments with a gap', () => {
    const bytes = addonOf('x64');
    const at = commandAt(bytes, 'SEGMENT_64', 1) + 24;
    bytes.writeBigUInt64LE(bytes.readBigUInt64LE(at) + 8n, at);
    const faults = faultsIn(bytes, 'x64');
    assert.ok(faults.includes('has a gap before __DATA, or an overlap'));
    assert.ok(faults.includes("has __DATA beside a page's beginning"));
  });

  it('refuses parts that overlap, or are on no word', () => {
    const bytes = addonOf('x64');
    const at = commandAt(bytes, 'SYMTAB') + 8;
    bytes.writeUInt32LE(bytes.readUInt32LE(at) - 4, at);
    const faults = faultsIn(bytes, 'x64');
    assert.ok(faults.includes('has its symbols over another part'));
    assert.ok(faults.includes('has its symbols beside a word'));
  });

  it('refuses an import that is in neither list', () => {
    const code =
      'int getpid(void); __attribute__((used)) void use(void) { getpid(); }';
    assert.deepEqual(faultsIn(addonOf('x64', { code }), 'x64'), [
      'may not import _getpid',
    ]);
    const bytes = addonOf('x64');
    const { lazyBind } = readMachO(bytes).parts;
    bytes.write('_chdi', bytes.indexOf('_close', lazyBind.offset));
    assert.deepEqual(faultsIn(bytes, 'x64'), [
      'may not import _chdie',
      'wants _close, and does not import it',
    ]);
  });

  it('refuses a function of a newer Node-API, and one without Node-API', () => {
    const bytes = addonOf('x64');
    const { lazyBind } = readMachO(bytes).parts;
    const name = bytes.indexOf('_napi_create_int32', lazyBind.offset);
    bytes.write('_napi_create_int33', name);
    assert.ok(
      faultsIn(bytes, 'x64').includes('may not import _napi_create_int33'),
    );
    bytes[bytes.lastIndexOf(0x3e, name)] = 0x11; // of libSystem, not anywhere
    const faults = faultsIn(bytes, 'x64');
    assert.ok(faults.includes('does not use Node-API'));
  });

  it('refuses a bind outside __DATA', () => {
    const bytes = addonOf('x64');
    const { lazyBind } = readMachO(bytes).parts;
    assert.equal(bytes[lazyBind.offset], 0x71);
    bytes[lazyBind.offset] = 0x70;
    assert.match(faultsIn(bytes, 'x64')[0], /^binds _\w+ outside __DATA$/);
  });

  it('refuses another export', () => {
    const code = '__attribute__((visibility("default"))) int more;';
    assert.deepEqual(
      faultsIn(addonOf('x64', { code }), 'x64'),
      Array(2).fill(
        'exports _more _napi_register_module_v1 ' +
          '_node_api_module_get_api_version_v1',
      ),
    );
  });
});
