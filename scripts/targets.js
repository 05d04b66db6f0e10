'use strict';

// The targets of a release, and their Debian packages.

/** The names of an architecture for Debian, the compiler, and readelf. */
const ARCHITECTURES = {
  x64: { debian: 'amd64', machine: 'x86_64', elf: 'X86-64' },
  arm64: { debian: 'arm64', machine: 'aarch64', elf: 'AArch64' },
};

/**
 * @returns {object} a file of prebuilds/; its `triple`, and its machine for readelf;
 *   the `headers` of glibc, and the Debian `package` that has them; the libraries
 *   that must provide its functions, with the package of each
 */
function target([arch, { debian, machine, elf }]) {
  const gnu = `${machine}-linux-gnu`;
  const musl = `${machine}-linux-musl`;
  const native = arch === process.arch;
  const headers = native
    ? [`/usr/include/${gnu}`, '/usr/include']
    : [`/usr/${gnu}/include`];
  const glibc = native ? `/usr/lib/${gnu}` : `/usr/${gnu}/lib`;
  const name = native ? 'libc6-dev' : `libc6-dev-${debian}-cross`;
  return {
    name: `linux-${arch}.node`,
    triple: gnu,
    elf,
    headers,
    package: name,
    libcs: {
      [`${glibc}/libc.so.6`]: name,
      [`/usr/lib/${musl}/libc.so`]: native ? 'musl-dev' : `musl-dev:${debian}`,
    },
  };
}

const targets = Object.entries(ARCHITECTURES).map(target);

module.exports = { targets };
