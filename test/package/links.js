'use strict';

// The links in Markdown files, as the parser marked finds them, and the anchors that
// GitHub gives to headings.

const fs = require('node:fs');
const path = require('node:path');
const { outputOf } = require('./support');

const TOOLS = path.join(__dirname, 'markdown');

/** Installs the parser below `workplace`. */
async function fetchParser(workplace) {
  const directory = path.join(workplace, 'markdown');
  fs.cpSync(TOOLS, directory, { recursive: true });
  outputOf('npm', ['ci', '--no-audit', '--no-fund'], { cwd: directory });
  const [{ marked }, { default: Slugger }] = await Promise.all(
    ['marked/lib/marked.esm.js', 'github-slugger/index.js'].map(
      (file) => import(path.join(directory, 'node_modules', file)),
    ),
  );
  return { marked, Slugger };
}

/** The text that a reader sees of tokens. */
const shown = (tokens) =>
  tokens
    .map(({ tokens: inner, text }) => (inner ? shown(inner) : text))
    .join('');

/** @returns {{ links: { href: string, isImage: boolean }[], anchors: string[] }} */
function parse({ marked, Slugger }, text) {
  const links = [];
  const anchors = [];
  const slugger = new Slugger();
  marked.walkTokens(marked.lexer(text), (token) => {
    if (token.type === 'link' || token.type === 'image') {
      links.push({ href: token.href, isImage: token.type === 'image' });
    } else if (token.type === 'heading') {
      anchors.push(slugger.slug(shown(token.tokens)));
    } else if (token.type === 'html') {
      const attributes = token.text.matchAll(/\b(href|src)="([^"]*)"/g);
      for (const [, name, href] of attributes) {
        links.push({ href, isImage: name === 'src' });
      }
    }
  });
  return { links, anchors };
}

/** A set of files below a directory. Their names are paths from there. */
class Files {
  #parser;
  #root;
  #names;

  constructor(parser, root, names) {
    this.#parser = parser;
    this.#root = root;
    this.#names = new Set(names);
  }

  /** The files that are in Git. */
  static ofCheckout(parser, root) {
    const list = outputOf('git', ['ls-files', '-z'], { cwd: root });
    return new Files(parser, root, list.split('\0').slice(0, -1));
  }

  static ofDirectory(parser, root) {
    const names = fs
      .readdirSync(root, { recursive: true })
      .filter((name) => fs.statSync(path.join(root, name)).isFile());
    return new Files(parser, root, names);
  }

  #parse(name) {
    const text = fs.readFileSync(path.join(this.#root, name), 'utf8');
    return parse(this.#parser, text);
  }

  has = (name) => this.#names.has(name);

  hasDirectory = (name) =>
    [...this.#names].some((other) => other.startsWith(`${name}/`));

  /** Whether the file or directory `NAME`, or the heading `NAME#ANCHOR`, exists. */
  hasPlace(place) {
    const [name, anchor] = place.split('#');
    if (anchor === undefined) return this.has(name) || this.hasDirectory(name);
    return this.has(name) && this.#parse(name).anchors.includes(anchor);
  }

  /**
   * All links and images of the documents. `place` is the target of a relative link,
   * from the root.
   *
   * @returns {{ file: string, href: string, isImage: boolean, place?: string }[]}
   */
  get links() {
    return [...this.#names]
      .filter((file) => file.endsWith('.md'))
      .flatMap((file) =>
        this.#parse(file).links.map(({ href, isImage }) => {
          if (/^[a-z]+:/.test(href)) return { file, href, isImage };
          const place = href.startsWith('#')
            ? file + href
            : path.posix.join(path.posix.dirname(file), href);
          return { file, href, isImage, place };
        }),
      );
  }
}

module.exports = { Files, fetchParser };
