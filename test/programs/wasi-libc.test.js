'use strict';

// Programs in C with wasi-libc: their output, and their ends.

const assert = require('node:assert/strict');
const { spawn, spawnSync } = require('node:child_process');
const { once } = require('node:events');
const fs = require('node:fs');
const path = require('node:path');
const { WASI } = require('../..');
const { ERRNO } = require('../../lib/preview1');
const { assertSameBytes } = require('../helpers/bytes');
const { FULL, itWithFull } = require('../helpers/full');
const { compile } = require('../helpers/guest');
const { readAvailable, useHostFiles } = require('../helpers/host-files');
const { PREOPEN } = require('../helpers/session');

const RUN = path.join(__dirname, '..', 'fixtures', 'run-wasm.js');
const LIBC = path.join(__dirname, '..', 'guests', 'libc.wasm');

/** The output of `libc printf COUNT`. */
function printed(count) {
  return Array.from({ length: count }, (_, i) => {
    const hex = i === 0 ? '0' : `0x${i.toString(16)}`;
    return `${i}: text, ${hex}, ${(i / 8).toFixed(3)}\n`;
  }).join('');
}

describe('A program in C', () => {
  const host = useHostFiles();

  // Runs test/guests/libc.c with these arguments. Returns the output on streams that
  // are not given.
  function run(args, { stdin = 0, stdout, stderr } = {}) {
    const wasi = new WASI({
      version: 'preview1',
      args: ['libc', ...args.map(String)],
      preopens: { '/': host.path('.') },
      stdin,
      stdout: stdout ?? host.open('stdout', 'w'),
      stderr: stderr ?? host.open('stderr', 'w'),
    });
    const instance = new WebAssembly.Instance(
      compile('libc'),
      wasi.getImportObject(),
    );
    const exitCode = wasi.start(instance);
    const { stats } = wasi;
    wasi.wasiImport.fd_close(PREOPEN);
    return {
      exitCode,
      stats,
      stdout: stdout === undefined ? host.read('stdout') : undefined,
      stderr: stderr === undefined ? host.read('stderr') : undefined,
    };
  }

  // A run that reports no error.
  function runWell(args, streams) {
    const { exitCode, stderr = '', ...rest } = run(args, streams);
    assert.deepEqual({ exitCode, stderr }, { exitCode: 0, stderr: '' });
    return rest;
  }

  for (const blocking of [true, false]) {
    const kind = blocking ? 'blocking' : 'non-blocking';
    it(`prints lines to a ${kind} pipe`, () => {
      const { reader, writer } = host.pipe({ blocking });
      const { stats } = runWell(['printf', 1000], { stdout: writer });
      const lines = printed(1000);
      assert.equal(readAvailable(reader).toString(), lines);
      assert.equal(stats.bytes, lines.length);
    });
  }

  it('prints lines to a file', () => {
    assert.equal(runWell(['printf', 5000]).stdout, printed(5000));
  });

  it('prints each byte with a write of its own when unbuffered', () => {
    const { stdout, stats } = runWell(['unbuffered', 1000]);
    assert.equal(
      stdout,
      'abcdefghijklmnopqrstuvwxyz'.repeat(39).slice(0, 1000),
    );
    const { calls, bytes } = stats;
    assert.deepEqual({ calls, bytes }, { calls: 1000, bytes: 1000 });
  });

  it('prints on stdout and stderr in order when both are the same', () => {
    const both = host.open('both', 'w');
    runWell(['streams'], { stdout: both, stderr: both });
    assert.equal(
      host.read('both'),
      'out 0\nerr 0\nout 1\nerr 1\nout 2\nerr 2\n',
    );
  });

  it('prints a prompt without a newline before it reads', async () => {
    const child = spawn(
      process.execPath,
      ['--no-warnings', RUN, LIBC, host.path('.'), 'prompt'],
      { stdio: ['pipe', 'pipe', 'inherit', 'pipe'] },
    );
    child.stdout.setEncoding('utf8');
    let output = '';
    child.stdout.on('data', (data) => {
      output += data;
      if (output === 'name? ') child.stdin.end('World\n');
    });
    const [[result]] = await Promise.all([
      once(child.stdio[3], 'data'),
      once(child, 'close'),
    ]);
    assert.equal(JSON.parse(result).exitCode, 0);
    assert.equal(output, 'name? hello, World');
  });

  it('changes blocks of a file and reads it again', () => {
    const size = 10000;
    const { stats } = runWell(['fwrite', 'file', size, 5]);
    const blocks = [0, 0xee, 2, 3, 4].map((byte) => Buffer.alloc(size, byte));
    const sum = Buffer.from(`sum ${size * (0xee + 2 + 3 + 4)}\n`);
    assertSameBytes(
      fs.readFileSync(host.path('file')),
      Buffer.concat([...blocks, sum]),
    );
    // Five blocks, one of them twice, and the sum.
    assert.equal(stats.calls, 7);
    assert.equal(stats.bytes, 6 * size + sum.length);
  });

  // Each command, its successful writes, and the contents of its file.
  const files = {
    'gathers buffers with writev': ['writev', 3, 'one two three\ntwo '],
    'writes at offsets with pwritev': [
      'pwritev',
      4,
      '01ABCD6789ab\0\0\0\0\0\0\0\0end',
    ],
    'leaves a hole and shrinks with ftruncate': [
      'truncate',
      2,
      '0123\0\0\0\0\0\0after',
    ],
  };
  for (const [does, [command, writes, expected]] of Object.entries(files)) {
    it(does, () => {
      const { stats } = runWell([command, 'file']);
      assert.equal(host.read('file'), expected);
      assert.equal(stats.calls, writes);
    });
  }

  it('appends with O_APPEND until it clears the flag', () => {
    const { stats } = runWell(['append', 'file']);
    assert.equal(host.read('file'), 'ONE TWO three ');
    assert.equal(stats.calls, 5);
  });

  it('prints to a file that replaced its stdout', () => {
    const stdout = host.open('stdout', 'w');
    const { stats } = runWell(['renumber', 'file'], { stdout });
    assert.ok(fs.fstatSync(stdout).isFile()); // it belongs to the caller
    assert.equal(host.read('stdout'), 'to stdout\n');
    assert.equal(host.read('file'), 'from fd, from stdout\n');
    assert.equal(stats.calls, 3);
  });

  it('gets the errno of a failed write', () => {
    assert.equal(
      runWell(['errors', 'file']).stdout,
      [
        // wasi-libc turns NOTCAPABLE into EBADF.
        `read-only: ${ERRNO.BADF}\n`,
        `closed: ${ERRNO.BADF}\n`,
        `never open: ${ERRNO.BADF}\n`,
        `out of bounds: ${ERRNO.FAULT}\n`,
      ].join(''),
    );
  });

  itWithFull('is told that a device is full', () => {
    runWell(['full'], { stdout: host.open(FULL, 'w') });
  });

  for (const code of [0, 1, 42, 255]) {
    it(`ends with exit code ${code}, and its streams flushed`, () => {
      const { exitCode, stdout } = run(['exit', code]);
      assert.deepEqual(
        { exitCode, stdout },
        { exitCode: code, stdout: 'flushed by exit' },
      );
    });
  }

  it('ends by _Exit with what it wrote itself', () => {
    const { exitCode, stdout } = run(['exit-now', 3]);
    assert.deepEqual({ exitCode, stdout }, { exitCode: 3, stdout: 'written' });
  });

  it('ends by abort with what it wrote itself', () => {
    const { output, signal, status } = spawnSync(
      process.execPath,
      ['--no-warnings', RUN, LIBC, host.path('.'), 'abort', 'file'],
      { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe', 'pipe'] },
    );
    assert.deepEqual({ signal, status }, { signal: null, status: 0 });
    const [, stdout, stderr, result] = output;
    assert.deepEqual({ stdout, stderr }, { stdout: 'written', stderr: '' });
    const { thrown, stats } = JSON.parse(result);
    assert.equal(thrown, 'unreachable');
    assert.equal(host.read('file'), 'before abort');
    assert.equal(stats.calls, 2);
  });
});
