'use strict';

// The command, as a person starts it.

const assert = require('node:assert/strict');
const { execFile } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { version } = require('../../package.json');
const {
  CLI,
  EXCEPTIONS,
  TOOLBOX,
  TRAPPED,
  command,
  start,
  toolbox,
} = require('../helpers/cli');
const { itNative } = require('../helpers/buffering');
const { guestPath } = require('../helpers/guest-path');
const { useHostFiles } = require('../helpers/host-files');
const { isWindows, statusOf, withSlashes } = require('../helpers/windows');

const USAGE_ERROR = 2;

/** Asserts a usage error whose one line contains `text`. */
function assertRefused(result, text) {
  const { status, stdout, stderr } = result;
  assert.match(stderr, /^wasi-writev: .+\n$/);
  assert.ok(stderr.includes(text), stderr);
  assert.deepEqual([status, stdout], [USAGE_ERROR, '']);
}

/** The command with a stdin that nobody writes to and nobody closes. */
const commandWithOpenStdin = (args) =>
  new Promise((resolve) => {
    const options = { timeout: 60_000, killSignal: 'SIGKILL' };
    execFile(
      process.execPath,
      [CLI, ...args],
      options,
      (error, stdout, stderr) => {
        resolve({ status: error?.code ?? 0, stdout, stderr });
      },
    );
  });

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
      // No name has a * on Windows.
      const name = `it's ünïcode${isWindows ? '' : ' *'}.wasm`;
      const file = path.join(directory, name);
      fs.copyFileSync(TOOLBOX, file);
      fs.writeFileSync(path.join(directory, 'a file ✓'), 'its text');

      const args = command([file, 'args']);
      assert.equal(args.stdout, `${name}\nargs\n`);
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

    for (const given of [0, 1, 7, 255, 256, 300, -1]) {
      const status = statusOf(given);
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
      assert.match(
        stdout,
        /^Usage: wasi-writev \[run\] \[options\] FILE\.wasm/,
      );
      assert.deepEqual(command(['-h']), { status, stdout, stderr });
      const options = stdout.match(/^ {2}-.*--\S+|^ {2}--\S+/gm);
      assert.deepEqual(
        options.map((text) => text.trim()),
        [
          '--dir',
          '--env',
          '--inherit-env',
          '--stdin',
          '--argv0',
          '--timeout',
          '--buffered[=MODE]',
          '--trace[=FILE]',
          '--version',
          '-h, --help',
        ],
      );
    });

    it('its usage if it is called alone', () => {
      const { status, stdout, stderr } = command([]);
      assert.deepEqual([status, stdout], [2, '']);
      assert.equal(stderr, command(['--help']).stdout);
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
      [['--dir', '/no/such', TOOLBOX], `'${path.resolve('/no/such')}'`],
      [['--dir', `${TOOLBOX}::/`, TOOLBOX], `'${TOOLBOX}'`],
      [['--dir', '.', '--dir', '/no', TOOLBOX], `'${path.resolve('/no')}'`],
      [['--trace=/no/such/file', TOOLBOX], '/no/such/file'],
      [['--timeout', '0', TOOLBOX], "'0'"],
      [['--timeout', '1s', TOOLBOX], "'1s'"],
      [['--timeout', '2147484', TOOLBOX], "'2147484'"],
      [['--stdin', '/no/such', TOOLBOX], '/no/such'],
      [['--inherit-env=A', TOOLBOX], '--inherit-env'],
      [['--'], 'no file'],
      [['run'], 'no file'],
      [['run', '--', 'run'], "'run'"],
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
        const file = dir.path('tool.wasm');
        assertRefused(result, `'${file}' is not a WebAssembly module: `);
      });
    }

    for (const [title, name, text] of [
      ['a reactor', 'reactor', 'reactor'],
      ['a module that has no start', 'plugin', '_start'],
      ['a module that imports what it does not have', 'command', 'host'],
    ]) {
      it(title, () => {
        assertRefused(command([guestPath(name)]), text);
        // The directory is opened before the module is linked.
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
      assert.deepEqual(preopens(flags), [withSlashes(dir.path(''))]);
      const read = toolbox(['read', withSlashes(dir.path('input'))], { flags });
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

    it('uses the last value of a name', () => {
      assert.deepEqual(env(['--env', 'A=1', '--env', 'A=2']), ['A=2']);
    });

    it('--inherit-env passes all on', () => {
      const flags = ['--inherit-env', '--env', 'A=1'];
      const all = env(flags, { A: '0', B: '2' });
      assert.ok(all.includes('A=1') && all.includes('B=2'), all.join());
      assert.ok(all.includes(`PATH=${process.env.PATH}`));
    });

    for (const name of ['toString', 'constructor', '__proto__']) {
      it(`takes ${name} as a name like any other`, () => {
        assert.deepEqual(env(['--env', `${name}=1`]), [`${name}=1`]);
        assert.deepEqual(env(['--env', name], { [name]: '2' }), [`${name}=2`]);
        assert.deepEqual(env(['--env', name]), []);
      });
    }
  });

  it('--stdin FILE is what the tool reads', () => {
    const flags = ['--stdin', TOOLBOX];
    const { status, stdout } = command([...flags, TOOLBOX, 'cat'], {
      input: 'not this',
      encoding: 'latin1',
    });
    assert.equal(status, 0);
    assert.equal(stdout, fs.readFileSync(TOOLBOX, 'latin1'));
  });

  it('takes a word run in front of the file, and no other', () => {
    const expected = { status: 0, stdout: 'run', stderr: '' };
    for (const args of [
      ['run', TOOLBOX, 'say', 'run'],
      ['run', '--env', 'A=1', TOOLBOX, 'say', 'run'],
      ['--env', 'A=1', 'run', TOOLBOX, 'say', 'run'],
    ]) {
      assert.deepEqual(command(args), expected);
    }
  });

  describe('--timeout', () => {
    const ENDED = 'wasi-writev: the command was ended after 0.2 seconds\n';

    for (const [title, ...args] of [
      ['loops', guestPath('endless')],
      ['waits for input', TOOLBOX, 'cat'],
      ['has buffered output', '--buffered', guestPath('then-endless')],
    ]) {
      // The fallback cannot end a read.
      const test = title === 'waits for input' ? itNative : it;
      test(`ends a command that ${title}`, async () => {
        const { status, stdout, stderr } = await commandWithOpenStdin([
          ...['--timeout', '0.2', ...args],
        ]);
        assert.deepEqual([status, stderr], [124, ENDED]);
        assert.equal(stdout, title.startsWith('has') ? 'line 1\n' : '');
      });
    }

    it('leaves a command alone that ends in time', () => {
      const flags = ['--timeout', '100'];
      assert.equal(toolbox(['say', 'in time'], { flags }), 'in time');
    });
  });

  it('--argv0 names the tool', () => {
    for (const name of ['other name', 'toString']) {
      const flags = ['--argv0', name];
      assert.equal(toolbox(['args'], { flags }), `${name}\nargs\n`);
    }
  });

  describe('a trap', () => {
    for (const flags of [[], ['--buffered']]) {
      it(`is told with its stack, after ${flags[0] ?? 'no'} flag`, () => {
        const args = [...flags, TOOLBOX, 'trap', 'so far', ''];
        const { status, stdout, stderr } = command(args);
        assert.deepEqual([status, stdout], [TRAPPED, 'so far']);
        assert.match(
          stderr,
          /^wasi-writev: RuntimeError: unreachable\n( {4}at wasm:.*wasm-function\[\d+\].*\n)+$/,
        );
      });
    }

    it('may be that the stack is full', () => {
      const { status, stdout, stderr } = command([guestPath('overflow')]);
      assert.deepEqual([status, stdout], [TRAPPED, '']);
      assert.match(
        stderr,
        /^wasi-writev: RangeError: Maximum call stack size exceeded\n( {4}at wasm:.*\n)+$/,
      );
    });
  });

  it('ends by an exception of WebAssembly as by a trap', () => {
    const { status, stdout, stderr } = command([EXCEPTIONS]);
    assert.equal(status, TRAPPED);
    assert.equal(stdout, 'text\n'.repeat(100_000));
    assert.match(
      stderr,
      /^wasi-writev: an exception of WebAssembly that nothing has caught\n/,
    );
  });
});
