'use strict';

// `npm run lint:abi` on addons of a release: it takes those of the tarball, and refuses
// others.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { addonsIn, releaseFaults } = require('../../scripts/check-abi');
const { released } = require('../../scripts/targets');
const { createWorkplace, outputOf, pack } = require('./support');

describe('The check of the addons', () => {
  const workplace = createWorkplace();
  const directory = path.join(workplace, 'package/prebuilds');
  const place = (name) => path.join(directory, name);

  /** The faults where some files are others. */
  function faultsWith(files) {
    const copies = Object.entries(files).map(([name, bytes]) => {
      const before = fs.existsSync(place(name)) && fs.readFileSync(place(name));
      if (bytes === undefined) fs.rmSync(place(name));
      else fs.writeFileSync(place(name), bytes);
      return [name, before];
    });
    try {
      return releaseFaults(addonsIn(directory));
    } finally {
      for (const [name, before] of copies) {
        if (before) fs.writeFileSync(place(name), before);
        else fs.rmSync(place(name));
      }
    }
  }

  before(() => {
    outputOf('tar', ['-xzf', pack(workplace), '-C', workplace]);
  });

  it('finds nothing wrong with those of the tarball', () => {
    assert.deepEqual(faultsWith({}), []);
  });

  for (const { name } of released) {
    it(`misses ${name}`, () => {
      assert.deepEqual(faultsWith({ [name]: undefined }), [
        `${name} is missing`,
      ]);
    });
  }

  it('finds one too many', () => {
    assert.deepEqual(faultsWith({ 'linux-mips.node': '' }), [
      'linux-mips.node is not a target of a release',
    ]);
  });

  it('finds an addon for another machine', () => {
    const arm64 = fs.readFileSync(place('linux-arm64.node'));
    assert.deepEqual(faultsWith({ 'linux-x64.node': arm64 }), [
      'linux-x64.node is not for X86-64',
    ]);
  });

  it('finds a function that an old glibc lacks', () => {
    const bytes = fs.readFileSync(place('linux-x64.node'), 'latin1');
    // As long a name, of glibc 2.36.
    assert.ok(bytes.includes('\0sched_yield\0'));
    const changed = bytes.replace('\0sched_yield\0', '\0fsconfig\0\0\0\0');
    assert.deepEqual(
      faultsWith({ 'linux-x64.node': Buffer.from(changed, 'latin1') }),
      [
        'linux-x64.node fsconfig is not in /usr/lib/x86_64-linux-gnu/libc.so.6, or is too new',
        'linux-x64.node fsconfig is not in /usr/lib/x86_64-linux-musl/libc.so, or is too new',
      ],
    );
  });

  it('finds one that is too large', () => {
    const bytes = fs.readFileSync(place('linux-x64.node'));
    const large = Buffer.concat([bytes, Buffer.alloc(80_000)]);
    const [fault, ...others] = faultsWith({ 'linux-x64.node': large });
    assert.match(fault, /^linux-x64\.node has more than 80000 bytes: \d+$/);
    assert.deepEqual(others, []);
  });
});
