'use strict';

// `npm run release`: makes wasi-writev-VERSION.tgz, which `npm publish FILE` takes
// as it is. It needs what `npm run build:prebuilds` needs.
//
// Git alone knows the repository: it is the remote `origin`, on GitHub. In the
// tarball package.json names it, and its owner as the author; links to what is not
// in the tarball lead to it, at the tag of the version. So do all links of
// README.md, which is the page of the package on npm. The checkout stays as it is:
// a copy of what `npm pack` takes is changed, and packed again.

const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');

const ROOT = path.dirname(__dirname);

const ON_GITHUB =
  /^(?:https:\/\/(?:[^/@]+@)?|ssh:\/\/git@|git@)github\.com[/:](?<owner>[\w.-]+)\/(?<name>[\w.-]+?)(?:\.git)?\/?$/;
const CREDENTIALS = /(?<=:\/\/)[^/@]+@/;

/** Code, which is to be left alone; or an image or a link. */
const CODE_OR_LINK =
  /^```[^]*?^```$|`[^`]*`|(?<image>!\[[^\]]*)?\]\((?<target>[^()\s]+)\)/gm;
const SCHEME_OR_ANCHOR = /^(?:[a-z]+:|#)/;

function run(command, args, { stdio = 'inherit' } = {}) {
  const { error, status, stdout } = spawnSync(command, args, {
    cwd: ROOT,
    stdio,
    encoding: 'utf8',
  });
  if (error) throw error;
  return { status, stdout };
}

function mustRun(command, args) {
  const { status } = run(command, args);
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} failed`);
}

const readManifest = (directory) =>
  JSON.parse(fs.readFileSync(path.join(directory, 'package.json'), 'utf8'));

/** The URL of the remote, or '' where there is none. */
const remoteUrl = () =>
  run('git', ['remote', 'get-url', 'origin'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  }).stdout.trim();

/** @returns {string[]} why there can be no release */
function faultsOf({ version, remote }) {
  const faults = [];
  if (!ON_GITHUB.test(remote)) {
    const given =
      remote === ''
        ? 'there is none'
        : `it is ${remote.replace(CREDENTIALS, '')}`;
    faults.push(
      `The Git remote origin has to be the repository on GitHub: ${given}`,
    );
  }
  const changes = fs.readFileSync(path.join(ROOT, 'CHANGELOG.md'), 'utf8');
  const [newest] = /^## .*$/m.exec(changes) ?? ['missing'];
  const start = `## [${version}] - `;
  const date = newest.slice(start.length);
  if (!newest.startsWith(start) || !/^\d{4}-\d{2}-\d{2}$/.test(date)) {
    faults.push(
      `The first version in CHANGELOG.md has to be "${start}YYYY-MM-DD": ` +
        `it is "${newest}"`,
    );
  }
  return faults;
}

/**
 * A document of the package with its links as they are in the tarball.
 *
 * @param {string} file its path from the root
 * @param {(file: string) => boolean} staysRelative whether a link to it does
 * @param {string} url of the repository
 * @param {string} tag
 */
function withLinks(text, file, staysRelative, url, tag) {
  return text.replace(CODE_OR_LINK, (whole, image, target) => {
    if (target === undefined || SCHEME_OR_ANCHOR.test(target)) return whole;
    const to = path.posix.join(path.posix.dirname(file), target);
    const [name] = to.split('#');
    let absolute;
    if (to.startsWith('../../')) {
      // Out of the checkout as GitHub shows it, at /OWNER/NAME/blob/BRANCH.
      absolute = `${url}/${to.slice('../../'.length)}`;
    } else if (staysRelative(name)) {
      return whole;
    } else {
      const isDirectory = fs.statSync(path.join(ROOT, name)).isDirectory();
      const kind = image ? 'raw' : isDirectory ? 'tree' : 'blob';
      absolute = `${url}/${kind}/${tag}/${to}`;
    }
    return `${image ?? ''}](${absolute})`;
  });
}

/** Makes what is unpacked in `directory` the package of a release. */
function change(directory, { owner, name }) {
  const url = `https://github.com/${owner}/${name}`;
  const manifest = readManifest(directory);
  Object.assign(manifest, {
    author: { name: owner, url: `https://github.com/${owner}` },
    repository: { type: 'git', url: `git+${url}.git` },
    homepage: `${url}#readme`,
    bugs: { url: `${url}/issues` },
  });
  // They are for a checkout alone.
  delete manifest.scripts;
  delete manifest.devDependencies;
  fs.writeFileSync(
    path.join(directory, 'package.json'),
    `${JSON.stringify(manifest, null, 2)}\n`,
  );
  const isPacked = (file) => fs.existsSync(path.join(directory, file));
  const documents = fs
    .readdirSync(directory, { recursive: true })
    .filter((file) => file.endsWith('.md'));
  for (const file of documents) {
    const place = path.join(directory, file);
    const text = fs.readFileSync(place, 'utf8');
    const staysRelative = file === 'README.md' ? () => false : isPacked;
    fs.writeFileSync(
      place,
      withLinks(text, file, staysRelative, url, `v${manifest.version}`),
    );
  }
}

function main() {
  const { name, version } = readManifest(ROOT);
  const remote = remoteUrl();
  const faults = faultsOf({ version, remote });
  if (faults.length > 0) {
    console.error(faults.join('\n'));
    process.exitCode = 1;
    return;
  }
  const tarball = `${name}-${version}.tgz`;
  const work = fs.mkdtempSync(path.join(os.tmpdir(), `${name}-release-`));
  const pack = ['pack', '--silent', '--ignore-scripts', '--pack-destination'];
  try {
    mustRun('npm', ['run', '--silent', 'build:prebuilds']);
    mustRun('npm', [...pack, work]);
    mustRun('tar', ['-xzf', path.join(work, tarball), '-C', work]);
    const directory = path.join(work, 'package');
    change(directory, ON_GITHUB.exec(remote).groups);
    mustRun('npm', [...pack, ROOT, directory]); // says its name
  } finally {
    fs.rmSync(work, { recursive: true });
  }
}

main();
