'use strict';

// Paths of a guest on Windows.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const { ERRNO } = require('../../lib/preview1');
const { useGuests } = require('../helpers/opened-files');
const { describeOnWindows } = require('../helpers/windows');

const EXISTING = { oflags: 0 };

describeOnWindows('A path of a guest on Windows', () => {
  const { dir, start } = useGuests();
  let session;

  beforeEach(() => {
    fs.mkdirSync(dir.path('root/inner'), { recursive: true });
    dir.write('secret', 'outside');
    session = start({ preopens: { '/': dir.path('root') } });
  });

  it('has its names separated by either slash', () => {
    session.close(session.open('inner\\file'));
    session.close(session.open('inner/file', EXISTING));
    assert.deepEqual(fs.readdirSync(dir.path('root/inner')), ['file']);
  });

  it('does not lead out of the preopen by .. or from a drive', () => {
    const outside = dir.path('secret');
    for (const path of [
      '..\\secret',
      'inner\\..\\..\\secret',
      'inner/..\\../secret',
      '\\..\\secret',
      outside,
      outside.replaceAll('\\', '/'),
      `\\\\?\\${outside}`,
    ]) {
      assert.notEqual(session.tryOpen(path, EXISTING), ERRNO.SUCCESS, path);
    }
    session.close(session.open('..\\made'));
    assert.deepEqual(fs.readdirSync(dir.path('.')).sort(), ['root', 'secret']);
    assert.ok(fs.existsSync(dir.path('root/made')));
  });

  it('is the null device where its last name is NUL', () => {
    const fd = session.open('inner/NUL', EXISTING);
    session.write(fd, 'nowhere');
    assert.equal(session.read(fd, 10), '');
    session.close(fd);
    assert.deepEqual(fs.readdirSync(dir.path('root/inner')), []);
  });
});
