'use strict';

// The order of writes to several fds, and of writes and waits.

const assert = require('node:assert/strict');
const { spawn, spawnSync } = require('node:child_process');
const { once } = require('node:events');
const path = require('node:path');
const { Writable } = require('node:stream');
const { withWASI, withWrites } = require('../helpers/guest');
const { readAvailable, useHostFiles } = require('../helpers/host-files');
const { commandLine } = require('../helpers/in-child');
const { Random } = require('../helpers/random');
const { Session } = require('../helpers/session');

const STDOUT = 1;
const STDERR = 2;
const WRITES = 300;
const MODES = [true, 'auto', false];
const SIZES = [1, 16, 65536];

const HELPERS = path.join(__dirname, '..', 'helpers');

const THROUGH = {
  WASI(target, options) {
    const { wasi, ...started } = withWASI({
      stdout: target,
      stderr: target,
      ...options,
    });
    return { session: new Session(started), flush: () => wasi.flush() };
  },

  createWrites(target, options) {
    const { writes, ...started } = withWrites({
      fds: { [STDOUT]: target, [STDERR]: target },
      ...options,
    });
    return { session: new Session(started), flush: () => writes.flush() };
  },
};

/** The fd and text of each write: mostly lines, parts and blocks on stdout. */
function script(seed) {
  const random = new Random(seed);
  return Array.from({ length: WRITES }, (_, i) => [
    random.oneIn(4) ? STDERR : STDOUT,
    `${i} `.repeat(random.oneIn(10) ? 50 : random.between(0, 3)),
  ]);
}

describe('Stdout and stderr in one place', () => {
  const host = useHostFiles();

  // Each returns a target, and a function that reads its output.
  const places = {
    'a pipe'() {
      const { reader, writer } = host.pipe({ blocking: true });
      let received = '';
      return {
        target: writer,
        seen: () => (received += readAvailable(reader)),
      };
    },

    'a file': () => ({
      target: host.open('out', 'w'),
      seen: () => host.read('out'),
    }),

    'a file opened to append': () => ({
      target: host.open('out', 'a'),
      seen: () => host.read('out'),
    }),

    'a function'() {
      const chunks = [];
      return {
        target: (chunk) => chunks.push(chunk),
        seen: () => Buffer.concat(chunks).toString(),
      };
    },

    'a Writable'() {
      let received = '';
      const target = new Writable({
        write(chunk, encoding, done) {
          received += chunk;
          done();
        },
      });
      return { target, seen: () => received };
    },
  };

  for (const [way, start] of Object.entries(THROUGH)) {
    for (const [place, open] of Object.entries(places)) {
      for (const buffered of MODES) {
        for (const bufferSize of SIZES) {
          it(
            `are in order in ${place}, by ${way}, with buffered: ` +
              `${buffered}, bufferSize: ${bufferSize}`,
            () => {
              const { target, seen } = open();
              const { session, flush } = start(target, {
                buffered,
                bufferSize,
              });
              let expected = '';
              for (const [fd, text] of script(bufferSize)) {
                session.write(fd, text);
                expected += text;
                // stderr is never buffered, and it is preceded by a flush.
                if (fd === STDERR && text !== '')
                  assert.equal(seen(), expected);
              }
              flush();
              assert.equal(seen(), expected);
            },
          );
        }
      }
    }
  }

  it('are in order in a pipe, as a process', async () => {
    const command = commandLine(() => {
      const { withWASI } = require('./guest');
      const { Session } = require('./session');
      const session = new Session(withWASI({ buffered: true }));
      for (let i = 0; i < 500; i++) {
        session.write([3, 4, 8].includes(i % 10) ? 2 : 1, `${i}\n`);
      }
    });
    const child = spawn('sh', ['-c', '"$@" 2>&1 | cat', 'sh', ...command], {
      cwd: HELPERS,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const chunks = [];
    child.stdout.on('data', (chunk) => chunks.push(chunk));
    assert.deepEqual(await once(child, 'close'), [0, null]);
    assert.equal(
      Buffer.concat(chunks).toString(),
      Array.from({ length: 500 }, (_, i) => `${i}\n`).join(''),
    );
  });
});

describe('Several fds', () => {
  for (const bufferSize of SIZES) {
    it(`have their writes in order with bufferSize: ${bufferSize}`, () => {
      const random = new Random(bufferSize);
      const seen = [];
      const fds = {};
      for (const fd of [0, STDOUT, STDERR, 3, 9]) {
        fds[fd] = (chunk) => seen.push([fd, Buffer.from(chunk).toString()]);
      }
      const { writes, ...started } = withWrites({
        fds,
        buffered: true,
        bufferSize,
      });
      const session = new Session(started);
      const expected = [];
      for (let i = 0; i < WRITES; i++) {
        const fd = Number(random.pick(Object.keys(fds)));
        const text = `${i} `.repeat(random.between(1, 4));
        session.write(fd, text);
        expected.push([fd, text]);
      }
      writes.flush();
      assert.deepEqual(joined(seen), joined(expected));
    });
  }

  /** Joins the chunks that one fd got in a row. */
  function joined(chunks) {
    const rows = [];
    for (const [fd, text] of chunks) {
      if (rows.at(-1)?.[0] === fd) rows.at(-1)[1] += text;
      else rows.push([fd, text]);
    }
    return rows;
  }
});

describe('A prompt without a newline is out', () => {
  // Each runs as a process, in test/helpers.
  const programs = {
    'before fd_read waits': (buffered) => {
      const { withWASI } = require('./guest');
      const { Session } = require('./session');
      const session = new Session(withWASI({ buffered }));
      session.write(1, 'name');
      session.write(1, '? ');
      session.write(1, `hello, ${session.read(0, 100)}`);
    },

    'before poll_oneoff waits': (buffered) => {
      const { withWASI } = require('./guest');
      const { Session } = require('./session');
      const { guest, memory, wasi } = withWASI({ buffered });
      const session = new Session({ guest, memory, wasi });
      session.write(1, 'name');
      session.write(1, '? ');
      const data = new DataView(memory.buffer);
      data.setUint8(20008, 1); // fd_read of fd 0
      if (guest.poll_oneoff(20000, 20100, 1, 16) !== 0) process.exit(1);
      session.write(1, `hello, ${session.read(0, 100)}`);
    },

    'before a program in C waits': (buffered) => {
      const { WASI } = require('../..');
      const { compile } = require('./guest');
      const wasi = new WASI({
        version: 'preview1',
        args: ['libc', 'prompt'],
        buffered,
      });
      process.exitCode = wasi.start(
        new WebAssembly.Instance(compile('libc'), wasi.getImportObject()),
      );
    },

    // This lets the event loop run.
    'before the host waits': (buffered) => {
      const { withWASI } = require('./guest');
      const { Session } = require('./session');
      const session = new Session(withWASI({ buffered }));
      session.write(1, 'name? ');
      process.stdin.once('data', (data) => {
        session.write(1, `hello, ${data}`);
        process.stdin.destroy();
      });
    },
  };

  for (const [title, program] of Object.entries(programs)) {
    for (const way of ['pipe', 'terminal']) {
      for (const buffered of [true, 'auto']) {
        it(`${title}, on a ${way}, with buffered: ${buffered}`, () => {
          const { status, stdout } = spawnSync(
            'python3',
            [
              '../fixtures/answer.py',
              way,
              'name? ',
              'World',
              ...commandLine(program, [buffered]),
            ],
            {
              cwd: HELPERS,
              encoding: 'utf8',
              stdio: ['ignore', 'pipe', 'inherit'],
              timeout: 60_000,
            },
          );
          assert.deepEqual(
            { status, stdout: stdout.trimEnd() },
            { status: 0, stdout: 'name? hello, World' },
          );
        });
      }
    }
  }
});
