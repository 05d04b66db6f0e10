'use strict';

// The command, as a person starts it.

const assert = require('node:assert/strict');
const { spawn, spawnSync } = require('node:child_process');
const { once } = require('node:events');
const fs = require('node:fs');
const path = require('node:path');
const { setTimeout } = require('node:timers/promises');
const { bin, version } = require('../../package.json');
const { assertSameBytes, pattern } = require('../helpers/bytes');
const { FULL, itWithFull } = require('../helpers/full');
const { guestPath } = require('../helpers/guest-path');
const { itWith } = require('../helpers/installed');
const { readAvailable, useHostFiles } = require('../helpers/host-files');

const ROOT = path.join(__dirname, '..', '..');
const CLI = path.join(ROOT, bin['wasi-writev']);
const TOOLBOX = guestPath('toolbox');
const EXCEPTIONS = guestPath('exceptions');

const USAGE_ERROR = 2;
const TRAPPED = 134;
const PIPE_CLOSED = 141;

/** What a program said and ended with. */
function start(file, args, options) {
  const child = spawnSync(file, args, { encoding: 'utf8', ...options });
  assert.ifError(child.error);
  const { signal, status, stderr, stdout } = child;
  return { status: status ?? signal, stdout, stderr };
}

/** The command with these arguments. */
const command = (args, options) =>
  start(process.execPath, [CLI, ...args], options);

/** The command on the toolbox. Asserts that all is well; returns its stdout. */
function toolbox(args, { flags = [], ...options } = {}) {
  const result = command([...flags, TOOLBOX, ...args], options);
  const { status, stderr, stdout } = result;
  assert.deepEqual({ status, stderr }, { status: 0, stderr: '' });
  return stdout;
}

/** A line of a shell, in which `wasi` is the command. */
function shell(line, options) {
  const script = `wasi() { "$NODE" "$CLI" "$@"; }; ${line}`;
  const programs = { NODE: process.execPath, CLI, TOOLBOX, EXCEPTIONS };
  const env = { ...process.env, ...programs };
  return start('bash', ['-c', script], { env, ...options });
}

/** Asserts a usage error, told in one line that has `text` in it. */
function assertRefused(result, text) {
  const { status, stdout, stderr } = result;
  assert.match(stderr, /^wasi-writev: .+\n$/);
  assert.ok(stderr.includes(text), stderr);
  assert.deepEqual([status, stdout], [USAGE_ERROR, '']);
}

const linesOf = (text) => text.split('\n').slice(0, -1);

describe('the command', () => {
  const dir = useHostFiles();

  describe('runs a tool', () => {
    it('with its arguments, and says nothing of its own', () => {
      const stdout = toolbox(['args', 'one', 'two words', '', 'grüße']);
      assert.equal(stdout, 'toolbox.wasm\nargs\none\ntwo words\n\ngrüße\n');
    });

    it('by its name in PATH', () => {
      fs.symlinkSync(CLI, dir.path('wasi-writev'));
      const PATH = [
        dir.path(''),
        path.dirname(process.execPath),
        process.env.PATH,
      ].join(path.delimiter);
      const env = { ...process.env, PATH };
      assert.deepEqual(start('wasi-writev', [TOOLBOX, 'say', 'hi'], { env }), {
        status: 0,
        stdout: 'hi',
        stderr: '',
      });
    });

    it('from a path with spaces and letters of all kinds', () => {
      const directory = dir.path('ein größeres 日本 $HOME');
      fs.mkdirSync(directory);
      const file = path.join(directory, "it's ünïcode *.wasm");
      fs.copyFileSync(TOOLBOX, file);
      fs.writeFileSync(path.join(directory, 'a file ✓'), 'its text');

      const args = command([file, 'args']);
      assert.equal(args.stdout, "it's ünïcode *.wasm\nargs\n");
      const read = command([
        '--dir',
        `${directory}::/ein Ordner`,
        file,
        'read',
        '/ein Ordner/a file ✓',
      ]);
      assert.deepEqual(read, { status: 0, stdout: 'its text', stderr: '' });
    });

    it('from a path from the working directory', () => {
      fs.copyFileSync(TOOLBOX, dir.path('-tool.wasm'));
      const options = { cwd: dir.path('') };
      for (const args of [['./-tool.wasm'], ['--', '-tool.wasm']]) {
        const { stdout } = command([...args, 'args'], options);
        assert.equal(stdout, '-tool.wasm\nargs\n');
      }
    });

    for (const [given, status] of [
      [0, 0],
      [1, 1],
      [7, 7],
      [255, 255],
      [256, 0],
      [-1, 255],
    ]) {
      it(`whose exit code ${given} is the exit status ${status}`, () => {
        const result = command([TOOLBOX, 'exit', String(given)]);
        assert.deepEqual(result, { status, stdout: '', stderr: '' });
      });
    }

    it('of wasi_unstable', () => {
      const result = command([guestPath('unstable')]);
      assert.deepEqual(result, { status: 0, stdout: 'old\n', stderr: '' });
    });
  });

  describe('ends its own options', () => {
    const OWN = ['--help', '--version', '--dir', '-x', '--', '--argv0=no'];

    for (const flags of [[], ['--'], ['--argv0', 'toolbox.wasm', '--']]) {
      it(`at the file, after ${flags.join(' ') || 'none'}`, () => {
        const stdout = toolbox(OWN, { flags });
        assert.deepEqual(linesOf(stdout), ['toolbox.wasm', ...OWN]);
      });
    }

    it('at --, behind which a file may have the name of an option', () => {
      const options = { cwd: dir.path('') };
      for (const name of ['--help', '--trace', '--buffered=no', '--']) {
        fs.copyFileSync(TOOLBOX, dir.path(name));
        assert.deepEqual(command(['--', name, 'args'], options), {
          status: 0,
          stdout: `${name}\nargs\n`,
          stderr: '',
        });
      }
    });

    it('where a value looks like an option', () => {
      const flags = ['--argv0=--help', '--env=A=--version'];
      assert.equal(toolbox(['args'], { flags }), '--help\nargs\n');
      assert.equal(toolbox(['env'], { flags }), 'A=--version\n');
    });
  });

  describe('tells about itself', () => {
    it('its version', () => {
      const result = command(['--version']);
      assert.deepEqual(result, {
        status: 0,
        stdout: `${version}\n`,
        stderr: '',
      });
    });

    it('every option it has', () => {
      const { status, stdout, stderr } = command(['--help', TOOLBOX]);
      assert.deepEqual([status, stderr], [0, '']);
      assert.match(stdout, /^Usage: wasi-writev \[options\] FILE\.wasm/);
      const options = stdout.match(/^ {2}--\S+/gm).map((text) => text.trim());
      assert.deepEqual(options, [
        '--dir',
        '--env',
        '--argv0',
        '--buffered[=MODE]',
        '--trace[=FILE]',
        '--version',
        '--help',
      ]);
    });
  });

  describe('refuses', () => {
    for (const [args, text] of [
      [['--nope', TOOLBOX], '--nope'],
      [['-x', TOOLBOX], '-x'],
      [['--dirs=.', TOOLBOX], '--dirs'],
      [['--no-help', TOOLBOX], '--no-help'],
      [['--help=yes', TOOLBOX], '--help'],
      [['--version=1', TOOLBOX], '--version'],
      [['--dir'], '--dir'],
      [['--env'], '--env'],
      [['--argv0'], '--argv0'],
      [['--dir', '--env', 'A=1', TOOLBOX], '--dir'],
      [['--argv0', '--trace', TOOLBOX], '--argv0'],
      [['--buffered=maybe', TOOLBOX], "'maybe'"],
      [['--buffered=', TOOLBOX], '--buffered'],
      [['--buffered=toString', TOOLBOX], "'toString'"],
      [['--env', '=value', TOOLBOX], "'=value'"],
      [['--env=', TOOLBOX], '--env'],
      [['--dir=', TOOLBOX], '--dir'],
      [['--dir', '::/guest', TOOLBOX], "'::/guest'"],
      [['--dir', '.::', TOOLBOX], "'.::'"],
      [['--dir', '/no/such', TOOLBOX], "'/no/such'"],
      [['--dir', `${TOOLBOX}::/`, TOOLBOX], `'${TOOLBOX}'`],
      [['--dir', '.', '--dir', '/no/such', TOOLBOX], "'/no/such'"],
      [['--trace=/no/such/file', TOOLBOX], '/no/such/file'],
      [[], 'no file'],
      [['--'], 'no file'],
      [['--buffered'], 'no file'],
      [['--env', 'A=1'], 'no file'],
    ]) {
      const title = args.map((arg) => (arg === TOOLBOX ? 'FILE' : arg));
      it(`${title.join(' ').replace(TOOLBOX, 'FILE') || 'nothing'}`, () => {
        assertRefused(command(args), text);
      });
    }

    it('a file that is not there', () => {
      const file = dir.path('kein Programm.wasm');
      assertRefused(command([file]), file);
    });

    it('a directory in place of a file', () => {
      assertRefused(command([dir.path('')]), dir.path(''));
    });

    for (const [title, bytes] of [
      ['text', '#!/bin/sh\necho no\n'],
      ['nothing', ''],
      ['half a module', fs.readFileSync(TOOLBOX).subarray(0, 1000)],
    ]) {
      it(`a file that has ${title}`, () => {
        dir.write('tool.wasm', bytes);
        const result = command([dir.path('tool.wasm')]);
        assertRefused(result, `${dir.path('tool.wasm')} is not a WebAssembly`);
      });
    }

    for (const [title, name, text] of [
      ['a reactor', 'reactor', 'reactor'],
      ['a module that has no start', 'plugin', '_start'],
      ['a module that imports what it does not have', 'command', 'host'],
    ]) {
      it(title, () => {
        assertRefused(command([guestPath(name)]), text);
        // A directory is opened before the module is linked.
        assertRefused(command(['--dir', '.', guestPath(name)]), text);
      });
    }
  });

  describe('--dir', () => {
    const preopens = (flags, options) =>
      linesOf(toolbox(['preopens'], { flags, ...options }));

    it('is needed for the tool to see any directory', () => {
      assert.deepEqual(preopens([]), []);
      const result = command([TOOLBOX, 'read', TOOLBOX]);
      assert.match(result.stderr, /^.*toolbox\.wasm: .+\n$/);
      assert.deepEqual([result.status, result.stdout], [1, '']);
    });

    it('HOST has the same name for the tool', () => {
      dir.write('input', 'from the host');
      const flags = ['--dir', dir.path('')];
      assert.deepEqual(preopens(flags), [dir.path('')]);
      const read = toolbox(['read', dir.path('input')], { flags });
      assert.equal(read, 'from the host');
    });

    it('HOST may be the working directory', () => {
      dir.write('input', 'from here');
      const options = { cwd: dir.path(''), flags: ['--dir=.'] };
      assert.equal(toolbox(['read', 'input'], options), 'from here');
    });

    it('HOST::GUEST has another name for the tool', () => {
      const flags = ['--dir', `${dir.path('')}::/work`];
      assert.deepEqual(preopens(flags), ['/work']);
      toolbox(['write', '/work/out', 'from the guest'], { flags });
      assert.equal(dir.read('out'), 'from the guest');
    });

    it('may have single colons in either name', () => {
      fs.mkdirSync(dir.path('a:b'));
      const flags = ['--dir', `${dir.path('a:b')}::/c:d`];
      assert.deepEqual(preopens(flags), ['/c:d']);
    });

    it('may be given several times', () => {
      fs.mkdirSync(dir.path('one'));
      fs.mkdirSync(dir.path('two'));
      const flags = ['--dir', 'one', '--dir=two::/2', '--dir', '.::/'];
      const options = { cwd: dir.path('') };
      assert.deepEqual(preopens(flags, options), ['one', '/2', '/']);
      toolbox(['write', '/2/file', 'x'], { flags, ...options });
      assert.equal(dir.read('two/file'), 'x');
    });
  });

  describe('--env', () => {
    const env = (flags, variables = {}) =>
      linesOf(
        toolbox(['env'], { flags, env: { ...process.env, ...variables } }),
      );

    it('is needed for the tool to see any variable', () => {
      assert.deepEqual(env([], { SECRET: '1' }), []);
    });

    it('NAME=VALUE sets a variable', () => {
      const flags = ['--env', 'A=1', '--env=B=x=y z', '--env', 'C='];
      assert.deepEqual(env(flags, { A: '2' }), ['A=1', 'B=x=y z', 'C=']);
    });

    it('NAME passes a variable on, if it is set', () => {
      const flags = ['--env', 'SET', '--env', 'WV_TEST_UNSET', '--env=EMPTY'];
      const variables = { SET: 'grüße', EMPTY: '' };
      assert.deepEqual(env(flags, variables), ['SET=grüße', 'EMPTY=']);
    });

    it('counts the last time for the same name', () => {
      assert.deepEqual(env(['--env', 'A=1', '--env', 'A=2']), ['A=2']);
    });

    for (const name of ['toString', 'constructor', '__proto__']) {
      it(`takes ${name} as a name like any other`, () => {
        assert.deepEqual(env(['--env', `${name}=1`]), [`${name}=1`]);
        assert.deepEqual(env(['--env', name], { [name]: '2' }), [`${name}=2`]);
        assert.deepEqual(env(['--env', name]), []);
      });
    }
  });

  it('--argv0 names the tool', () => {
    for (const name of ['other name', 'toString']) {
      const flags = ['--argv0', name];
      assert.equal(toolbox(['args'], { flags }), `${name}\nargs\n`);
    }
  });

  describe('--buffered', () => {
    const TEXTS = ['line 1\n', 'line 2\n', 'line 3\n'];
    const ALL = TEXTS.join('');
    const MODES = {
      '': { stream: TEXTS, file: [ALL] },
      '--buffered': { stream: [ALL], file: [ALL] },
      '--buffered=true': { stream: [ALL], file: [ALL] },
      '--buffered=auto': { stream: TEXTS, file: [ALL] },
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

    /** The command without a reader of stdout or stderr. */
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
      // The tool is at work now, and nobody reads on.
      await once(child.stdout, 'readable');
      child.kill(signal);
      const [status, by] = await once(child, 'exit');
      assert.deepEqual([status, by], [null, signal]);
      child.stdout.destroy();
    });
  }

  describe('a trap', () => {
    for (const flags of [[], ['--buffered']]) {
      it(`is told with its stack, after ${flags[0] ?? 'no'} flag`, () => {
        const args = [...flags, TOOLBOX, 'trap', 'so far', ''];
        const { status, stdout, stderr } = command(args);
        assert.deepEqual([status, stdout], [TRAPPED, 'so far']);
        assert.match(
          stderr,
          /^RuntimeError: unreachable\n( {4}at wasm:.*wasm-function\[\d+\].*\n)+/,
        );
      });
    }

    it('may be that the stack is full', () => {
      const { status, stdout, stderr } = command([guestPath('overflow')]);
      assert.deepEqual([status, stdout], [TRAPPED, '']);
      assert.match(
        stderr,
        /^RangeError: Maximum call stack size exceeded\n {4}at wasm:/,
      );
    });
  });

  it('ends by an exception of WebAssembly as by a trap', () => {
    const { status, stdout, stderr } = command([EXCEPTIONS]);
    assert.equal(status, TRAPPED);
    assert.equal(stdout, 'text\n'.repeat(100_000));
    assert.match(
      stderr,
      /^An exception of WebAssembly that nothing has caught$/m,
    );
  });

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

    for (const [flag, counters] of [
      ['--buffered=false', 'native=2 staged=0 flushes=0'],
      ['--buffered', 'native=1 staged=1 flushes=1'],
    ]) {
      it(`prints the counters at the end, ${flag}`, () => {
        const flags = [flag, `--trace=${dir.path('log')}`];
        command([...flags, TOOLBOX, 'say', 'to stdout', '2.\n']);
        const line = `calls=2 bytes=12 ${counters} adopted=0 delegated=0`;
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
      toolbox(['write', dir.path('out'), 'text'], { flags });
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
