'use strict';

// `npm run release`: makes wasi-writev-VERSION.tgz, for `npm publish FILE`. Needs the
// same packages as `npm run build:prebuilds`.
//
// The Git remote `origin` is the repository, on GitHub. In the tarball, package.json
// names it, and its owner as the author. Links to files that are not in the tarball,
// and all links of README.md, the package's page on npm, lead to the repository at the
// tag of the version. The checkout stays as it is: the script unpacks the tarball of
// `npm pack`, changes it, and packs it again.

const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { gunzipSync } = require('node:zlib');

const ROOT = path.dirname(__dirname);

const ON_GITHUB =
  /^(?:https:\/\/(?:[^/@]+@)?|ssh:\/\/git@|git@)github\.com[/:](?<owner>[\w.-]+)\/(?<name>[\w.-]+?)(?:\.git)?\/?$/;
const CREDENTIALS = /(?<=:\/\/)[^/@]+@/;

/** Matches code, to leave it alone; or an image or a link. */
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

/** @returns {string[]} the reasons to refuse a release */
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
 * Changes the links of a document to those for the tarball.
 *
 * @param {string} file its path from the root
 * @param {(file: string) => boolean} staysRelative whether links to a file do
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
      // Leads out of the checkout, which GitHub shows at /OWNER/NAME/blob/BRANCH.
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

/** Turns the unpacked tarball in `directory` into that of a release. */
function change(directory, { owner, name }) {
  const url = `https://github.com/${owner}/${name}`;
  const manifest = readManifest(directory);
  Object.assign(manifest, {
    author: { name: owner, url: `https://github.com/${owner}` },
    repository: { type: 'git', url: `git+${url}.git` },
    homepage: `${url}#readme`,
    bugs: { url: `${url}/issues` },
  });
  // Only a checkout needs these.
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

/** Compresses the tarball once more, a twentieth smaller than npm does. */
function compress(from, to) {
  const archive = `${from}.tar`;
  fs.writeFileSync(archive, gunzipSync(fs.readFileSync(from)));
  mustRun('zopfli', [archive]);
  fs.copyFileSync(`${archive}.gz`, to);
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
    mustRun('npm', [...pack, work, directory]); // prints the name
    compress(path.join(work, tarball), path.join(ROOT, tarball));
  } finally {
    fs.rmSync(work, { recursive: true });
  }
}

main();
