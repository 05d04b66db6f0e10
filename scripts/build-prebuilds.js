'use strict';

// `npm run build:prebuilds`: builds prebuilds/*.node, the addons that the package
// ships, with the sources and flags of src/binding.gyp. Needs what
// scripts/install-packages installs. `npm pack` goes on without it, `npm run release`
// fails.

const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { prebuilt } = require('../lib/addon');
const { CLANG, LLD } = require('./clang');
const { released, targets } = require('./targets');

const ROOT = path.dirname(__dirname);
const OUTPUT = path.join(ROOT, 'prebuilds');

/** The tools and files that are missing. */
function missing() {
  const tools = [CLANG, LLD].filter(
    (tool) => spawnSync(tool, ['--version']).error,
  );
  const files = targets
    .flatMap(({ needs }) => needs)
    .filter((file) => !fs.existsSync(file));
  return [...tools, ...files];
}

function main() {
  const [lacking] = missing();
  if (lacking !== undefined) {
    console.error(
      `The prebuilt addons cannot be made here without ${lacking}.\n` +
        'On Debian 12 on x64, as root, this installs what they need:\n' +
        '  scripts/install-packages',
    );
    // Good enough to try on this machine, not to publish.
    if (process.env.npm_command !== 'pack') process.exit(1);
    for (const { name } of targets) {
      if (path.join(OUTPUT, name) !== prebuilt()) {
        fs.rmSync(path.join(OUTPUT, name), { force: true });
      }
    }
    console.error('This tarball has the addon of this machine at the most.');
    return;
  }
  fs.rmSync(OUTPUT, { recursive: true, force: true });
  fs.mkdirSync(OUTPUT);
  for (const target of released) {
    const output = path.join(OUTPUT, target.name);
    target.build(output);
    console.log(`prebuilds/${target.name}: ${fs.statSync(output).size} bytes`);
  }
}

main();
