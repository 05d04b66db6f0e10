'use strict';

// Writes to files.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const os = require('node:os');
const { engine } = require('../..');
const { ERRNO } = require('../../lib/preview1');
const { assertSameBytes, pattern } = require('../helpers/bytes');
const { FULL, hasFull } = require('../helpers/full');
const { useHostFiles } = require('../helpers/host-files');
const { writeToLimitedFile } = require('../helpers/run-writer');
const {
  CALLS,
  EMPTY_LISTS,
  LISTS,
  SMALL,
  Writer,
  scattered,
} = require('../helpers/list-writer');
const DATA = 65536;
const THREAD_IO = '/proc/thread-self/io';

/** How many system calls like write(2) this thread has made. */
function writeCalls() {
  const [, count] = /^syscw: (\d+)$/m.exec(fs.readFileSync(THREAD_IO, 'utf8'));
  return Number(count);
}

/**
 * How many of them `write` makes. The runtime sometimes makes one to wake a thread,
 * so the least of several tries counts.
 */
function callsOf(write) {
  const counts = Array.from({ length: 5 }, () => {
    const before = writeCalls();
    write();
    return writeCalls() - before;
  });
  return Math.min(...counts);
}

const itCountsCalls = fs.existsSync(THREAD_IO) ? it : it.skip;

function kernelIsAtLeast(major, minor) {
  const [a, b] = os.release().split('.').map(Number);
  return (
    os.platform() === 'linux' && (a > major || (a === major && b >= minor))
  );
}

describe('A regular file', () => {
  const host = useHostFiles();
  const contents = () => fs.readFileSync(host.path('file'));

  for (const [name, list] of Object.entries(LISTS)) {
    it(`takes ${name} with fd_write, one after the other`, () => {
      const writer = new Writer(host.open('file', 'w'));
      const bytes = writer.write(list);
      assertSameBytes(contents(), bytes);
      writer.write(list);
      assertSameBytes(contents(), Buffer.concat([bytes, bytes]));
    });

    it(`takes ${name} with fd_pwrite, at the offset`, () => {
      const before = Buffer.alloc(100_000, 'before');
      host.write('file', before);
      const writer = new Writer(host.open('file', 'r+'));
      const bytes = writer.write(list, 1234n);
      bytes.copy(before, 1234);
      assertSameBytes(contents(), before);
    });

    for (const [call, offset] of CALLS) {
      itCountsCalls(`takes ${name} in one system call of ${call}`, () => {
        const writer = new Writer(host.open('file', 'w'));
        assert.equal(
          callsOf(() => writer.write(list, offset)),
          1,
        );
      });
    }
  }

  for (const [call, offset] of CALLS) {
    itCountsCalls(
      `cuts ${call} short rather than call the system twice`,
      () => {
        const writer = new Writer(host.open('file', 'w'));
        const list = scattered(5000, () => 199);
        const bytes = writer.bytesOf(list);
        assert.equal(writer.try(list, offset), ERRNO.SUCCESS);
        assert.ok(writer.nwritten > 0 && writer.nwritten < bytes.length);
        assertSameBytes(contents(), bytes.subarray(0, writer.nwritten));
        assert.equal(
          callsOf(() => writer.try(list, offset)),
          1,
        );
      },
    );
  }

  it('gets every byte from a guest that goes on after short counts', () => {
    const writer = new Writer(host.open('file', 'w'));
    let list = scattered(5000, () => 199);
    const bytes = writer.bytesOf(list);
    while (list.length > 0) {
      assert.equal(writer.try(list), ERRNO.SUCCESS);
      assert.ok(writer.nwritten > 0);
      let count = writer.nwritten;
      list = list.flatMap(([pointer, length]) => {
        const out = Math.min(count, length);
        count -= out;
        return out === length ? [] : [[pointer + out, length - out]];
      });
    }
    assertSameBytes(contents(), bytes);
  });

  it('has its offset moved by fd_write and not by fd_pwrite', () => {
    const writer = new Writer(host.open('file', 'w'));
    const first = writer.write([[DATA, 10]]);
    const apart = writer.write([[DATA + 10, 5]], 100n);
    const second = writer.write([[DATA + 20, 7]]);
    const expected = Buffer.alloc(105);
    first.copy(expected);
    second.copy(expected, 10);
    apart.copy(expected, 100);
    assertSameBytes(contents(), expected);
  });

  it('shares its offset with the host', () => {
    const fd = host.open('file', 'w');
    const writer = new Writer(fd);
    fs.writeSync(fd, 'host ');
    const bytes = writer.write(SMALL);
    fs.writeSync(fd, ' host');
    assertSameBytes(
      contents(),
      Buffer.concat([Buffer.from('host '), bytes, Buffer.from(' host')]),
    );
  });
});

describe('A file opened to append', () => {
  const host = useHostFiles();
  const contents = () => fs.readFileSync(host.path('file'));
  const LIST_NAMES = [
    'one buffer',
    'four small buffers',
    'small and large buffers in turn',
    '1,500 buffers',
  ];

  // The fallback and older kernels cannot avoid appending: there pwrite(2) appends.
  const stays = engine === 'native' && kernelIsAtLeast(6, 9);

  for (const name of LIST_NAMES) {
    it(`gets ${name} of fd_write at its end, wherever that is`, () => {
      host.write('file', 'first, ');
      const writer = new Writer(host.open('file', 'a'));
      const one = writer.write(LISTS[name]);
      fs.appendFileSync(host.path('file'), 'of others');
      const two = writer.write(LISTS[name]);
      assertSameBytes(
        contents(),
        Buffer.concat([
          Buffer.from('first, '),
          one,
          Buffer.from('of others'),
          two,
        ]),
      );
    });

    it(`gets ${name} of fd_pwrite ${stays ? 'at the offset' : 'at its end'}`, () => {
      const before = Buffer.alloc(100_000, 'before');
      host.write('file', before);
      const writer = new Writer(host.open('file', 'a'));
      const bytes = writer.write(LISTS[name], 50n);
      if (stays) {
        bytes.copy(before, 50);
        assertSameBytes(contents(), before);
      } else {
        assertSameBytes(contents(), Buffer.concat([before, bytes]));
      }
      const appended = writer.write(SMALL);
      assertSameBytes(contents().subarray(-appended.length), appended);
    });
  }
});

describe('A descriptor that is not for writing', () => {
  const host = useHostFiles();
  const LISTS_TO_REFUSE = [
    SMALL,
    LISTS['one buffer'],
    LISTS['5,000 buffers'],
    ...EMPTY_LISTS,
  ];

  const targets = {
    'a file open for reading': () => {
      host.write('file', 'as it was');
      return host.open('file', 'r');
    },
    'a directory': () => host.open('.', 'r'),
    ...(hasFull && {
      '/dev/full open for reading': () => host.open(FULL, 'r'),
    }),
    'the null device open for reading': () => host.open(os.devNull, 'r'),
    'a file that was closed': () => {
      const fd = host.open('file', 'w');
      host.close(fd);
      return fd;
    },
  };

  for (const [name, open] of Object.entries(targets)) {
    for (const [call, offset] of CALLS) {
      for (const buffered of [false, true]) {
        it(`gives BADF for ${call}, buffered: ${buffered}: ${name}`, () => {
          const writer = new Writer(open(), buffered);
          for (const list of LISTS_TO_REFUSE) {
            assert.equal(writer.try(list, offset), ERRNO.BADF);
          }
        });
      }
    }
  }

  it('gives BADF for fd_write: a pipe open for reading', () => {
    const writer = new Writer(host.pipe({ blocking: false }).reader);
    for (const list of LISTS_TO_REFUSE) {
      assert.equal(writer.try(list), ERRNO.BADF);
    }
  });

  it('keeps what the file had', () => {
    const writer = new Writer(targets['a file open for reading']());
    for (const [, offset] of CALLS) writer.try(SMALL, offset);
    assert.equal(host.read('file'), 'as it was');
  });
});

describe('A limit on the size of files', () => {
  const host = useHostFiles();

  for (const through of ['WASI', 'createWrites']) {
    it(`gives ${through} a short count, then FBIG, and no signal`, () => {
      const { notes, received } = writeToLimitedFile(
        host,
        {
          through,
          touch: false,
          calls: 3,
          size: 1000,
        },
        4,
      );
      assert.deepEqual(notes, {
        kind: 'file',
        nonblock: false,
        nonblockAfter: false,
        short: 1,
        again: 0,
        touchedOnError: 0,
        written: 2048,
        errno: ERRNO.FBIG,
      });
      assertSameBytes(received, pattern(3000).subarray(0, 2048));
    });
  }
});
