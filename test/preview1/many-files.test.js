'use strict';

// Thousands of files: none is lost or left open.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const { engine } = require('../..');
const { ERRNO } = require('../../lib/preview1');
const { OFLAGS, RESULT, pathsGuest } = require('../helpers/paths-guest');
const { useTempDir } = require('../helpers/temp');

const FILES = 5000;
const ENTRIES = 10000;
const BUFFER = 256;

const openDescriptors = () => fs.readdirSync('/proc/self/fd').length;

describe('Many files', function () {
  before(function () {
    if (engine !== 'native' || process.platform !== 'linux') this.skip();
  });

  const temp = useTempDir();
  const start = (options) =>
    pathsGuest({ preopens: { '/': temp.path('.') }, ...options });

  it('are created, read, renamed and removed', () => {
    const g = start();
    const before = openDescriptors();
    for (let i = 0; i < FILES; i++) {
      assert.equal(g.open(`f${i}`, { oflags: OFLAGS.CREAT }), 0);
      const fd = g.u32();
      assert.equal(fd, 4);
      assert.equal(g.write(fd, `text ${i}`), 0);
      assert.equal(g.close(fd), 0);
    }
    for (let i = 0; i < FILES; i++) {
      assert.equal(g.open(`f${i}`), 0);
      assert.equal(g.read(g.u32()), `text ${i}`);
      assert.equal(g.close(4), 0);
      assert.equal(g.rename(`f${i}`, `r${i}`), 0);
    }
    assert.equal(fs.readdirSync(temp.path('.')).length, FILES);
    assert.equal(temp.read('r77'), 'text 77');
    for (let i = 0; i < FILES; i++) assert.equal(g.unlink(`r${i}`), 0);
    assert.deepEqual(fs.readdirSync(temp.path('.')), []);
    assert.equal(openDescriptors(), before);
    g.wasi.close();
  });

  it('are listed with a small buffer while half of them are deleted', () => {
    for (let i = 0; i < ENTRIES; i++) temp.write(`entry-${i}`, '');
    const g = start();
    const view = new DataView(g.memory.buffer);
    const seen = new Map();
    let cookie = 0n;
    for (;;) {
      assert.equal(g.calls.fd_readdir(3, 8192, BUFFER, cookie, RESULT), 0);
      const used = g.u32();
      let at = 8192;
      while (at + 24 <= 8192 + used) {
        const length = view.getUint32(at + 16, true);
        if (at + 24 + length > 8192 + used) break;
        const name = Buffer.from(g.memory.buffer, at + 24, length).toString();
        seen.set(name, (seen.get(name) ?? 0) + 1);
        cookie = view.getBigUint64(at, true);
        at += 24 + length;
        // Removes every second entry while listing, like `rm`.
        if (seen.size % 2 === 0 && name.startsWith('entry-')) g.unlink(name);
      }
      if (used < BUFFER) break;
    }
    const names = [...seen.keys()].filter((name) => name.startsWith('entry-'));
    assert.equal(names.length, ENTRIES);
    assert.ok([...seen.values()].every((times) => times === 1));
    assert.ok(fs.readdirSync(temp.path('.')).length < ENTRIES * 0.6);
    g.wasi.close();
  });

  it('are open at once up to maxOpenFiles, and no more', () => {
    const before = openDescriptors();
    const g = start({ maxOpenFiles: 100 });
    let count = 4; // the standard streams and the preopen
    while (g.open('file', { oflags: OFLAGS.CREAT }) === 0) count++;
    assert.equal(count, 100);
    assert.equal(g.open('new', { oflags: OFLAGS.CREAT }), ERRNO.MFILE);
    assert.equal(fs.existsSync(temp.path('new')), false);
    assert.equal(g.close(50), 0);
    assert.equal(g.open('file'), 0);
    assert.equal(g.u32(), 50);
    g.wasi.close();
    assert.equal(openDescriptors(), before);
  });

  it('are open at once by default up to half the limit of the process', function () {
    const limits = fs.readFileSync('/proc/self/limits', 'utf8');
    const [, soft] = /Max open files\s+(\d+)/.exec(limits);
    if (soft > 65536) this.skip();
    const g = start();
    let errno;
    let count = 4;
    while ((errno = g.open('file', { oflags: OFLAGS.CREAT })) === 0) count++;
    assert.equal(errno, ERRNO.MFILE);
    assert.equal(count, Math.floor(soft / 2));
    g.wasi.close();
  });

  for (const [value, code] of [
    [-1, 'ERR_OUT_OF_RANGE'],
    [1.5, 'ERR_OUT_OF_RANGE'],
    [2 ** 21, 'ERR_OUT_OF_RANGE'],
    ['1', 'ERR_INVALID_ARG_TYPE'],
  ]) {
    it(`reject a maxOpenFiles of ${value}`, () => {
      assert.throws(() => start({ maxOpenFiles: value }), { code });
    });
  }

  it('need room for the streams and the preopens', () => {
    assert.throws(() => start({ maxOpenFiles: 3 }), { code: 'UVWASI_EMFILE' });
  });
});
