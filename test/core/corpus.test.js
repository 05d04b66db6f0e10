'use strict';

// The C core alone, over a scripted kernel and with sanitizers. Replays the inputs
// that `npm run fuzz:core` kept: see test/core/fuzz/core.c.

const assert = require('node:assert/strict');
const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { hasSanitizers } = require('../helpers/installed');
const { useTempDir } = require('../helpers/temp');

const ROOT = path.join(__dirname, '..', '..');
const FUZZ = path.join(__dirname, 'fuzz');
const CORPUS = path.join(FUZZ, 'corpus');

const HARNESS = fs.readdirSync(FUZZ).filter((name) => name.endsWith('.c'));

/** Everything except Node-API and the system calls below `sys.h`. */
const SOURCES = ['.', 'preview1']
  .flatMap((folder) =>
    fs
      .readdirSync(path.join(ROOT, 'src', folder))
      .map((name) => path.join(folder, name)),
  )
  .filter((name) => name.endsWith('.c'))
  .filter((name) => !/^(binding|sys_posix.*)\.c$/.test(name))
  .concat('sys_posix_lock.c');

describe('The C core', () => {
  const dir = useTempDir();

  it('agrees with its oracle on every input of the corpus', function () {
    if (process.platform === 'win32' || !hasSanitizers()) this.skip();
    const program = dir.path('replay');
    execFileSync(process.env.CC ?? 'cc', [
      '-std=c11',
      '-O1',
      '-g',
      '-fsanitize=address,undefined',
      '-fno-sanitize-recover=all',
      '-D_GNU_SOURCE',
      `-I${path.join(ROOT, 'src')}`,
      ...HARNESS.map((name) => path.join(FUZZ, name)),
      ...SOURCES.map((name) => path.join(ROOT, 'src', name)),
      '-o',
      program,
    ]);
    const inputs = fs
      .readdirSync(CORPUS)
      .map((name) => path.join(CORPUS, name));
    assert.ok(inputs.length > 0);
    const printed = execFileSync(program, inputs, {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    assert.equal(printed, `${inputs.length} inputs\n`);
  });
});
