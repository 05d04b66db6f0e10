'use strict';

// A disk that is nearly full until a file on it is removed.

const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');

// In pages, the smallest unit of a tmpfs.
const SIZE = 65536;

/**
 * Call it in a `describe`: skipped where a tmpfs cannot be mounted. The disk is
 * empty before each test.
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
    // A failed test may have left a file open.
    if (mounted) execFileSync('umount', ['-l', directory]);
    fs.rmdirSync(directory);
  });
  afterEach(() => {
    for (const name of fs.readdirSync(directory)) {
      fs.truncateSync(disk.path(name)); // frees the room even if a guest has it open
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
