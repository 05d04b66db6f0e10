'use strict';

// The arguments of the command: lib/cli.js.

const fs = require('node:fs');
const { sep } = require('node:path');
const { parseArgs } = require('node:util');
const { withPath } = require('./errors');
const { pathOf } = require('./options');

const USAGE = `Usage: wasi-writev [run] [options] FILE.wasm [ARGS...]

Runs a WASI command, and exits with its exit status.

Options:
  --dir HOST[::GUEST]   give the command a directory; may be repeated
  --env NAME[=VALUE]    set a variable, or pass one on; may be repeated
  --inherit-env         pass all variables on
  --stdin FILE          read stdin from FILE
  --argv0 NAME          set the name of the command (default: the file's)
  --timeout SECONDS     end the command after this time, with status 124
  --buffered[=MODE]     buffer writes: true, false or auto (default: auto)
  --trace[=FILE]        print a line for each write, to FILE or stderr
  --version             print the version
  -h, --help            print this text
`;

const OPTIONS = {
  dir: { type: 'string', multiple: true },
  env: { type: 'string', multiple: true },
  'inherit-env': { type: 'boolean' },
  stdin: { type: 'string' },
  argv0: { type: 'string' },
  timeout: { type: 'string' },
  buffered: { type: 'string' },
  trace: { type: 'string' },
  version: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
};

// The values of options given without one.
const ALONE = { '--buffered': 'true', '--trace': '' };

const BUFFERED = { true: true, false: false, auto: 'auto' };

const MAX_TIMEOUT = 2 ** 31 - 1; // milliseconds

/** Wrong arguments: a line on stderr. */
class UsageError extends Error {}

function indexOfFile(args) {
  const { tokens } = parseArgs({
    args,
    options: OPTIONS,
    allowPositionals: true,
    strict: false,
    tokens: true,
  });
  return tokens.find(({ kind }) => kind === 'positional')?.index;
}

/**
 * Splits the arguments at the file, and skips a word `run` before it. All after it
 * belong to the command.
 */
function parse(given) {
  let argv = given;
  const complete = () =>
    argv.map((arg) =>
      Object.hasOwn(ALONE, arg) ? `${arg}=${ALONE[arg]}` : arg,
    );
  let at = indexOfFile(complete());
  if (argv[at] === 'run' && argv[at - 1] !== '--') {
    argv = argv.toSpliced(at, 1);
    at = indexOfFile(complete());
  }
  let values;
  try {
    ({ values } = parseArgs({
      args: complete().slice(0, at),
      options: OPTIONS,
    }));
  } catch (error) {
    const [line] = error.message.split('\n');
    throw new UsageError(line);
  }
  const file = at === undefined ? undefined : argv[at];
  return { values, file, args: at === undefined ? [] : argv.slice(at + 1) };
}

/** `HOST::GUEST`, or one name for both. */
function preopensOf(dirs = []) {
  return Object.fromEntries(
    dirs.map((dir) => {
      const at = dir.indexOf('::');
      const host = pathOf(at < 0 ? dir : dir.slice(0, at));
      // A guest splits its paths at slashes, on Windows too.
      const guest = at < 0 ? host.replaceAll(sep, '/') : dir.slice(at + 2);
      if (host === '' || guest === '') {
        throw new UsageError(`--dir: '${dir}' is not HOST[::GUEST]`);
      }
      return [guest, host];
    }),
  );
}

function envOf(variables = [], inherited = {}) {
  const env = Object.assign(Object.create(null), inherited); // a variable may have any name
  for (const variable of variables) {
    const at = variable.indexOf('=');
    const name = at < 0 ? variable : variable.slice(0, at);
    if (name === '') {
      throw new UsageError(`--env: '${variable}' is not NAME[=VALUE]`);
    }
    if (at >= 0) env[name] = variable.slice(at + 1);
    else if (Object.hasOwn(process.env, name)) env[name] = process.env[name];
  }
  return env;
}

function bufferedOf(mode = 'auto') {
  if (!Object.hasOwn(BUFFERED, mode)) {
    throw new UsageError(`--buffered: '${mode}' is not true, false or auto`);
  }
  return BUFFERED[mode];
}

/** Milliseconds. */
function timeoutOf(text) {
  if ('bun' in process.versions) {
    throw new UsageError('--timeout: Bun cannot end a running program');
  }
  const timeout = Math.ceil(Number(text) * 1000);
  if (!(timeout > 0 && timeout <= MAX_TIMEOUT)) {
    throw new UsageError(
      `--timeout: '${text}' is not a number of seconds above 0`,
    );
  }
  return timeout;
}

function stdinOf(file) {
  if (file === undefined) return 'inherit';
  try {
    return fs.openSync(pathOf(file), 'r');
  } catch (error) {
    throw new UsageError(`--stdin: ${withPath(error, file).message}`);
  }
}

function optionsOf({ values, args }) {
  return {
    args,
    argv0: values.argv0,
    preopens: preopensOf(values.dir),
    env: envOf(values.env, values['inherit-env'] ? process.env : {}),
    buffered: bufferedOf(values.buffered),
    // A write that blocks in the kernel would not be timed out.
    waitTimeout: values.timeout === undefined ? Infinity : MAX_TIMEOUT,
    stdin: stdinOf(values.stdin),
    stdout: 'inherit',
    stderr: 'inherit',
  };
}

module.exports = { USAGE, UsageError, optionsOf, parse, timeoutOf };
