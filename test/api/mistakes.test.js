'use strict';

// The first mistakes of a new user. An error says what to do, and has the code and
// the properties of node:wasi where that has an error too.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { pathToFileURL } = require('node:url');
const { run, runSync } = require('../..');
const { TOOLBOX, command } = require('../helpers/cli');
const { compile } = require('../helpers/guest');
const { guestPath } = require('../helpers/guest-path');
const { resultInChild } = require('../helpers/in-child');
const { useTempDir } = require('../helpers/temp');
const { newWASI } = require('../helpers/wasi-outcomes');
const { withSlashes } = require('../helpers/windows');

/** What a call throws, or its promise is rejected with. */
async function thrownBy(call) {
  try {
    await call();
  } catch (error) {
    return error;
  }
  return assert.fail('nothing was thrown');
}

/** What the command says about a file that it refuses. */
function refusal(...args) {
  const { status, stderr } = command(args);
  assert.equal(status, 2);
  return stderr;
}

const WAYS = {
  run: async (file) => (await thrownBy(() => run(file))).message,
  runSync: async (file) => (await thrownBy(() => runSync(file))).message,
  'the command': (file) => refusal(file).replace(/^wasi-writev: |\n$/g, ''),
};

describe('a directory that a guest cannot have', () => {
  const dir = useTempDir();

  const KINDS = {
    'that does not exist': ['none', 'ENOENT', 44, 'does not exist'],
    'that is a file': ['file', 'ENOTDIR', 54, 'is not a directory'],
    'that is a loop of links': ['loop', 'ELOOP', 32, 'cannot be opened'],
  };

  beforeEach(() => {
    dir.write('file', '');
    fs.symlinkSync('loop', dir.path('loop'));
  });

  for (const [title, [name, errno, number, why]] of Object.entries(KINDS)) {
    it(`${title}: the error names it, and is that of node:wasi`, () => {
      const hostPath = dir.path(name);
      const preopens = { '/good': dir.path(''), "/it's": hostPath };
      assert.throws(() => newWASI({ preopens }), {
        errno: number,
        code: `UVWASI_${errno}`,
        syscall: 'uvwasi_init',
        path: hostPath,
        message:
          `UVWASI_${errno}, uvwasi_init: ` +
          `options.preopens["/it's"]: '${hostPath}' ${why}`,
      });
    });

    it(`${title}: the command names it`, () => {
      const text = refusal('--dir', `${dir.path(name)}::/data`, TOOLBOX);
      assert.equal(text, `wasi-writev: --dir: '${dir.path(name)}' ${why}\n`);
    });
  }

  it('that is relative is named from the root', () => {
    assert.throws(() => newWASI({ preopens: { '/data': 'no/such' } }), {
      code: 'UVWASI_ENOENT',
      message:
        "UVWASI_ENOENT, uvwasi_init: options.preopens['/data']: " +
        `'${path.resolve('no/such')}' does not exist`,
    });
  });

  it('that is empty is told what the working directory is', () => {
    assert.throws(() => newWASI({ preopens: { '/data': '' } }), {
      code: 'UVWASI_ENOENT',
      message: /\['\/data'\]: '' is no path; the working directory is '\.'$/,
    });
  });

  it('that the user may not open is named', function () {
    if (process.getuid?.() !== 0) this.skip();
    fs.mkdirSync(dir.path('secret'), { mode: 0o700 });
    const nobody = 65534;
    const thrown = resultInChild(
      (uid, hostPath) => {
        const { WASI } = require('../..');
        new WASI({ version: 'preview1' });
        process.seteuid(uid);
        try {
          return new WASI({
            version: 'preview1',
            preopens: { '/data': hostPath },
          }).stats;
        } catch ({ code, message }) {
          return { code, message };
        }
      },
      [nobody, dir.path('secret')],
    );
    assert.equal(thrown.code, 'UVWASI_EACCES');
    assert.match(thrown.message, /\['\/data'\]: '\/.*' may not be opened$/);
  });
});

describe('A file URL as text is taken', () => {
  const dir = useTempDir();
  const urlOf = (file) => pathToFileURL(file).href;

  for (const [name, start] of Object.entries({ run, runSync })) {
    it(`by ${name}() as its source and as a directory`, async () => {
      dir.write('in put', 'from the file');
      const { stdout } = await start(urlOf(TOOLBOX), {
        args: ['read', '/data/in put'],
        preopens: { '/data': urlOf(dir.path('')) },
        encoding: 'utf8',
      });
      assert.equal(stdout, 'from the file');
    });
  }

  it('by the command as the file, as a directory and for the trace', () => {
    dir.write('input', 'from the file');
    const args = ['--dir', urlOf(dir.path('')), urlOf(TOOLBOX)];
    const trace = `--trace=${urlOf(dir.path('trace'))}`;
    const input = withSlashes(dir.path('input'));
    const result = command([trace, ...args, 'read', input]);
    assert.deepEqual(result, {
      status: 0,
      stdout: 'from the file',
      stderr: '',
    });
    assert.match(dir.read('trace'), /^fd_write fd=1 /);
  });

  it('by no one where it names another host', async () => {
    const url = 'file://host/tool.wasm';
    const code = 'ERR_INVALID_FILE_URL_HOST';
    await assert.rejects(run(url), { code });
    assert.throws(() => newWASI({ preopens: { '/': url } }), { code });
    assert.match(refusal(url), /^wasi-writev: File URL host must be .*\n$/);
    assert.match(refusal('--dir', url, TOOLBOX), /^wasi-writev: File URL/);
  });
});

describe('What is no WebAssembly module', () => {
  const dir = useTempDir();
  const COMPONENT = [0, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0];

  const CONTENTS = {
    'a script': ['console.log(1);', /it begins with 'console\.log\(1\);'$/],
    'a page of HTML': [
      '<!DOCTYPE html>\n<html>',
      /begins with '<!DOCTYPE html>/,
    ],
    'an empty file': ['', /it is empty$/],
    'text format': [' (module)', /it is the text format.* wat2wasm$/],
    'commented text format': [';; a tool\n(module)', /it is the text format/],
    'a function call': ['(function module() {})()', /begins with '\(func/],
    'a component': [
      Buffer.from(COMPONENT),
      /it is a component.*`jco transpile`.* wasm32-wasip1$/,
    ],
    'half a module': [fs.readFileSync(TOOLBOX).subarray(0, 1000), /module: .+/],
  };

  for (const [way, messageOf] of Object.entries(WAYS)) {
    for (const [title, [content, expected]] of Object.entries(CONTENTS)) {
      it(`is named by ${way}: ${title}`, async () => {
        dir.write('tool.wasm', content);
        const file = dir.path('tool.wasm');
        const message = await messageOf(file);
        assert.ok(
          message.startsWith(`'${file}' is not a WebAssembly module: `),
          message,
        );
        assert.match(message, expected);
      });
    }

    it(`is named by ${way}: a file that does not exist`, async () => {
      const file = dir.path('none.wasm');
      const message = await messageOf(file);
      assert.match(message, /ENOENT/);
      assert.ok(message.includes(`'${file}'`), message);
    });

    it(`is named by ${way}: a directory`, async () => {
      const message = await messageOf(dir.path(''));
      assert.match(message, /EISDIR/);
      assert.ok(message.includes(`'${dir.path('')}'`), message);
    });
  }

  it('keeps the error of the engine as its cause, also as bytes', async () => {
    for (const start of [run, runSync]) {
      const error = await thrownBy(() => start(Buffer.from(COMPONENT)));
      assert.ok(error instanceof WebAssembly.CompileError);
      assert.ok(error.cause instanceof WebAssembly.CompileError);
      assert.match(error.message, /^source is not .*: it is a component/);
    }
  });
});

describe('An import that nobody gives', () => {
  for (const [way, messageOf] of Object.entries(WAYS)) {
    it(`is named by ${way}, with the option that takes it`, async () => {
      const file = guestPath('command');
      assert.equal(
        await messageOf(file),
        `'${file}' cannot be linked: it imports host.main (function), which ` +
          'neither WASI nor options.imports has',
      );
    });
  }

  it('of the wrong kind is told in the words of the engine', async () => {
    const imports = { host: { main: 1 } };
    const error = await thrownBy(() =>
      runSync(guestPath('command'), { imports }),
    );
    assert.equal(error.name, 'LinkError');
    assert.ok(error.message.endsWith(error.cause.message), error.message);
  });
});

describe('What is given in place of an instance', () => {
  const MODULE = compile('toolbox');
  const imports = (wasi) => wasi.getImportObject();
  const instantiate = (wasi, name) =>
    new WebAssembly.Instance(compile(name), imports(wasi));

  const GIVEN = {
    'a module': [() => MODULE, /Instantiate the module/],
    'the result of WebAssembly.instantiate(bytes)': [
      async (wasi) =>
        WebAssembly.instantiate(fs.readFileSync(TOOLBOX), imports(wasi)),
      /Pass its property "instance"$/,
    ],
    'the exports': [
      (wasi) => instantiate(wasi, 'toolbox').exports,
      /Pass the instance, not its exports$/,
    ],
  };

  const METHODS = ['start', 'initialize', 'finalizeBindings'];

  for (const [title, [make, message]] of Object.entries(GIVEN)) {
    it(`is refused with what to do: ${title}`, async () => {
      for (const method of METHODS) {
        const wasi = newWASI();
        const given = await make(wasi);
        const code = 'ERR_INVALID_ARG_TYPE';
        assert.throws(() => wasi[method](given), { code, message });
      }
    });
  }

  it('is refused with what to do: a promise', () => {
    const wasi = newWASI();
    const promise = WebAssembly.instantiate(MODULE, imports(wasi));
    const message = /Await the promise$/;
    assert.throws(() => wasi.start(promise), { message });
  });

  it('is refused with the other method: a reactor, and a command', () => {
    const wasi = newWASI();
    const code = 'ERR_INVALID_ARG_TYPE';
    assert.throws(() => wasi.start(instantiate(wasi, 'reactor')), {
      code,
      message: /_start".*call initialize\(\)$/,
    });
    const other = newWASI();
    assert.throws(() => other.initialize(instantiate(other, 'toolbox')), {
      code,
      message: /_start".*call start\(\)$/,
    });
  });
});

describe('A version of WASI that is missing or not known', () => {
  for (const [version, code] of [
    [undefined, 'ERR_INVALID_ARG_TYPE'],
    ['snapshot_preview1', 'ERR_INVALID_ARG_VALUE'],
  ]) {
    it(`is refused with those that there are: ${version}`, () => {
      assert.throws(() => newWASI({ version }), {
        code,
        message: /\. The versions are 'preview1' and 'unstable'$/,
      });
    });
  }
});
