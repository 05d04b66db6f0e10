'use strict';

// The streams of the command: buffering, closed readers, signals and the trace.

const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const { once } = require('node:events');
const fs = require('node:fs');
const path = require('node:path');
const { setTimeout } = require('node:timers/promises');
const { engine } = require('../..');
const { assertSameBytes, pattern } = require('../helpers/bytes');
const {
  CLI,
  EXCEPTIONS,
  TOOLBOX,
  TRAPPED,
  command,
  start,
  toolbox,
} = require('../helpers/cli');
const { FULL, itWithFull } = require('../helpers/full');
const { itWith } = require('../helpers/installed');
const { readAvailable, useHostFiles } = require('../helpers/host-files');
const { withSlashes } = require('../helpers/windows');

const PIPE_CLOSED = 141;

/** Runs a line of a shell in which `wasi` is the command. */
function shell(line, options) {
  const script = `wasi() { "$NODE" "$CLI" "$@"; }; ${line}`;
  const programs = { NODE: process.execPath, CLI, TOOLBOX, EXCEPTIONS };
  const env = { ...process.env, ...programs };
  return start('bash', ['-c', script], { env, ...options });
}

const linesOf = (text) => text.split('\n').slice(0, -1);

describe('the command', () => {
  const dir = useHostFiles();

  describe('--buffered', () => {
    const TEXTS = ['line 1\n', 'line 2\n', 'line 3\n'];
    const ALL = TEXTS.join('');
    // The fallback has no buffer.
    const JOINED = engine === 'native' ? [ALL] : TEXTS;
    const MODES = {
      '': { stream: TEXTS, file: JOINED },
      '--buffered': { stream: JOINED, file: JOINED },
      '--buffered=true': { stream: JOINED, file: JOINED },
      '--buffered=auto': { stream: TEXTS, file: JOINED },
      '--buffered=false': { stream: TEXTS, file: TEXTS },
    };

    for (const [flag, { stream, file }] of Object.entries(MODES)) {
      const args = [CLI, ...(flag ? [flag] : []), TOOLBOX, 'lines', '3'];
      const title = flag || 'its default';

      itWith('python3')(`${title} on a stream: ${stream.length} writes`, () => {
        const script = path.join(__dirname, '..', 'fixtures', 'packets.py');
        const packets = start('python3', [script, process.execPath, ...args]);
        assert.deepEqual([packets.status, packets.stderr], [0, '']);
        assert.deepEqual(linesOf(packets.stdout).map(JSON.parse), stream);
      });

      itWith('strace')(`${title} on a file: ${file.length} writes`, () => {
        const stdout = fs.openSync(dir.path('out'), 'w');
        const log = dir.path('log');
        const options = ['-f', '-qq', '-e', 'trace=write,writev', '-o', log];
        const child = start(
          'strace',
          [...options, '-e', 'write=1', process.execPath, ...args],
          { stdio: ['ignore', stdout, 'pipe'] },
        );
        fs.closeSync(stdout);
        assert.deepEqual([child.status, child.stderr], [0, '']);
        assert.equal(dir.read('out'), ALL);
        const writes = dir
          .read('log')
          .match(/ writev?\(1, .*\) += [1-9]\d*$/gm);
        assert.deepEqual(
          writes.map((line) => Number(/\d+$/.exec(line))),
          file.map(({ length }) => length),
        );
      });
    }
  });

  describe('stdin and stdout', () => {
    it('carry any bytes, as many as there are', () => {
      const input = pattern(3_000_000);
      for (const flags of [[], ['--buffered']]) {
        const options = { flags, input, encoding: 'buffer' };
        const { status, stdout } = command([...flags, TOOLBOX, 'cat'], {
          ...options,
          maxBuffer: Infinity,
        });
        assert.equal(status, 0);
        assertSameBytes(stdout, input);
      }
    });

    itWith('bash')('are redirected by a shell', () => {
      dir.write('input', 'from a file\n');
      const { status, stdout, stderr } = shell(
        `wasi "$TOOLBOX" cat < input > out &&
         wasi "$TOOLBOX" cat < out >> out2 && wasi "$TOOLBOX" >> out2 &&
         wasi "$TOOLBOX" say one two 2> err && cat out2 err`,
        { cwd: dir.path('') },
      );
      assert.deepEqual([status, stderr], [0, '']);
      assert.equal(stdout, 'onefrom a file\nhello\ntwo');
    });

    itWith('bash')('are the ends of pipes', () => {
      const { status, stdout, stderr } = shell(
        'wasi "$TOOLBOX" lines 20000 | wasi "$TOOLBOX" cat | tail -1',
      );
      assert.deepEqual([status, stdout, stderr], [0, 'line 20000\n', '']);
    });

    it('are no terminals where they are pipes', () => {
      assert.equal(toolbox(['terminals']), '000\n');
    });

    itWith('script')('are the terminal where there is one', () => {
      const line = '"$NODE" "$CLI" "$TOOLBOX"';
      const programs = { NODE: process.execPath, CLI, TOOLBOX, EXCEPTIONS };
      const env = { ...process.env, ...programs };
      const onTerminal = (rest) =>
        start('script', ['-qec', `${line} ${rest}`, '/dev/null'], {
          env: { ...env, SHELL: '/bin/sh' },
          input: '',
        });
      const { status, stdout } = onTerminal('terminals');
      assert.deepEqual([status, stdout], [0, '111\r\n']);
      const both = onTerminal(
        'say "out " err; "$NODE" "$CLI" "$TOOLBOX" exit 7',
      );
      assert.deepEqual([both.status, both.stdout], [7, 'out err']);
    });

    itWithFull('report a full disk', () => {
      const stdout = fs.openSync(FULL, 'w');
      const full = (flags) =>
        command([...flags, TOOLBOX, 'lines', '2'], {
          stdio: ['ignore', stdout, 'pipe'],
        });
      const unbuffered = full([]);
      const buffered = full(['--buffered']);
      fs.closeSync(stdout);
      assert.equal(unbuffered.stderr, 'lines: No space left on device\n');
      assert.equal(unbuffered.status, 1);
      if (engine === 'fallback') {
        assert.deepEqual(buffered, unbuffered);
        return;
      }
      assert.match(buffered.stderr, /^wasi-writev: 14 bytes .*ENOSPC\n$/);
      assert.notEqual(buffered.status, 0);
    });
  });

  describe('ends quietly when its reader goes away', () => {
    for (const flags of ['', '--buffered', '--buffered=auto', '--trace=log']) {
      for (const tool of ['forever', 'lines 1000000']) {
        itWith('bash')(`${flags} FILE ${tool} | head -1`, () => {
          const { stdout, stderr } = shell(
            `wasi ${flags} "$TOOLBOX" ${tool} | head -1
             echo "\${PIPESTATUS[0]}"`,
            { cwd: dir.path('') },
          );
          const first = tool === 'forever' ? 'again' : 'line 1';
          assert.deepEqual(
            [stdout, stderr],
            [`${first}\n${PIPE_CLOSED}\n`, ''],
          );
        });
      }
    }

    /** Runs the command without a reader of stdout or stderr. */
    function withoutReader(fd, args) {
      const script = path.join(__dirname, '..', 'fixtures', 'no-reader.py');
      const values = [script, String(fd), process.execPath, CLI, ...args];
      return start('python3', values);
    }

    itWith('bash')('also where the program catches all exceptions', () => {
      const { stdout, stderr } = shell(
        `wasi "$EXCEPTIONS" | head -1; echo "\${PIPESTATUS[0]}"`,
        { cwd: dir.path('') },
      );
      assert.deepEqual([stdout, stderr], [`text\n${PIPE_CLOSED}\n`, '']);
    });

    for (const args of [
      [TOOLBOX],
      ['--buffered', TOOLBOX],
      [TOOLBOX, 'forever'],
      ['--help'],
      ['--version'],
    ]) {
      const title = args.join(' ').replace(TOOLBOX, 'FILE');
      itWith('python3')(`before ${title} has begun`, () => {
        assert.deepEqual(withoutReader(1, args), {
          status: PIPE_CLOSED,
          stdout: '',
          stderr: '',
        });
      });
    }

    itWith('python3')('but leaves that of stderr to the tool', () => {
      assert.deepEqual(withoutReader(2, [TOOLBOX, 'say', 'out', 'err']), {
        status: 1,
        stdout: 'out',
        stderr: '',
      });
    });
  });

  for (const signal of ['SIGINT', 'SIGTERM']) {
    it(`ends by ${signal} while the tool runs`, async () => {
      const child = spawn(process.execPath, [CLI, TOOLBOX, 'forever'], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      // From here on the tool is running, and nobody reads on.
      await once(child.stdout, 'readable');
      child.kill(signal);
      const [status, by] = await once(child, 'exit');
      assert.deepEqual([status, by], [null, signal]);
      child.stdout.destroy();
    });
  }

  describe('--trace', () => {
    const CALLS = [
      'fd_write fd=1 iovs=1 nwritten=9 errno=SUCCESS',
      'fd_write fd=2 iovs=1 nwritten=3 errno=SUCCESS',
    ];
    const callsOf = (text) =>
      linesOf(text).filter((line) => /^fd_p?write /.test(line));

    for (const flags of [[], ['--buffered'], ['--buffered=false']]) {
      it(`prints the writes to stderr, ${flags[0] ?? 'by default'}`, () => {
        const args = ['--trace', ...flags, TOOLBOX, 'say', 'to stdout', '2.\n'];
        const { status, stdout, stderr } = command(args);
        assert.deepEqual([status, stdout], [0, 'to stdout']);
        assert.deepEqual(callsOf(stderr), CALLS);
        assert.ok(linesOf(stderr).includes('2.'), stderr);
      });
    }

    const UNBUFFERED = 'native=2 buffered=0 flushes=0';
    const BUFFERED = 'native=1 buffered=1 flushes=1';
    for (const [flag, counters] of [
      ['--buffered=false', UNBUFFERED],
      ['--buffered', engine === 'native' ? BUFFERED : UNBUFFERED],
    ]) {
      it(`prints the counters at the end, ${flag}`, () => {
        const flags = [flag, `--trace=${dir.path('log')}`];
        command([...flags, TOOLBOX, 'say', 'to stdout', '2.\n']);
        const line = `calls=2 bytes=12 ${counters}`;
        assert.deepEqual(linesOf(dir.read('log')), [...CALLS, line]);

        command([...flags, TOOLBOX, 'trap', 'to stdout', '2.\n']);
        assert.deepEqual(linesOf(dir.read('log')), [...CALLS, line]);
      });
    }

    it('prints the writes to a file', () => {
      const file = dir.path('a trace');
      const flags = [`--trace=${file}`];
      assert.equal(toolbox(['say', 'to stdout'], { flags }), 'to stdout');
      assert.deepEqual(callsOf(dir.read('a trace')), CALLS.slice(0, 1));
    });

    it('prints those to files of the tool', () => {
      const flags = [`--trace=${dir.path('log')}`, '--dir', dir.path('')];
      toolbox(['write', withSlashes(dir.path('out')), 'text'], { flags });
      assert.deepEqual(callsOf(dir.read('log')), [
        'fd_write fd=4 iovs=1 nwritten=4 errno=SUCCESS',
      ]);
    });

    itWithFull('prints those that fail', () => {
      const stdout = fs.openSync(FULL, 'w');
      const { stderr } = command(['--trace', TOOLBOX], {
        stdio: ['ignore', stdout, 'pipe'],
      });
      fs.closeSync(stdout);
      assert.deepEqual(callsOf(stderr), [
        'fd_write fd=1 iovs=1 nwritten=0 errno=NOSPC',
      ]);
    });

    for (const [title, args, status] of [
      ['a tool that ends well', [TOOLBOX, 'say', 'x'], 0],
      ['one that fails', [TOOLBOX, 'exit', '7'], 7],
      ['one that traps', [TOOLBOX, 'trap', 'x'], TRAPPED],
    ]) {
      itWithFull(`leaves the status of ${title} on a full disk`, () => {
        const result = command([`--trace=${FULL}`, ...args]);
        assert.equal(result.status, status);
        assert.match(result.stderr, /^wasi-writev: --trace: .*full: ENOSPC$/m);
      });
    }

    itWith('bash')('leaves the status where nobody reads it', () => {
      const { stdout } = shell(
        `wasi --trace "$TOOLBOX" lines 20000 2>&1 >log | head -1 >first
         echo "\${PIPESTATUS[0]}"; wc -l <log`,
        { cwd: dir.path('') },
      );
      assert.deepEqual(linesOf(stdout), ['0', '20000']);
    });

    it('is whole on a non-blocking pipe that is full at times', async () => {
      const COUNT = 20_000;
      const { reader, writer } = dir.pipe({ blocking: false });
      const child = spawn(
        process.execPath,
        [CLI, '--trace', TOOLBOX, 'lines', String(COUNT)],
        { stdio: ['ignore', 'ignore', writer] },
      );
      let end;
      child.on('exit', (...values) => {
        end = values;
      });
      const chunks = [];
      while (end === undefined) {
        await setTimeout(1);
        chunks.push(readAvailable(reader));
      }
      chunks.push(readAvailable(reader));
      assert.deepEqual(end, [0, null]);
      assert.equal(callsOf(String(Buffer.concat(chunks))).length, COUNT);
    });

    it('takes what follows it as the file of the tool', () => {
      const { status, stdout } = command(['--trace', TOOLBOX, 'say', 'x']);
      assert.deepEqual([status, stdout], [0, 'x']);
    });
  });
});
