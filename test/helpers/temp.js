'use strict';

// A directory for each test, removed before the next one: Windows removes none that has
// open files, and every other hook after the test comes first.

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

  function remove() {
    if (directory !== undefined) fs.rmSync(directory, { recursive: true });
    directory = undefined;
  }

  beforeEach(() => {
    remove();
    directory = fs.mkdtempSync(path.join(os.tmpdir(), 'wasi-writev-'));
  });
  after(remove);

  const file = (name) => path.join(directory, name);
  return {
    path: file,
    read: (name) => fs.readFileSync(file(name), 'utf8'),
    write: (name, bytes) => fs.writeFileSync(file(name), bytes),
  };
}

module.exports = { useTempDir };
