'use strict';

// Every way out of a preopen with every call that takes a path. None may have an
// effect outside. no-openat2.test.js runs this file again with the walk as the
// resolver.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { engine } = require('../..');
const { ERRNO } = require('../../lib/preview1');
const { FOLLOW, OFLAGS, pathsGuest } = require('../helpers/paths-guest');
const { useTempDir } = require('../helpers/temp');

const READ = 2n;
const { PERM } = ERRNO;

/**
 * Ways to the directory `outside` beside the preopen, each with a function that
 * creates it.
 */
const WAYS = {
  '../outside': () => {},
  './../outside': () => {},
  'sub/../../outside': () => {},
  'sub/deeper/../../../outside': () => {},
  up: ({ link }) => link('../outside', 'up'),
  'up/': ({ link }) => link('../outside', 'up'),
  'parent/outside': ({ link }) => link('..', 'parent'),
  'sub/parent/outside': ({ link }) => link('../..', 'sub/parent'),
  'sub/back/../outside': ({ link }) => link('..', 'sub/back'),
  absolute: ({ link, outside }) => link(outside, 'absolute'),
  'first/outside': ({ link }) => {
    link('second', 'first');
    link('third/..', 'second');
    link('sub/..', 'third');
  },
  chain: ({ link }) => {
    link('chain2', 'chain');
    link('chain3', 'chain2');
    link('../outside', 'chain3');
  },
};

/**
 * Calls on WAY/secret, a file; WAY/dir, a directory; and WAY/new, which does not
 * exist.
 */
const CALLS = {
  'path_open to read': (g, way) => g.open(`${way}/secret`, { rights: READ }),
  'path_open without follow': (g, way) =>
    g.open(`${way}/secret`, { flags: 0, rights: READ }),
  'path_open to write': (g, way) =>
    g.open(`${way}/secret`, { oflags: OFLAGS.TRUNC }),
  'path_open to create': (g, way) =>
    g.open(`${way}/new`, { oflags: OFLAGS.CREAT }),
  'path_open to create, exclusively': (g, way) =>
    g.open(`${way}/new`, { oflags: OFLAGS.CREAT | OFLAGS.EXCL }),
  'path_open of a directory': (g, way) =>
    g.open(`${way}/dir`, { oflags: OFLAGS.DIRECTORY, rights: READ }),
  path_create_directory: (g, way) => g.mkdir(`${way}/new`),
  path_filestat_get: (g, way) => g.stat(`${way}/secret`, 0),
  'path_filestat_get with follow': (g, way) => g.stat(`${way}/secret`, FOLLOW),
  path_filestat_set_times: (g, way) => g.setTimes(`${way}/secret`, 0),
  'path_filestat_set_times with follow': (g, way) =>
    g.setTimes(`${way}/secret`, FOLLOW),
  'path_link from': (g, way) => g.link(`${way}/secret`, 'stolen'),
  'path_link to': (g, way) => g.link('file', `${way}/new`),
  path_readlink: (g, way) => g.readlink(`${way}/link`),
  path_remove_directory: (g, way) => g.rmdir(`${way}/dir`),
  'path_rename from': (g, way) => g.rename(`${way}/secret`, 'stolen'),
  'path_rename to': (g, way) => g.rename('file', `${way}/secret`),
  path_symlink: (g, way) => g.symlink('file', `${way}/new`),
  path_unlink_file: (g, way) => g.unlink(`${way}/secret`),
};

/** Everything outside that a guest could change. */
function snapshot(directory) {
  return fs
    .readdirSync(directory, { recursive: true })
    .sort()
    .map((name) => {
      const file = path.join(directory, name);
      const stat = fs.lstatSync(file, { bigint: true });
      const text = stat.isFile() ? fs.readFileSync(file, 'utf8') : '';
      return [name, stat.ino, stat.nlink, stat.size, stat.mtimeNs, text];
    });
}

describe('A guest', function () {
  before(function () {
    // node:wasi has no sandbox: docs/platforms.md.
    if (engine !== 'native') this.skip();
  });

  const temp = useTempDir();
  let root;
  let outside;

  beforeEach(() => {
    root = temp.path('root');
    outside = temp.path('outside');
    fs.mkdirSync(path.join(root, 'sub', 'deeper'), { recursive: true });
    fs.mkdirSync(path.join(outside, 'dir'), { recursive: true });
    fs.writeFileSync(path.join(outside, 'secret'), 'SECRET');
    fs.symlinkSync('nothing', path.join(outside, 'link'));
    fs.writeFileSync(path.join(root, 'file'), 'file');
  });

  const link = (target, name) => fs.symlinkSync(target, path.join(root, name));
  // Not '/', below which absolute links of the host would be paths.
  const guest = (preopens = { '/r': root }) => pathsGuest({ preopens });

  for (const [way, make] of Object.entries(WAYS)) {
    for (const [name, call] of Object.entries(CALLS)) {
      it(`does not get out by ${way}, with ${name}`, () => {
        make({ link, outside });
        const before = snapshot(outside);
        const g = guest();
        assert.equal(call(g, way), PERM);
        assert.deepEqual(snapshot(outside), before);
        assert.equal(fs.existsSync(path.join(root, 'stolen')), false);
        assert.equal(fs.readFileSync(path.join(root, 'file'), 'utf8'), 'file');
        g.wasi.close();
      });
    }
  }

  for (const name of [
    '..',
    '../',
    'sub/../..',
    'sub/../../',
    './..',
    'sub/..//../.',
  ]) {
    it(`does not get at the parent by ${name}`, () => {
      const before = snapshot(outside);
      const g = guest();
      assert.equal(g.open(name, { rights: READ }), PERM);
      assert.equal(g.stat(name), PERM);
      assert.equal(g.stat(name, 0), PERM);
      assert.equal(g.setTimes(name), PERM);
      assert.equal(g.setTimes(name, 0), PERM);
      assert.equal(g.rmdir(name), PERM);
      assert.equal(g.rename(name, 'stolen'), PERM);
      assert.equal(g.rename('sub', name), PERM);
      assert.equal(g.readlink(name), PERM);
      assert.equal(g.unlink(name), PERM);
      assert.equal(g.mkdir(name), PERM);
      assert.equal(g.symlink('x', name), PERM);
      assert.deepEqual(snapshot(outside), before);
      g.wasi.close();
    });
  }

  it('cannot use an absolute path', () => {
    const g = guest();
    for (const name of ['/', '/file', `${outside}/secret`, '//', '/../x']) {
      assert.equal(g.open(name, { rights: READ }), PERM);
      assert.equal(g.stat(name), PERM);
      assert.equal(g.unlink(name), PERM);
      assert.equal(g.mkdir(name), PERM);
    }
    g.wasi.close();
  });

  it('creates nothing at the end of a dangling link that leads out', () => {
    link('../outside/new', 'relative');
    link(path.join(outside, 'new'), 'absolute');
    const g = guest();
    for (const name of ['relative', 'absolute']) {
      assert.equal(g.open(name, { oflags: OFLAGS.CREAT }), PERM);
      assert.equal(
        g.open(name, { oflags: OFLAGS.CREAT | OFLAGS.EXCL }),
        ERRNO.EXIST,
      );
      assert.equal(g.setTimes(name), PERM);
      assert.equal(g.stat(name), PERM);
    }
    assert.equal(fs.existsSync(path.join(outside, 'new')), false);
    g.wasi.close();
  });

  it('gets LOOP for circular links', () => {
    link('b', 'a');
    link('a', 'b');
    link('self', 'self');
    const g = guest();
    for (const name of ['a', 'self', 'a/x', 'self/']) {
      assert.equal(g.open(name, { rights: READ }), ERRNO.LOOP);
      assert.equal(g.stat(name), ERRNO.LOOP);
    }
    g.wasi.close();
  });

  it('follows no magic link of /proc', () => {
    link('/proc/self/root', 'magic');
    link('/proc/self/cwd', 'cwd');
    const g = guest();
    assert.equal(g.open(`magic${outside}/secret`, { rights: READ }), PERM);
    assert.equal(g.open('cwd/package.json', { rights: READ }), PERM);
    g.wasi.close();

    const all = pathsGuest({ preopens: { '/proc': '/proc' } });
    for (const name of ['self/root/etc/passwd', 'self/cwd/package.json']) {
      assert.notEqual(all.open(name, { rights: READ }), ERRNO.SUCCESS);
      assert.notEqual(all.stat(name), ERRNO.SUCCESS);
    }
    all.wasi.close();
  });

  it('cannot make an absolute link', () => {
    const g = guest();
    assert.equal(g.symlink('/etc/passwd', 'made'), PERM);
    assert.equal(g.symlink('../outside', 'made'), ERRNO.SUCCESS);
    assert.equal(g.open('made/secret', { rights: READ }), PERM);
    g.wasi.close();
  });

  it('stays in a directory that was moved out while it was open', () => {
    const g = guest();
    assert.equal(
      g.open('sub', { oflags: OFLAGS.DIRECTORY, rights: READ }),
      ERRNO.SUCCESS,
    );
    const dir = g.u32();
    fs.renameSync(path.join(root, 'sub'), path.join(outside, 'sub'));
    const before = snapshot(outside);
    for (const name of ['../secret', 'deeper/../../secret']) {
      assert.equal(g.open(name, { dir, rights: READ }), PERM);
      assert.equal(g.unlink(name, dir), PERM);
    }
    assert.deepEqual(snapshot(outside), before);
    g.wasi.close();
  });

  it('follows absolute links as paths of its own', () => {
    const other = temp.path('other');
    fs.mkdirSync(other);
    fs.writeFileSync(path.join(other, 'there'), 'there');
    link('/file', 'own');
    link('/w/there', 'elsewhere');
    link('/w', 'to-preopen');
    link('/nothing', 'none');
    link('/../../file', 'dots');
    for (const name of ['/', '.']) {
      const g = guest({ [name]: root, '/w': other });
      assert.equal(g.open('own', { rights: READ }), ERRNO.SUCCESS, name);
      assert.equal(g.read(g.u32()), 'file');
      assert.equal(g.open('elsewhere', { rights: READ }), ERRNO.SUCCESS);
      assert.equal(g.read(g.u32()), 'there');
      assert.equal(g.open('to-preopen/there', { rights: READ }), 0);
      assert.equal(g.stat('to-preopen'), ERRNO.SUCCESS);
      assert.equal(g.stat('none'), ERRNO.NOENT);
      assert.equal(g.open('dots', { rights: READ }), PERM);
      g.wasi.close();
    }
  });

  it('follows none through a preopen that is closed or replaced', () => {
    const other = temp.path('other');
    fs.mkdirSync(other);
    fs.writeFileSync(path.join(other, 'there'), 'there');
    link('/w/there', 'elsewhere');
    const closed = guest({ '/r': root, '/w': other });
    assert.equal(closed.open('elsewhere', { rights: READ }), ERRNO.SUCCESS);
    assert.equal(closed.close(4), ERRNO.SUCCESS);
    assert.equal(closed.open('elsewhere', { rights: READ, dir: 3 }), PERM);
    closed.wasi.close();

    const replaced = guest({ '/r': root, '/w': other });
    replaced.open('sub', { oflags: OFLAGS.DIRECTORY, rights: READ });
    assert.equal(replaced.calls.fd_renumber(replaced.u32(), 4), 0);
    assert.equal(replaced.open('elsewhere', { rights: READ }), PERM);
    replaced.wasi.close();
  });

  it('follows absolute links only if they begin with a whole preopen name', () => {
    link('/work/file', 'longer');
    link('/w/file', 'exact');
    const g = guest({ '/w': root });
    assert.equal(g.open('longer', { rights: READ }), PERM);
    assert.equal(g.open('exact', { rights: READ }), ERRNO.SUCCESS);
    g.wasi.close();
  });
});
