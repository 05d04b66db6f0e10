'use strict';

// The generated headers, and the list of the addon's sources.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { CALLS } = require('../../lib/preview1');
const { headers } = require('../../scripts/build-calls');

const SOURCES = path.join(__dirname, '../../src');

describe('The sources of the addon', () => {
  it('have the headers that scripts/build-calls.js makes', () => {
    for (const [name, text] of Object.entries(headers())) {
      const file = path.join(SOURCES, name);
      assert.equal(fs.readFileSync(file, 'utf8'), text, name);
    }
  });

  it('have the 46 calls of preview1', () => {
    assert.equal(Object.keys(CALLS).length, 46);
  });

  it('are all in binding.gyp', () => {
    const gyp = fs.readFileSync(path.join(SOURCES, 'binding.gyp'), 'utf8');
    const listed = [...gyp.matchAll(/"([\w/]+\.c)"/g)].map(([, file]) => file);
    const found = fs
      .readdirSync(SOURCES, { recursive: true })
      .filter((file) => file.endsWith('.c') && !file.startsWith('build'))
      .map((file) => file.replaceAll(path.sep, '/'));
    assert.deepEqual(listed.sort(), found.sort());
  });
});
