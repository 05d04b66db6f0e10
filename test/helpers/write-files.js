'use strict';

// The files of a program of writes, on disk and in the model.

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { pattern } = require('./bytes');
const { Description, ModelFile } = require('./model');
const { FILES } = require('./write-programs');

const PAGE = 65536;
const STDIO_FILES = ['stdin', 'stdout', 'stderr'];
const DEVICES = { null: os.devNull, full: '/dev/full' };

const CONTENT = pattern(2 * PAGE);

/** The guest's files on disk, and in the model. */
class Files {
  #directory;
  #opened = new Set();
  model = new Map();

  constructor(directory, { files, stdout }) {
    this.#directory = directory;
    const sizes = [...files, ...STDIO_FILES.map(() => 10)];
    [...FILES, ...STDIO_FILES].forEach((name, i) => {
      const bytes = CONTENT.subarray(0, sizes[i]);
      // Removing is faster than truncating: some file systems flush a truncated
      // file.
      fs.rmSync(this.path(name), { force: true });
      fs.writeFileSync(this.path(name), bytes);
      this.model.set(name, new ModelFile('file', Buffer.from(bytes)));
    });
    for (const name in DEVICES) this.model.set(name, new ModelFile(name));
    this.stdout = stdout === 'file' ? 'stdout' : stdout;
  }

  path(name) {
    return DEVICES[name] ?? path.join(this.#directory, name);
  }

  /** @returns {{ hostFd: number, description: Description }} */
  open(name, { append = false, readOnly = false } = {}) {
    const writes = append ? 'a' : 'r+';
    const hostFd = fs.openSync(this.path(name), readOnly ? 'r' : writes);
    this.#opened.add(hostFd);
    const description = new Description(this.model.get(name), {
      append: append && !readOnly,
      readOnly,
    });
    return { hostFd, description };
  }

  close(hostFd) {
    this.#opened.delete(hostFd);
    fs.closeSync(hostFd);
  }

  closeAll() {
    for (const hostFd of [...this.#opened]) this.close(hostFd);
  }

  /** The name of a file that differs from the model, or undefined. */
  difference() {
    return [...this.model.keys()].find(
      (name) =>
        !(name in DEVICES) &&
        !fs.readFileSync(this.path(name)).equals(this.model.get(name).bytes),
    );
  }
}

module.exports = { CONTENT, Files, PAGE };
