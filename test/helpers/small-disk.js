'use strict';

// A disk that is nearly full, until something on it is removed.

const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');

// Pages: tmpfs gives out no less.
const SIZE = 65536;

/**
 * To be called in a `describe`, which is skipped where a tmpfs may not be
 * mounted. The disk is empty before each test.
 */
function useSmallDisk() {
  let directory;
  let mounted = false;

  before(function mount() {
    directory = fs.mkdtempSync(path.join(os.tmpdir(), 'wasi-writev-disk-'));
    try {
      execFileSync(
        'mount',
        ['-t', 'tmpfs', '-o', `size=${SIZE}`, 'tmpfs', directory],
        { stdio: 'ignore' },
      );
      mounted = true;
    } catch {
      this.skip();
    }
  });
  after(() => {
    // A test that failed may have left a file open.
    if (mounted) execFileSync('umount', ['-l', directory]);
    fs.rmdirSync(directory);
  });
  afterEach(() => {
    for (const name of fs.readdirSync(directory)) {
      fs.truncateSync(disk.path(name)); // a guest may have it open
      fs.rmSync(disk.path(name));
    }
  });

  const disk = {
    path: (name) => path.join(directory, name),
    read: (name) => fs.readFileSync(disk.path(name)),

    /** Leaves room for `room` bytes, a multiple of the page size. */
    fill(room) {
      fs.writeFileSync(disk.path('filler'), Buffer.alloc(SIZE - room));
    },

    makeRoom: () => fs.rmSync(disk.path('filler')),
  };
  return disk;
}

module.exports = { useSmallDisk };
