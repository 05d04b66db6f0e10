'use strict';

// `npm run build:prebuilds`: makes prebuilds/*.node, the addons that the package
// ships. Sources and flags are those of src/binding.gyp. It needs Debian, whose
// packages have the headers and the libc of each target. `npm pack` goes on
// without them, `npm publish` does not.

const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { runInNewContext } = require('node:vm');

const ROOT = path.dirname(__dirname);
const SRC = path.join(ROOT, 'src');
const OUTPUT = path.join(ROOT, 'prebuilds');

/** Debian's name of an architecture, by Node's. */
const DEBIAN = { x64: 'amd64', arm64: 'arm64' };
const MACHINE = { x64: 'x86_64', arm64: 'aarch64' };

/** What it says for Linux. */
function settings() {
  const text = fs.readFileSync(path.join(SRC, 'binding.gyp'), 'utf8');
  // A literal of Python, and without the comments one of JS.
  const { targets } = runInNewContext(`(${text.replace(/#.*/g, '')})`);
  const [[, , { sources, defines, cflags, ldflags }]] = targets[0].conditions;
  return { sources, defines, cflags, ldflags };
}

/** Where headers and libc of a target are, and the package that has them. */
function platform(arch, libc) {
  const machine = MACHINE[arch];
  if (libc === 'musl') {
    const triple = `${machine}-linux-musl`;
    return {
      triple,
      includes: [`/usr/include/${triple}`],
      library: `/usr/lib/${triple}/libc.so`,
      package: arch === process.arch ? 'musl-dev' : `musl-dev:${DEBIAN[arch]}`,
    };
  }
  const triple = `${machine}-linux-gnu`;
  if (arch === process.arch) {
    return {
      triple,
      includes: [`/usr/include/${triple}`, '/usr/include'],
      library: `/usr/lib/${triple}/libc.so.6`,
      package: 'libc6-dev',
    };
  }
  return {
    triple,
    includes: [`/usr/${triple}/include`],
    library: `/usr/${triple}/lib/libc.so.6`,
    package: `libc6-dev-${DEBIAN[arch]}-cross`,
  };
}

const targets = ['x64', 'arm64'].flatMap((arch) =>
  ['glibc', 'musl'].map((libc) => ({
    name: `linux-${arch}-${libc}.node`,
    ...platform(arch, libc),
  })),
);

/** The Debian packages that are not installed. */
function missingPackages() {
  const missing = Object.entries({ clang: 'clang', 'ld.lld': 'lld' })
    .filter(([tool]) => spawnSync(tool, ['--version']).error)
    .map(([, name]) => name);
  for (const { includes, library, package: name } of targets) {
    const files = [path.join(includes[0], 'bits'), library];
    if (!files.every((file) => fs.existsSync(file))) missing.push(name);
  }
  return missing;
}

function compile({ name, triple, includes, library }) {
  const { sources, defines, cflags, ldflags } = settings();
  const { include_dir: nodeHeaders } = require('node-api-headers');
  const { status, error } = spawnSync(
    'clang',
    [
      `--target=${triple}`,
      ...cflags,
      '-Werror',
      '-fPIC',
      '-nostdlibinc',
      // Else atomics of arm64 are functions of libgcc.
      ...(triple.startsWith('aarch64') ? ['-mno-outline-atomics'] : []),
      ...[nodeHeaders, ...includes].flatMap((dir) => ['-isystem', dir]),
      ...defines
        // A word has 64 bits here. With this the headers of glibc would ask for
        // fcntl64, which came with 2.28.
        .filter((define) => define !== '_FILE_OFFSET_BITS=64')
        .map((define) => `-D${define}`),
      ...sources,
      '-shared',
      '-nostdlib',
      '-fuse-ld=lld',
      ...ldflags,
      '-Wl,--strip-all',
      // By its name alone: the libc of musl has no soname, and its path would be kept.
      `-L${path.dirname(library)}`,
      `-l:${path.basename(library)}`,
      '-o',
      path.join(OUTPUT, name),
    ],
    { cwd: SRC, stdio: 'inherit' },
  );
  if (error) throw error;
  if (status !== 0) throw new Error(`clang failed for ${name}`);
}

function main() {
  const missing = missingPackages();
  if (missing.length > 0) {
    console.error(
      'The prebuilt addons cannot be made here. On Debian 12, as root:\n' +
        `  dpkg --add-architecture ${process.arch === 'x64' ? 'arm64' : 'amd64'}\n` +
        '  apt-get update\n' +
        `  apt-get install --no-install-recommends ${missing.join(' ')}`,
    );
    // Good enough to be tried on this machine, not to be published.
    if (process.env.npm_command !== 'pack') process.exit(1);
    console.error('This tarball has the addon of this machine at the most.');
    return;
  }
  fs.rmSync(OUTPUT, { recursive: true, force: true });
  fs.mkdirSync(OUTPUT);
  for (const target of targets) {
    compile(target);
    const { size } = fs.statSync(path.join(OUTPUT, target.name));
    console.log(`prebuilds/${target.name}: ${size} bytes`);
  }
}

main();
