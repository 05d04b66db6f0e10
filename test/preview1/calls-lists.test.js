'use strict';

// Lists, paths and subscriptions of any length must not end the process.

const assert = require('node:assert/strict');
const { spawnSync } = require('node:child_process');
const path = require('node:path');
const { engine } = require('../..');
const { ERRNO } = require('../../lib/preview1');
const {
  ERRNOS,
  closeAll,
  makeCall,
  makeFiles,
} = require('../helpers/all-calls');
const { assertSameBytes } = require('../helpers/bytes');
const { putIovs, u32, withWASI } = require('../helpers/guest');
const { useHostFiles } = require('../helpers/host-files');
const { PREOPEN, RIGHTS, Session } = require('../helpers/session');
const { useTempDir } = require('../helpers/temp');
const { pointersOutside } = require('../helpers/pointers');
const { isWindows } = require('../helpers/windows');

const PAGE = 65536;
const SIZE = 2 * PAGE;
const GIB = 2 ** 30;

const IOVS = 64;
const RESULT = 49152; // after the longest list
const RESULT_FLAGS = RESULT + 8;
const PATH = PAGE - 1024;
const DATA = PAGE;

const FILE = 4;
const SHUT_WR = 2;
const TEXT = Buffer.alloc(6000, '0123456789');

// Node, in the fallback, says OVERFLOW.
const OUTSIDE = engine === 'native' ? ERRNO.FAULT : ERRNO.OVERFLOW;

const hex = (value) => `0x${value.toString(16)}`;

/**
 * Runs test/fixtures/hostile.js, which must survive. Returns its output. The limit
 * makes calls that take gigabytes fail before the machine suffers.
 */
function callInProcess(options, stdio = ['ignore', 'ignore']) {
  const limited = `ulimit -d ${(6 * GIB) / 1024}; exec "$0" "$@"`;
  const [program, ...args] = [
    ...(isWindows ? [] : ['sh', '-c', limited]),
    process.execPath,
    '--no-warnings',
    path.join(__dirname, '..', 'fixtures', 'hostile.js'),
    JSON.stringify(options),
  ];
  const { error, output, signal, status } = spawnSync(program, args, {
    stdio: [...stdio, 'inherit', 'pipe'],
  });
  assert.ifError(error);
  assert.deepEqual({ signal, status }, { signal: null, status: 0 });
  return JSON.parse(output[3]);
}

/** A list of [pointer, length] at `at`, as `puts` of `callInProcess`. */
function listAt(at, list) {
  const words = list.flat();
  const bytes = Buffer.alloc(4 * words.length);
  words.forEach((word, i) => bytes.writeUInt32LE(word, 4 * i));
  return [at, bytes.toString('hex')];
}

const textAt = (at, text) => [at, Buffer.from(text).toString('hex')];

const OPEN_FILE = [
  'path_open',
  PREOPEN,
  0,
  PATH,
  'file'.length,
  0,
  String(RIGHTS.FILE),
  '0',
  0,
  RESULT,
];

/** The calls with a list, with their arguments in the same order. */
const LIST_CALLS = {
  fd_read: (iovs, length) => ['fd_read', FILE, iovs, length, RESULT],
  fd_pread: (iovs, length) => ['fd_pread', FILE, iovs, length, '0', RESULT],
  sock_recv: (iovs, length) => [
    'sock_recv',
    PREOPEN,
    iovs,
    length,
    0,
    RESULT,
    RESULT_FLAGS,
  ],
  sock_send: (iovs, length) => ['sock_send', PREOPEN, iovs, length, 0, RESULT],
};

describe('Lists to read into', () => {
  const temp = useTempDir();
  let guest;
  let session;

  beforeEach(() => {
    temp.write('file', TEXT);
    guest = withWASI({ preopens: { '/': temp.path('.') } });
    session = new Session(guest);
    assert.equal(session.open('file'), FILE);
  });
  afterEach(() => closeAll(guest));

  for (const name of ['fd_read', 'fd_pread']) {
    const read = (list) => {
      putIovs(guest.memory, IOVS, list);
      const [, ...values] = LIST_CALLS[name](IOVS, list.length);
      return makeCall(guest, name, values);
    };

    for (const length of [0, 1, 1023, 1024, 1025, 5000]) {
      const count = Math.min(length, 1024);
      it(`fill ${count} of ${length} buffers of a byte: ${name}`, () => {
        const before = Buffer.from(guest.memory.buffer.slice(DATA));
        const list = Array.from({ length }, (_, i) => [DATA + 2 * i, 1]);
        assert.equal(read(list), ERRNO.SUCCESS);
        assert.equal(u32(guest.memory, RESULT), count);
        TEXT.subarray(0, count).forEach((byte, i) => {
          before[2 * i] = byte;
        });
        assertSameBytes(Buffer.from(guest.memory.buffer.slice(DATA)), before);
      });
    }

    it(`fill the buffers after 2,000 empty ones: ${name}`, () => {
      const real = [
        [DATA, 5],
        [DATA + 10, 7],
      ];
      assert.equal(read([...Array(2000).fill([0, 0]), ...real]), ERRNO.SUCCESS);
      assert.equal(u32(guest.memory, RESULT), 12);
      const data = Buffer.from(guest.memory.buffer, DATA, 17);
      assert.equal(data.toString(), '01234\0\0\0\0\x005678901');
    });

    it(`with a buffer out of bounds take nothing: ${name}`, () => {
      for (const pointer of pointersOutside(10, SIZE)) {
        for (const list of [
          [
            [pointer, 10],
            [DATA, 10],
          ],
          [
            [DATA, 10],
            [pointer, 10],
          ],
        ]) {
          assert.equal(read(list), OUTSIDE, hex(pointer));
        }
      }
      assert.equal(session.tell(FILE), 0n);
      const data = Buffer.from(guest.memory.buffer, DATA, 10);
      assert.equal(data.toString(), '\0'.repeat(10));
    });
  }
});

describe('Calls that could end the process', () => {
  const host = useHostFiles();

  beforeEach(() => makeFiles(host.path('.')));

  const run = (options, stdio) =>
    callInProcess(
      { guest: 'calls', directory: host.path('.'), ...options },
      stdio,
    );

  // DATA after the calls on a list as large as the memory. The list itself is in
  // DATA, so its bytes are elements too. Node reads only 1,024 of them.
  const READ =
    engine === 'native'
      ? { fd_read: '012345', fd_pread: '012012' }
      : { fd_read: '678945', fd_pread: '012012' };

  for (const [name, values] of Object.entries(LIST_CALLS)) {
    it(`give FAULT for a list larger than memory: ${name}`, () => {
      // Multiplied by the element size, these are small in 32 bits.
      const lengths = [
        0x1fffffff, 0x20000000, 0x20000001, 0x80000001, 0xffffffff,
      ];
      const { errnos } = run({
        puts: [textAt(PATH, 'file')],
        calls: [OPEN_FILE, ...lengths.map((length) => values(IOVS, length))],
      });
      assert.deepEqual(errnos, [
        ERRNO.SUCCESS,
        ...lengths.map(() => ERRNOS[name] ?? ERRNO.FAULT),
      ]);
    });

    it(`take the start of a list as large as memory: ${name}`, () => {
      const errno = ERRNOS[name] ?? ERRNO.SUCCESS;
      const { errnos, shown } = run({
        guest: 'calls-4gib',
        puts: [
          listAt(0, [
            [DATA, 3],
            [0, 0],
            [DATA + 3, 3],
          ]),
          textAt(PATH, 'file'),
          textAt(DATA, 'before'),
        ],
        calls: [
          OPEN_FILE,
          values(0, 0x1fffffff),
          values(0, 0x20000000),
          values(8, 0x1fffffff),
          values(8, 0x20000000),
          values(0, 0x20000001),
        ],
        show: [DATA, 6],
      });
      assert.deepEqual(errnos, [
        ERRNO.SUCCESS,
        errno,
        errno,
        errno,
        ERRNOS[name] ?? ERRNO.FAULT,
        ERRNOS[name] ?? ERRNO.FAULT,
      ]);
      assert.equal(
        Buffer.from(shown, 'hex').toString(),
        READ[name] ?? 'before',
      );
    });
  }

  it('give FAULT for subscriptions larger than memory', () => {
    // Multiplied by the size of a subscription or an event, these are small in 32
    // bits.
    const counts = [
      0x05555556, 0x08000000, 0x0aaaaaab, 0x10000000, 0x55555556, 0xffffffff,
    ];
    const { errnos } = run({
      calls: [0, ...counts].map((count) => [
        'poll_oneoff',
        IOVS,
        DATA,
        count,
        RESULT,
      ]),
    });
    assert.deepEqual(errnos, [ERRNO.INVAL, ...counts.map(() => ERRNO.FAULT)]);
  });

  it('give INVAL for subscriptions that fill 4 GiB', () => {
    const { errnos } = run({
      guest: 'calls-4gib',
      calls: [['poll_oneoff', 0, 0, 0x05555555, RESULT]],
    });
    assert.deepEqual(errnos, [ERRNO.INVAL]);
  });

  it('give an event for each descriptor that is not open', () => {
    const [READ, WRITE] = [1, 2]; // eventtype
    const subscriptions = new DataView(new ArrayBuffer(96));
    const events = new DataView(new ArrayBuffer(64));
    for (const [i, [type, fd]] of [
      [READ, 98],
      [WRITE, 99],
    ].entries()) {
      subscriptions.setBigUint64(48 * i, 77n + BigInt(i), true); // userdata
      subscriptions.setUint8(48 * i + 8, type);
      subscriptions.setUint32(48 * i + 16, fd, true);
      events.setBigUint64(32 * i, 77n + BigInt(i), true);
      events.setUint16(32 * i + 8, ERRNO.BADF, true);
      events.setUint8(32 * i + 10, type);
    }
    const { errnos, shown } = run({
      puts: [[IOVS, Buffer.from(subscriptions.buffer).toString('hex')]],
      calls: [['poll_oneoff', IOVS, DATA, 2, DATA + 64]],
      show: [DATA, 68],
    });
    assert.deepEqual(errnos, [ERRNO.SUCCESS]);
    assert.equal(
      shown,
      `${Buffer.from(events.buffer).toString('hex')}02000000`,
    );
  });

  it('give NOTSOCK on a stdin and a stdout that are pipes', () => {
    const { reader, writer } = host.pipe({ blocking: true });
    const calls = [0, 1].flatMap((fd) => [
      ['sock_accept', fd, 0, RESULT],
      ['sock_recv', fd, IOVS, 1, 0, RESULT, RESULT_FLAGS],
      ['sock_send', fd, IOVS, 1, 0, RESULT],
      ['sock_shutdown', fd, SHUT_WR],
    ]);
    const { errnos } = run({ puts: [listAt(IOVS, [[DATA, 4]])], calls }, [
      reader,
      writer,
    ]);
    assert.deepEqual(
      errnos,
      calls.map(() => ERRNO.NOTSOCK),
    );
  });

  (engine === 'native' ? it : it.skip)(
    'work on a stdout that is a socket',
    () => {
      const { errnos } = run(
        {
          puts: [listAt(IOVS, [[DATA, 4]])],
          calls: [
            ['sock_accept', 1, 0, RESULT],
            ['sock_send', 1, IOVS, 1, 0, RESULT],
            ['sock_shutdown', 1, 4],
            ['sock_shutdown', 1, SHUT_WR],
            ['sock_send', 1, IOVS, 1, 0, RESULT],
          ],
        },
        ['pipe', 'pipe'], // sockets, as spawnSync makes them
      );
      const { INVAL, PIPE, SUCCESS } = ERRNO;
      assert.deepEqual(errnos, [INVAL, SUCCESS, INVAL, SUCCESS, PIPE]);
    },
  );

  // The calls with paths, where the paths end at `end`.
  function pathCalls(end) {
    const puts = [];
    let at = end;
    const pathOf = (text) => {
      at -= text.length;
      puts.push(textAt(at, text));
      return [at, text.length];
    };
    const calls = {
      path_create_directory: () => [PREOPEN, ...pathOf('created')],
      path_filestat_get: () => [PREOPEN, 0, ...pathOf('file'), RESULT],
      path_filestat_set_times: () => [
        PREOPEN,
        0,
        ...pathOf('file'),
        '0',
        '0',
        5,
      ],
      path_link: () => [
        PREOPEN,
        0,
        ...pathOf('file'),
        PREOPEN,
        ...pathOf('linked'),
      ],
      path_open: () => [PREOPEN, 0, ...pathOf('file'), 0, '2', '0', 0, RESULT],
      path_readlink: () => [PREOPEN, ...pathOf('symlink'), DATA, 16, RESULT],
      path_remove_directory: () => [PREOPEN, ...pathOf('removed')],
      path_rename: () => [
        PREOPEN,
        ...pathOf('to rename'),
        PREOPEN,
        ...pathOf('renamed'),
      ],
      path_symlink: () => [...pathOf('file'), PREOPEN, ...pathOf('symlinked')],
      path_unlink_file: () => [PREOPEN, ...pathOf('unlinked')],
    };
    return { calls, puts };
  }

  it('find paths with no NUL in the rest of memory', () => {
    const { calls, puts } = pathCalls(SIZE - 1000);
    const made = Object.entries(calls).map(([name, values]) => [
      name,
      ...values(),
    ]);
    const { errnos } = run({ fill: 0x61, puts, calls: made });
    assert.deepEqual(
      errnos,
      made.map(() => ERRNO.SUCCESS),
    );
  });

  for (const name of Object.keys(pathCalls(0).calls)) {
    it(`find a path that ends with the memory: ${name}`, () => {
      const { calls, puts } = pathCalls(SIZE);
      const values = calls[name]();
      const { errnos } = run({ fill: 0x61, puts, calls: [[name, ...values]] });
      assert.deepEqual(errnos, [ERRNO.SUCCESS]);
    });
  }
});
