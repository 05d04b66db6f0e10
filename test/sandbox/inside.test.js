'use strict';

// What a sandbox of paths cannot prevent. SECURITY.md describes each.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { engine } = require('../..');
const { ERRNO } = require('../../lib/preview1');
const { pathsGuest } = require('../helpers/paths-guest');
const { useTempDir } = require('../helpers/temp');

const READ = 2n;
const { SUCCESS, PERM } = ERRNO;

describe('A file inside a preopen', function () {
  before(function () {
    if (engine !== 'native' || process.platform !== 'linux') this.skip();
  });

  const temp = useTempDir();
  let root;
  let secret;

  beforeEach(() => {
    root = temp.path('root');
    secret = temp.path('secret');
    fs.mkdirSync(root);
    fs.writeFileSync(secret, 'SECRET');
  });

  const guest = (preopens = { '/': root }) => pathsGuest({ preopens });

  it('may be a hard link to a file that has a name outside too', () => {
    fs.linkSync(secret, path.join(root, 'hard'));
    const g = guest();
    assert.equal(g.open('hard'), SUCCESS);
    const fd = g.u32();
    assert.equal(g.read(fd), 'SECRET');
    assert.equal(g.write(fd, '!'), SUCCESS);
    assert.equal(fs.readFileSync(secret, 'utf8'), 'SECRET!');
    g.wasi.close();
  });

  it('may be a device, which is opened as one', () => {
    const g = guest({ '/dev': '/dev' });
    assert.equal(g.open('null'), SUCCESS);
    assert.equal(g.write(g.u32(), 'x'), SUCCESS);
    assert.equal(g.open('zero', { rights: READ }), SUCCESS);
    assert.equal(g.read(g.u32(), 3), '\0\0\0');
    g.wasi.close();
  });

  it('may be a mount, which is entered', function () {
    const deviceOf = (name) => fs.statSync(name).dev;
    if (!fs.existsSync('/dev/pts')) this.skip();
    if (deviceOf('/dev/pts') === deviceOf('/dev')) this.skip();
    const g = guest({ '/dev': '/dev' });
    assert.equal(g.stat('pts/.'), SUCCESS);
    assert.equal(g.u64(), BigInt(deviceOf('/dev/pts')));
    g.wasi.close();
  });

  it('may be the memory of the process, if /proc was given', () => {
    const g = guest({ '/proc': '/proc' });
    assert.equal(g.open('self/mem', { rights: READ }), SUCCESS);
    assert.equal(g.open('self/cwd/package.json', { rights: READ }), PERM);
    g.wasi.close();
  });

  it('may be a link that leads the host outside, but not the guest', () => {
    const g = guest();
    assert.equal(g.symlink('../secret', 'left'), SUCCESS);
    assert.equal(g.open('left', { rights: READ }), PERM);
    g.wasi.close();
    assert.equal(fs.readFileSync(path.join(root, 'left'), 'utf8'), 'SECRET');
  });
});
