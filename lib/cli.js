#!/usr/bin/env node
'use strict';

// wasi-writev [options] FILE.wasm [ARGS...]

const fs = require('node:fs');
const { parseArgs } = require('node:util');
const { whyNoDirectory, withPath } = require('./errors');
const { pathOf } = require('./options');

const USAGE = `Usage: wasi-writev [options] FILE.wasm [ARGS...]

Runs a WASI command, and exits with its exit status.

Options:
  --dir HOST[::GUEST]   give the command a directory; may be repeated
  --env NAME[=VALUE]    set a variable, or pass one on; may be repeated
  --argv0 NAME          set the name of the command (default: the file's)
  --buffered[=MODE]     buffer writes: true, false or auto (default: auto)
  --trace[=FILE]        print a line for each write, to FILE or stderr
  --version             print the version
  --help                print this text
`;

const OPTIONS = {
  dir: { type: 'string', multiple: true },
  env: { type: 'string', multiple: true },
  argv0: { type: 'string' },
  buffered: { type: 'string' },
  trace: { type: 'string' },
  version: { type: 'boolean' },
  help: { type: 'boolean' },
};

// The values of options given without one.
const ALONE = { '--buffered': 'true', '--trace': '' };

const BUFFERED = { true: true, false: false, auto: 'auto' };

// As in a shell: an error, a usage error, SIGABRT, SIGPIPE.
const FAILED = 1;
const USAGE_ERROR = 2;
const TRAPPED = 128 + 6;
const PIPE_CLOSED = 128 + 13;

const STDOUT = 1;
const STDERR = 2;
const NO_LIMIT = -1; // milliseconds of a wait

class UsageError extends Error {}

/** The pipe on stdout has no reader: the command ends quietly. */
class PipeClosed extends Error {}

/** Splits the arguments at the file. All after it belong to the command. */
function parse(argv) {
  const complete = argv.map((arg) =>
    Object.hasOwn(ALONE, arg) ? `${arg}=${ALONE[arg]}` : arg,
  );
  const { tokens } = parseArgs({
    args: complete,
    options: OPTIONS,
    allowPositionals: true,
    strict: false,
    tokens: true,
  });
  const at = tokens.find(({ kind }) => kind === 'positional')?.index;
  let values;
  try {
    ({ values } = parseArgs({ args: complete.slice(0, at), options: OPTIONS }));
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
      const guest = at < 0 ? host : dir.slice(at + 2);
      if (host === '' || guest === '') {
        throw new UsageError(`--dir: '${dir}' is not HOST[::GUEST]`);
      }
      return [guest, host];
    }),
  );
}

function envOf(variables = []) {
  const env = Object.create(null); // a variable may have any name
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

function optionsOf({ values, args }) {
  return {
    args,
    argv0: values.argv0,
    preopens: preopensOf(values.dir),
    env: envOf(values.env),
    buffered: bufferedOf(values.buffered),
    stdin: 'inherit',
    stdout: 'inherit',
    stderr: 'inherit',
  };
}

function openTrace(file) {
  try {
    return fs.openSync(pathOf(file), 'w');
  } catch (error) {
    throw new UsageError(`--trace: ${withPath(error, file).message}`);
  }
}

function startTrace(target) {
  if (target === undefined) return;
  const fd = target === '' ? STDERR : openTrace(target);
  const { writeAll } = require('./fs-writer');
  const { printTo } = require('./trace');
  const { ERRNO, ERRNO_NAMES } = require('./preview1');
  let failed = false;
  printTo((line) => {
    if (failed) return;
    const { errno } = writeAll(fd, Buffer.from(`${line}\n`), NO_LIMIT);
    failed = errno !== ERRNO.SUCCESS;
    // The command goes on without a trace.
    if (failed && fd !== STDERR) {
      console.error(`wasi-writev: --trace: ${target}: E${ERRNO_NAMES[errno]}`);
    }
  });
}

/** Loads a program, or throws a UsageError. Some errors of Deno have no code. */
function load(file) {
  try {
    return require('./source').loadSync(file);
  } catch (error) {
    throw new UsageError(error.message);
  }
}

function execute(parsed) {
  let isPipeClosed = false;
  const pipeClosed = (fd) => {
    if (fd !== STDOUT) return;
    isPipeClosed = true;
    throw new PipeClosed();
  };
  try {
    const options = optionsOf(parsed);
    const program = load(parsed.file);
    startTrace(parsed.values.trace);
    const { execute: run } = require('./run');
    const { kPipeClosed } = require('./guest');
    const { exitCode } = run(program, options, { [kPipeClosed]: pipeClosed });
    // The program may have caught PipeClosed.
    return isPipeClosed ? PIPE_CLOSED : exitCode & 0xff;
  } catch (error) {
    return isPipeClosed ? PIPE_CLOSED : statusOf(error);
  }
}

/** Reports the error of a run on stderr, and returns the exit status. */
function statusOf(error) {
  if (error.pending !== undefined) {
    console.error(`wasi-writev: ${error.message}: ${error.code}`);
    return error.exitCode & 0xff || FAILED;
  }
  if (error.syscall === 'uvwasi_init') {
    throw new UsageError(`--dir: ${whyNoDirectory(error.errno, error.path)}`);
  }
  if (error.code !== undefined || error instanceof WebAssembly.LinkError) {
    throw new UsageError(error.message);
  }
  if (error instanceof WebAssembly.Exception) {
    console.error('An exception of WebAssembly that nothing has caught');
    return TRAPPED;
  }
  // V8 throws a RangeError if the stack is full.
  if (
    error instanceof WebAssembly.RuntimeError ||
    error instanceof RangeError
  ) {
    console.error(error.stack);
    return TRAPPED;
  }
  throw error;
}

function print(text) {
  try {
    fs.writeSync(STDOUT, text);
    return 0;
  } catch (error) {
    if (error.code === 'EPIPE') return PIPE_CLOSED;
    console.error(`wasi-writev: ${error.message}`);
    return FAILED;
  }
}

function main(argv) {
  const parsed = parse(argv);
  if (parsed.values.help) {
    return print(USAGE);
  }
  if (parsed.values.version) {
    return print(`${require('./native/abi').VERSION}\n`);
  }
  if (parsed.file === undefined) {
    throw new UsageError('no file was given; --help lists the options');
  }
  return execute(parsed);
}

try {
  process.exitCode = main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  console.error(`wasi-writev: ${error.message}`);
  process.exitCode = USAGE_ERROR;
}
