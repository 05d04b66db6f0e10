'use strict';

// `npm run release` in a clone of the last commit, and the links of the documents, here
// and in the tarball.

const assert = require('node:assert/strict');
const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { Files, fetchParser } = require('./links');
const { ROOT, createWorkplace, outputOf } = require('./support');

const URL = 'https://github.com/example-owner/a.name';
const { version } = require(path.join(ROOT, 'package.json'));
const LARGEST = 350_000; // bytes
const TARBALL = `wasi-writev-${version}.tgz`;

/** Pages of the repository on GitHub that are not files. */
const PAGES = ['security/advisories/new'];

describe('a release', function () {
  this.timeout(600_000);

  const workplace = createWorkplace();
  const clone = path.join(workplace, 'clone');
  const unpacked = path.join(workplace, 'package');
  let parser;

  before(async function () {
    if (!fs.existsSync(path.join(ROOT, '.git'))) this.skip();
    parser = await fetchParser(workplace);
    outputOf('git', ['clone', '--quiet', ROOT, clone], {});
    fs.symlinkSync(
      path.join(ROOT, 'node_modules'),
      path.join(clone, 'node_modules'),
    );
  });

  function npm(...args) {
    const { error, status, stdout, stderr } = spawnSync('npm', args, {
      cwd: clone,
      encoding: 'utf8',
    });
    assert.ifError(error);
    return { status, stdout, stderr };
  }

  const setRemote = (remote) =>
    outputOf('git', ['config', 'remote.origin.url', remote], { cwd: clone });

  /** Sets the heading of the newest version in the clone's changelog. */
  function setNewest(heading) {
    const file = path.join(clone, 'CHANGELOG.md');
    const text = fs.readFileSync(file, 'utf8');
    fs.writeFileSync(file, text.replace(/^## .*$/m, heading));
  }

  /** Asserts that the release is refused. Returns its message. */
  function refusal() {
    const { status, stdout, stderr } = npm('run', '--silent', 'release');
    assert.equal(status, 1, stdout);
    assert.ok(!fs.existsSync(path.join(clone, TARBALL)));
    return stderr;
  }

  it('is refused without a repository, and says so', () => {
    outputOf('git', ['remote', 'remove', 'origin'], { cwd: clone });
    assert.match(
      refusal(),
      /remote origin has to be .* on GitHub: there is none$/m,
    );
  });

  it('is refused for a repository elsewhere, without printing a password', () => {
    setRemote('https://user:secret@example.org/a/b.git');
    const said = refusal();
    assert.match(said, /on GitHub: it is https:\/\/example\.org\/a\/b\.git$/m);
    assert.doesNotMatch(said, /secret/);
  });

  it('accepts each form of a GitHub URL', () => {
    setNewest('## [Unreleased]');
    for (const remote of [
      URL,
      `${URL}.git`,
      'https://user:secret@github.com/example-owner/a.name.git',
      'git@github.com:example-owner/a.name.git',
      'ssh://git@github.com/example-owner/a.name.git',
    ]) {
      setRemote(remote);
      assert.match(refusal(), /^The first version in CHANGELOG.*\n$/, remote);
    }
  });

  it('is refused for a version without a date', () => {
    for (const heading of [
      '## [Unreleased]',
      `## [${version}]`,
      `## [${version}] - soon`,
      '## [0.0.1] - 2026-01-31',
    ]) {
      setNewest(heading);
      assert.ok(
        refusal().includes(`[${version}] - YYYY-MM-DD": it is "${heading}"`),
      );
    }
  });

  it('is not published from the checkout', () => {
    const { status, stderr } = npm('publish', '--dry-run', '--tag', 'test');
    assert.equal(status, 1);
    assert.match(stderr, /npm run release makes the tarball/);
  });

  describe('with a repository and a date', () => {
    let state;

    const stateOfClone = () =>
      outputOf('git', ['diff'], { cwd: clone }) +
      outputOf('git', ['status', '--porcelain'], { cwd: clone });

    before(() => {
      setRemote('https://user:secret@github.com/example-owner/a.name.git');
      setNewest(`## [${version}] - 2026-01-31`);
      state = stateOfClone();
      const { status, stdout, stderr } = npm('run', '--silent', 'release');
      assert.equal(status, 0, stdout + stderr);
      outputOf('tar', ['-xzf', path.join(clone, TARBALL), '-C', workplace], {});
    });

    it('is small', () => {
      const { size } = fs.statSync(path.join(clone, TARBALL));
      assert.ok(size < LARGEST, `${size} bytes`);
    });

    it('leaves the checkout as it was', () => {
      assert.equal(stateOfClone(), state);
    });

    it('names the repository and its owner, and has no dependencies', () => {
      const read = (directory) =>
        JSON.parse(fs.readFileSync(path.join(directory, 'package.json')));
      const { scripts, devDependencies, ...rest } = read(clone);
      assert.ok(scripts && devDependencies);
      assert.deepEqual(read(unpacked), {
        ...rest,
        author: {
          name: 'example-owner',
          url: 'https://github.com/example-owner',
        },
        repository: { type: 'git', url: `git+${URL}.git` },
        homepage: `${URL}#readme`,
        bugs: { url: `${URL}/issues` },
      });
    });

    it('equals the output of npm pack, except package.json and documents', () => {
      const directory = path.join(workplace, 'by-npm');
      fs.mkdirSync(directory);
      const pack = ['pack', '--ignore-scripts', '--pack-destination'];
      assert.equal(npm(...pack, directory).status, 0);
      const file = path.join(directory, TARBALL);
      outputOf('tar', ['-xzf', file, '-C', directory], {});
      const { stdout } = spawnSync(
        'diff',
        ['-rq', path.join(directory, 'package'), unpacked],
        { encoding: 'utf8' },
      );
      const lines = stdout.trimEnd().split('\n');
      const others = lines.filter((line) => !/\.(md|json) differ$/.test(line));
      assert.deepEqual(others, []);
    });

    it('passes publint', () => {
      outputOf('npx', ['publint', path.join(clone, TARBALL), '--strict'], {
        cwd: ROOT,
      });
    });

    it('has only links that lead into it, or to the repository at its tag', () => {
      const packed = Files.ofDirectory(parser, unpacked);
      const checkout = Files.ofCheckout(parser, clone);
      const isGood = {
        blob: (place) =>
          checkout.has(place.split('#')[0]) && checkout.hasPlace(place),
        tree: checkout.hasDirectory,
        raw: checkout.has,
      };
      assert.ok(packed.links.length > 50);
      const broken = packed.links.filter(({ file, href, isImage, place }) => {
        if (place !== undefined) {
          const isAnchor = href.startsWith('#');
          return (file === 'README.md' && !isAnchor) || !packed.hasPlace(place);
        }
        if (!href.startsWith(`${URL}/`)) return !href.startsWith('https://');
        const page = href.slice(URL.length + 1);
        if (PAGES.includes(page)) return false;
        const [kind, tag, ...rest] = page.split('/');
        return (
          tag !== `v${version}` ||
          isImage !== (kind === 'raw') ||
          !isGood[kind](rest.join('/'))
        );
      });
      assert.deepEqual(broken, []);
    });
  });

  describe('of the checkout', () => {
    it('has only links to files and headings that exist', () => {
      const checkout = Files.ofCheckout(parser, ROOT);
      assert.ok(checkout.links.length > 100);
      const broken = checkout.links
        .filter(({ place }) => place !== undefined)
        // GitHub shows the checkout at /OWNER/NAME/blob/BRANCH.
        .filter(({ place }) => !PAGES.some((page) => place === `../../${page}`))
        .filter(({ place }) => !checkout.hasPlace(place));
      assert.deepEqual(broken, []);
    });
  });
});
