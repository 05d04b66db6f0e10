'use strict';

// Many descriptors, buffers and bytes, and too little memory.

const assert = require('node:assert/strict');
const { execFileSync, spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { ERRNO } = require('../../lib/preview1');
const { describeNative } = require('../helpers/buffering');
const { assertSameBytes, pattern } = require('../helpers/bytes');
const { itWithProc } = require('../helpers/descriptors');
const { useFaults } = require('../helpers/faults');
const { putIovs, u32, withWASI, withWrites } = require('../helpers/guest');
const { useHostFiles } = require('../helpers/host-files');
const { commandLine } = require('../helpers/in-child');
const { Session } = require('../helpers/session');

const GIB = 2 ** 30;

/** The output of a command under limits set by the shell. */
function withLimit(limit, [command, ...args], env) {
  const { error, status, stdout, stderr } = spawnSync(
    'sh',
    ['-c', `${limit} && exec "$0" "$@"`, command, ...args],
    {
      cwd: path.join(__dirname, '..', 'helpers'),
      encoding: 'utf8',
      env: { ...process.env, ...env },
    },
  );
  assert.ifError(error);
  assert.equal(status, 0, stderr);
  return JSON.parse(stdout);
}

describe('A process with very many descriptors', () => {
  const host = useHostFiles();
  const faults = useFaults();
  const FILES = 10;
  const WANTED = 50_000;
  // As many as allowed, if that is less.
  const OTHERS = 200;
  const limit = execFileSync('sh', ['-c', 'ulimit -Hn'], { encoding: 'utf8' });
  const count =
    limit.trim() === 'unlimited'
      ? WANTED
      : Math.min(WANTED, Number(limit) - OTHERS);

  for (const hint of [true, false]) {
    const how = hint ? 'by its number' : 'among all';

    it(`has each file of a guest found ${how}: ${count} descriptors`, () => {
      const stats = withLimit(
        `ulimit -n ${count + OTHERS}`,
        [
          process.execPath,
          '--no-warnings',
          '../fixtures/many-descriptors.js',
          host.path(''),
          String(count),
          String(FILES),
          String(hint),
        ],
        faults.env,
      );
      for (let i = 0; i < FILES; i++) {
        assert.equal(host.read(`file ${i}`), `file ${i}`);
      }
      assert.deepEqual(stats, { calls: FILES, bytes: 6 * FILES });
    });
  }
});

describe('A run with too few descriptors', () => {
  const TOOL = path.join(__dirname, '..', 'guests', 'toolbox.wasm');

  // Runs in a process: the free descriptors before and after each run, and how it
  // ended.
  async function runWithFew(file) {
    const fs = require('node:fs');
    const { run } = require('../..');
    const module = new WebAssembly.Module(fs.readFileSync(file));
    const options = { stdin: 'text', stdout: 'ignore', stderr: 'ignore' };
    await run(module, options);
    const held = [];
    const fill = () => {
      const before = held.length;
      try {
        for (;;) held.push(fs.openSync('/dev/null'));
      } catch {
        return held.length - before;
      }
    };
    fill();
    const ends = [];
    for (let free = 0; free < 8; free++) {
      for (const fd of held.splice(0, free)) fs.closeSync(fd);
      const end = await run(module, options).then(
        () => 'ran',
        ({ code }) => code,
      );
      ends.push({ free, end, left: fill() });
    }
    console.log(JSON.stringify(ends));
  }

  itWithProc('leaves none open', () => {
    const ends = withLimit('ulimit -n 256', commandLine(runWithFew, [TOOL]));
    for (const { free, left } of ends) assert.equal(left, free);
    assert.deepEqual(
      [...new Set(ends.map(({ end }) => end))],
      ['EMFILE', 'ran'],
    );
  });
});

describeNative('A process without the memory for a large bufferSize', () => {
  // Runs in a process: the error, and how many descriptors of /dev/null, which stand
  // for a capture, are left open.
  function construct(way) {
    const fs = require('node:fs');
    const { WASI, createWrites, runSync } = require('../..');
    const options = { buffered: true, bufferSize: 2 ** 30 };
    const countOpen = () =>
      fs.readdirSync('/proc/self/fd').filter((fd) => {
        try {
          return fs.readlinkSync(`/proc/self/fd/${fd}`) === '/dev/null';
        } catch {
          return false; // the descriptor that the directory was read through
        }
      }).length;
    const before = countOpen();
    const ways = {
      WASI: () =>
        new WASI({ version: 'preview1', stdout: 'capture', ...options }),
      createWrites: () => createWrites(options),
      runSync: () => runSync('../guests/command.wasm', options),
    };
    let thrown;
    try {
      ways[way]();
    } catch ({ name, code, message }) {
      thrown = { name, code, message };
    }
    console.log(JSON.stringify({ thrown, left: countOpen() - before }));
  }

  for (const way of ['WASI', 'createWrites', 'runSync']) {
    itWithProc(`is told so by ${way}, and nothing stays open`, () => {
      const { thrown, left } = withLimit(
        'ulimit -d 600000',
        commandLine(construct, [way]),
      );
      assert.deepEqual(thrown, {
        name: 'RangeError',
        code: 'ERR_MEMORY_ALLOCATION_FAILED',
        message: 'There is no memory for options.bufferSize: 1073741824 bytes',
      });
      assert.equal(left, 0);
    });
  }
});

describe('A process without the memory to let a guest grow in place', () => {
  // The first call delivers its bytes to a function that moves the memory, then
  // stores its result there.
  function growMeanwhile() {
    const { WASI } = require('../..');
    const memory = new WebAssembly.Memory({ initial: 1 });
    const stdout = () => memory.grow(4000);
    const wasi = new WASI({ version: 'preview1', buffered: true, stdout });
    wasi.finalizeBindings({ exports: {} }, { memory });
    const { fd_write, fd_fdstat_get } = wasi.wasiImport;
    new Uint32Array(memory.buffer).set([100, 5]);
    const errnos = [fd_write(1, 0, 1, 16), fd_fdstat_get(1, 40_000)];
    const [type] = new Uint8Array(memory.buffer, 40_000);
    console.log(JSON.stringify({ errnos, type }));
  }

  it('has the results of a call in the memory that was moved', () => {
    const flags = ['--disable-wasm-trap-handler', '--max-old-space-size=100'];
    const [node, ...args] = commandLine(growMeanwhile);
    const result = withLimit('ulimit -v 2000000', [node, ...flags, ...args]);
    assert.deepEqual(result, { errnos: [0, 0], type: 6 });
  });
});

describeNative(
  'A process without the memory for the table of a high fd',
  () => {
    function mapHigh() {
      const { execFileSync } = require('node:child_process');
      const fs = require('node:fs');
      const { createWrites } = require('../..');
      const memory = new WebAssembly.Memory({ initial: 1 });
      const writes = createWrites({ memory });
      const fd = 2 ** 20 - 1; // 8 MiB of pointers
      const status = fs.readFileSync('/proc/self/status', 'utf8');
      const used = Number(/VmData:\s+(\d+) kB/.exec(status)[1]) * 1024;
      const limit = used + 4 * 2 ** 20;
      execFileSync('prlimit', ['--pid', process.pid, `--data=${limit}`]);
      let thrown;
      try {
        writes.map(fd, 1);
      } catch ({ code, message }) {
        thrown = { code, message };
      }
      console.log(
        JSON.stringify({ thrown, errno: writes.fd_write(fd, 0, 0, 8) }),
      );
    }

    itWithProc('gets an error from map()', () => {
      const { thrown, errno } = withLimit('true', commandLine(mapHigh));
      assert.deepEqual(thrown, {
        code: 'ENOMEM',
        message: 'ENOMEM: the fd 1048575 of a guest could not be opened',
      });
      assert.equal(errno, ERRNO.BADF);
    });
  },
);

describe('A list of 100,000 buffers', () => {
  const host = useHostFiles();
  const COUNT = 100_000;
  const IOVS = 65536;
  const DATA = IOVS + 8 * COUNT;

  // Buffers of 0 to 6 bytes with gaps.
  const lengths = Array.from({ length: COUNT }, (_, i) => (i * 7919) % 7);
  const total = lengths.reduce((sum, length) => sum + length, 0);
  const memorySize = DATA + 8 * COUNT;

  function prepare(memory) {
    memory.grow(Math.ceil(memorySize / 65536) - 2);
    const whole = pattern(total);
    const view = Buffer.from(memory.buffer);
    let from = 0;
    const list = lengths.map((length, i) => {
      const at = DATA + 8 * i;
      whole.copy(view, at, from, from + length);
      from += length;
      return [at, length];
    });
    return { list, whole };
  }

  /** Writes all of it with repeated calls. Returns how many. */
  function writeAll(memory, list, write) {
    let left = list;
    let calls = 0;
    while (left.length > 0) {
      putIovs(memory, IOVS, left);
      assert.equal(write(IOVS, left.length), ERRNO.SUCCESS);
      calls++;
      let count = u32(memory, 0);
      assert.ok(count > 0);
      let first = 0;
      while (first < left.length && count >= left[first][1]) {
        count -= left[first++][1];
      }
      left = left.slice(first);
      if (count > 0) left[0] = [left[0][0] + count, left[0][1] - count];
    }
    return calls;
  }

  for (const buffered of [false, true]) {
    for (const bufferSize of buffered ? [100, 65536, 2 ** 20] : [65536]) {
      const how = buffered ? `with a buffer of ${bufferSize}` : 'unbuffered';

      it(`is written whole to a file of the host, ${how}`, () => {
        const { guest, memory, writes } = withWrites({
          fds: { 1: host.open('file', 'w') },
          buffered,
          bufferSize,
        });
        const { list, whole } = prepare(memory);
        writeAll(memory, list, (at, count) => guest.fd_write(1, at, count, 0));
        writes.flush();
        assertSameBytes(fs.readFileSync(host.path('file')), whole);
      });

      it(`is written whole to a file of the guest, ${how}`, () => {
        const session = new Session(
          withWASI({ preopens: { '/': host.path('') }, buffered, bufferSize }),
        );
        const { guest, memory } = session;
        const fd = session.open('file');
        const { list, whole } = prepare(memory);
        writeAll(memory, list, (at, count) => guest.fd_write(fd, at, count, 0));
        session.close(fd);
        assertSameBytes(fs.readFileSync(host.path('file')), whole);
      });
    }
  }
});

describe('A write of gigabytes', () => {
  const host = useHostFiles();

  for (const buffered of [false, true]) {
    for (const lengths of [
      [2 * GIB],
      [2 * GIB, GIB, GIB - 1],
      Array(1500).fill(2 ** 21),
    ]) {
      const total = lengths.reduce((sum, length) => sum + length, 0);

      it(`is one call for the guest: ${total} bytes in ${lengths.length}, buffered: ${buffered}`, () => {
        const { guest, memory, writes } = withWrites(
          { fds: { 1: host.open('/dev/null', 'w') }, buffered },
          'calls-4gib',
        );
        putIovs(
          memory,
          64,
          lengths.map((length) => [GIB, length]),
        );
        assert.equal(guest.fd_write(1, 64, lengths.length, 0), ERRNO.SUCCESS);
        assert.equal(u32(memory, 0), total);
        writes.flush();
      });
    }
  }
});
