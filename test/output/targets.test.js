'use strict';

// What a write does to each kind of target.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const os = require('node:os');
const { engine } = require('../..');
const { ERRNO } = require('../../lib/preview1');
const { assertSameBytes, pattern } = require('../helpers/bytes');
const { FULL, hasFull, itWithFull } = require('../helpers/full');
const { putIovs, u32, withWrites } = require('../helpers/guest');
const { fill, readAvailable, useHostFiles } = require('../helpers/host-files');
const {
  writeToClosedSocket,
  writeToLimitedFile,
  writeToPipe,
  writeToSocket,
  writeToTerminal,
} = require('../helpers/run-writer');

const FD = 3;
const NWRITTEN = 0;
const UNTOUCHED = 0xfeedface;
const IOVS = 64;
const DATA = 65536;
const THREAD_IO = '/proc/thread-self/io';

/** `count` buffers of `size(i)` bytes that neither touch nor stand in order. */
function scattered(count, size) {
  const list = [];
  for (let i = 0, at = DATA; i < count; i++) {
    list.unshift([at, size(i)]);
    at += size(i) + 1;
  }
  return list;
}

/** Lists that one call takes whole, and that are shaped in different ways. */
const LISTS = {
  'one buffer': [[DATA, 1000]],
  'two buffers, one of them empty': [
    [0, 0],
    [DATA, 77],
  ],
  'four small buffers': scattered(4, () => 16),
  'buffers that touch': Array.from({ length: 50 }, (_, i) => [
    DATA + 300 * i,
    300,
  ]),
  'buffers that overlap': Array.from({ length: 50 }, (_, i) => [
    DATA + 10 * i,
    300,
  ]),
  'small and large buffers in turn': scattered(16, (i) => (i % 2 ? 3 : 3000)),
  '1,024 buffers': scattered(1024, (i) => 1 + (i % 31)),
  '1,025 buffers': scattered(1025, (i) => 1 + (i % 31)),
  '1,500 buffers': scattered(1500, (i) => 1 + (i % 31)),
  '5,000 buffers': scattered(5000, (i) => 1 + (i % 11)),
};

/** How many system calls of the kind of write(2) this thread has made. */
function writeCalls() {
  const [, count] = /^syscw: (\d+)$/m.exec(fs.readFileSync(THREAD_IO, 'utf8'));
  return Number(count);
}

/**
 * How many of them `write` makes. Now and then the runtime makes one of its
 * own, to wake a thread: what counts is the least of several tries.
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

// A guest that writes to one host descriptor.
class Writer {
  constructor(hostFd, buffered = false) {
    const { guest, memory } = withWrites({ fds: { [FD]: hostFd }, buffered });
    this.guest = guest;
    this.memory = memory;
    memory.grow(16);
    new Uint8Array(memory.buffer).set(pattern(2 ** 20), DATA);
  }

  bytesOf(list) {
    return Buffer.concat(
      list.map(([pointer, length]) =>
        Buffer.from(this.memory.buffer.slice(pointer, pointer + length)),
      ),
    );
  }

  /** Returns the errno. With `offset`, this is fd_pwrite. */
  try(list, offset) {
    putIovs(this.memory, IOVS, list);
    new DataView(this.memory.buffer).setUint32(NWRITTEN, UNTOUCHED, true);
    const errno =
      offset === undefined
        ? this.guest.fd_write(FD, IOVS, list.length, NWRITTEN)
        : this.guest.fd_pwrite(FD, IOVS, list.length, offset, NWRITTEN);
    if (errno !== ERRNO.SUCCESS) assert.equal(this.nwritten, UNTOUCHED);
    return errno;
  }

  get nwritten() {
    return u32(this.memory, NWRITTEN);
  }

  /** Asserts that the call takes all of the list; returns the bytes. */
  write(list, offset) {
    assert.equal(this.try(list, offset), ERRNO.SUCCESS);
    const bytes = this.bytesOf(list);
    assert.equal(this.nwritten, bytes.length);
    return bytes;
  }
}

const SMALL = [
  [DATA, 10],
  [DATA + 20, 30],
];
const EMPTY_LISTS = [
  [],
  [[DATA, 0]],
  [
    [0xffffffff, 0],
    [DATA, 0],
  ],
];

// Both calls, with an offset for the one that takes it.
const CALLS = [
  ['fd_write', undefined],
  ['fd_pwrite', 0n],
];

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

  // The fallback has no call for it, and no more have older kernels: there
  // pwrite(2) appends.
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

describe('A pipe', () => {
  const host = useHostFiles();

  for (const blocking of [true, false]) {
    const kind = blocking ? 'blocking' : 'non-blocking';

    for (const [name, list] of Object.entries(LISTS)) {
      it(`that is ${kind} takes ${name}`, () => {
        const { reader, writer } = host.pipe({ blocking });
        const bytes = new Writer(writer).write(list);
        assertSameBytes(readAvailable(reader), bytes);
      });
    }

    it(`that is ${kind} gives PIPE when its reader is gone`, () => {
      const { reader, writer: hostFd } = host.pipe({ blocking });
      const writer = new Writer(hostFd);
      const bytes = writer.write(SMALL);
      assertSameBytes(readAvailable(reader), bytes);
      host.close(reader);
      assert.equal(writer.try(SMALL), ERRNO.PIPE);
      assert.equal(writer.try(LISTS['5,000 buffers']), ERRNO.PIPE);
    });

    it(`that is ${kind} gives SPIPE for fd_pwrite`, () => {
      const { reader, writer: hostFd } = host.pipe({ blocking });
      const writer = new Writer(hostFd);
      for (const list of [SMALL, LISTS['5,000 buffers']]) {
        assert.equal(writer.try(list, 0n), ERRNO.SPIPE);
      }
      assert.equal(readAvailable(reader).length, 0);
      writer.write(SMALL);
    });

    it(`that is ${kind} and full takes a write of no bytes`, () => {
      const { filler, writer: hostFd } = host.pipe({ blocking });
      fill(filler);
      const writer = new Writer(hostFd);
      for (const list of EMPTY_LISTS) writer.write(list);
    });
  }

  // A pipe on stdout is what it was when the process began, until
  // process.stdout is touched: that makes it non-blocking.
  for (const through of ['WASI', 'createWrites']) {
    for (const touch of [false, true]) {
      const kind = touch ? 'non-blocking' : 'blocking';

      for (const buffers of [1, 5000]) {
        it(
          `that is ${kind} gets 1,000,000 bytes past a slow reader, ` +
            `from one call of ${through} with a list of ${buffers}`,
          () => {
            const { notes, received } = writeToPipe(
              host,
              {
                through,
                touch,
                calls: 1,
                size: 1_000_000,
                buffers,
              },
              'slow',
            );
            assert.deepEqual(notes, {
              kind: 'pipe',
              nonblock: touch,
              nonblockAfter: touch,
              short: 0,
              again: 0,
              touchedOnError: 0,
              written: 1_000_000,
              errno: 0,
            });
            assertSameBytes(received, pattern(1_000_000));
          },
        );
      }

      it(
        `that is ${kind} gives ${through} a short count, then PIPE, when ` +
          'its reader goes in the middle',
        () => {
          const { notes, received } = writeToPipe(
            host,
            {
              through,
              touch,
              calls: 1,
              size: 1_000_000,
            },
            'part',
            '100000',
          );
          const { written, ...rest } = notes;
          assert.deepEqual(rest, {
            kind: 'pipe',
            nonblock: touch,
            nonblockAfter: touch,
            short: 1,
            again: 0,
            touchedOnError: 0,
            errno: ERRNO.PIPE,
          });
          assert.ok(written >= 100_000 && written < 1_000_000, `${written}`);
          assertSameBytes(received, pattern(100_000));
        },
      );
    }
  }
});

describe('A Unix socket', () => {
  const host = useHostFiles();

  for (const through of ['WASI', 'createWrites']) {
    for (const touch of [false, true]) {
      const kind = touch ? 'non-blocking' : 'blocking';

      for (const options of [
        { calls: 1, size: 1_000_000, buffers: 5000 },
        { calls: 1000, size: 1000 },
      ]) {
        it(
          `that is ${kind} gets all of ${JSON.stringify(options)} from ` +
            through,
          async () => {
            const { notes, received } = await writeToSocket(host, {
              through,
              touch,
              ...options,
            });
            assert.deepEqual(notes, {
              kind: 'socket',
              nonblock: touch,
              nonblockAfter: touch,
              short: 0,
              again: 0,
              touchedOnError: 0,
              written: 1_000_000,
              errno: 0,
            });
            assertSameBytes(received, pattern(1_000_000));
          },
        );
      }

      it(`that is ${kind} gives ${through} PIPE when its reader is gone`, async () => {
        const { notes } = await writeToClosedSocket(host, {
          through,
          touch,
          calls: 1,
          size: 10,
        });
        assert.deepEqual(notes, {
          kind: 'socket',
          nonblock: touch,
          nonblockAfter: touch,
          short: 0,
          again: 0,
          touchedOnError: 0,
          written: 0,
          errno: ERRNO.PIPE,
        });
      });

      it(`that is ${kind} tells ${through} when its reader goes in the middle`, async () => {
        const { notes, received } = await writeToSocket(
          host,
          { through, touch, calls: 1000, size: 10_000 },
          1,
        );
        assert.equal(notes.kind, 'socket');
        // Who waits for room when bytes that nobody read are thrown away is
        // told of a reset; who comes later finds the socket shut.
        assert.ok(
          [ERRNO.PIPE, ERRNO.CONNRESET].includes(notes.errno),
          `errno ${notes.errno}`,
        );
        assert.ok(notes.written >= received.length);
        assertSameBytes(received, pattern(received.length));
      });
    }
  }
});

describe('A terminal', () => {
  const host = useHostFiles();

  for (const through of ['WASI', 'createWrites']) {
    for (const way of ['blocking', 'nonblocking']) {
      for (const options of [
        { calls: 1, size: 100_000, buffers: 1500 },
        { calls: 100, size: 1000 },
      ]) {
        it(
          `that is ${way} gets all of ${JSON.stringify(options)} from ` +
            through,
          () => {
            const { notes, received } = writeToTerminal(
              host,
              { through, touch: false, ...options },
              way,
            );
            const nonblock = way === 'nonblocking';
            assert.deepEqual(notes, {
              kind: 'terminal',
              nonblock,
              nonblockAfter: nonblock,
              short: 0,
              again: 0,
              touchedOnError: 0,
              written: 100_000,
              errno: 0,
            });
            assertSameBytes(received, pattern(100_000));
          },
        );
      }
    }

    it(`gives ${through} IO when the other side is gone`, () => {
      const { notes } = writeToTerminal(
        host,
        { through, touch: false, calls: 1, size: 10 },
        'gone',
      );
      assert.equal(notes.errno, ERRNO.IO);
      assert.equal(notes.touchedOnError, 0);
    });
  }
});

describe('A device', () => {
  const host = useHostFiles();

  for (const [call, offset] of CALLS) {
    for (const [name, list] of Object.entries(LISTS)) {
      it(`/dev/null takes ${name} with ${call}`, () => {
        new Writer(host.open('/dev/null', 'w')).write(list, offset);
      });

      itWithFull(`/dev/full gives NOSPC for ${name} with ${call}`, () => {
        const writer = new Writer(host.open(FULL, 'w'));
        assert.equal(writer.try(list, offset), ERRNO.NOSPC);
      });
    }

    itWithFull(`/dev/full takes a ${call} of no bytes`, () => {
      const writer = new Writer(host.open(FULL, 'w'));
      for (const list of EMPTY_LISTS) writer.write(list, offset);
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
    '/dev/null open for reading': () => host.open('/dev/null', 'r'),
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
