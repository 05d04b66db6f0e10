'use strict';

// `npm run build`, and npm's `prepare`: builds the addon of a checkout, and of an
// install from a Git URL. npm also runs `prepare` before it packs a release, whose
// addons `prepack` makes.

const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { hasAddons, prebuilt } = require('../lib/addon');

const ROOT = path.dirname(__dirname);

function build() {
  const { status } = spawnSync(
    process.execPath,
    [require.resolve('node-gyp/bin/node-gyp.js'), 'rebuild'],
    { cwd: ROOT, stdio: 'inherit' },
  );
  return status === 0;
}

/** npm packs a Git dependency by `files`, which does not include build/. */
function keepForGitInstall() {
  const file = prebuilt();
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.copyFileSync(path.join(ROOT, 'build/Release/wasi_writev.node'), file);
}

const packing = ['pack', 'publish'].includes(process.env.npm_command);
const unwanted = !hasAddons() || process.env.WASI_WRITEV_ENGINE === 'fallback';

if (!packing && !unwanted) {
  if (build()) {
    keepForGitInstall();
  } else {
    console.error(
      'wasi-writev: the native engine was not built: see the errors above.\n' +
        'It needs Python 3, make and a C compiler. To install without it, with\n' +
        'writes through node:fs: WASI_WRITEV_ENGINE=fallback npm install',
    );
    process.exit(1);
  }
}
