'use strict';

// A directory for each test, removed after it.

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');

/**
 * Call it in a `describe`.
 *
 * @returns {object} `path(name)`: a path in the directory of the running test;
 *   `read(name)`, `write(name, bytes)`: the contents of a file
 */
function useTempDir() {
  let directory;

  beforeEach(() => {
    directory = fs.mkdtempSync(path.join(os.tmpdir(), 'wasi-writev-'));
  });
  afterEach(() => fs.rmSync(directory, { recursive: true }));

  const file = (name) => path.join(directory, name);
  return {
    path: file,
    read: (name) => fs.readFileSync(file(name), 'utf8'),
    write: (name, bytes) => fs.writeFileSync(file(name), bytes),
  };
}

module.exports = { useTempDir };
