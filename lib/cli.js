#!/usr/bin/env node
'use strict';

// wasi-writev [run] [options] FILE.wasm [ARGS...]

const fs = require('node:fs');
const {
  USAGE,
  UsageError,
  optionsOf,
  parse,
  timeoutOf,
} = require('./cli-options');
const { whyNoDirectory, withPath } = require('./errors');
const { pathOf } = require('./options');

// As in a shell: an error, a usage error, timeout(1), SIGABRT, SIGPIPE.
const FAILED = 1;
const USAGE_ERROR = 2;
const TIMED_OUT = 124;
const TRAPPED = 128 + 6;
const PIPE_CLOSED = 128 + 13;

const STDOUT = 1;
const STDERR = 2;
const NO_LIMIT = -1; // milliseconds of a wait

/** Windows has all 32 bits of an exit code in the status, and POSIX 8. */
const statusOfExit = (exitCode) =>
  process.platform === 'win32' ? exitCode >>> 0 : exitCode & 0xff;

/** The pipe on stdout has no reader: the command ends quietly. */
class PipeClosed extends Error {}

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

/** Makes `start` end after `timeout` milliseconds: V8 ends JS in no other way. */
function limited(start, timeout) {
  const { runInNewContext } = require('node:vm');
  return () => runInNewContext('start()', { start }, { timeout });
}

function execute(parsed) {
  const { timeout: seconds, trace } = parsed.values;
  let isPipeClosed = false;
  const pipeClosed = (fd) => {
    if (fd !== STDOUT) return;
    isPipeClosed = true;
    throw new PipeClosed();
  };
  try {
    const timeout = seconds === undefined ? undefined : timeoutOf(seconds);
    const options = optionsOf(parsed);
    const program = load(parsed.file);
    startTrace(trace);
    const { execute: run } = require('./run');
    const { kPipeClosed } = require('./guest');
    const { exitCode } = run(
      program,
      options,
      { [kPipeClosed]: pipeClosed },
      (start) => (timeout === undefined ? start : limited(start, timeout)),
    );
    // The program may have caught PipeClosed.
    return isPipeClosed ? PIPE_CLOSED : statusOfExit(exitCode);
  } catch (error) {
    return isPipeClosed ? PIPE_CLOSED : statusOf(error, seconds);
  }
}

const isTrap = (error) =>
  error instanceof WebAssembly.RuntimeError ||
  error instanceof RangeError || // a full stack, of V8
  error instanceof WebAssembly.Exception;

/** The frames of the program in a stack. */
function framesOf({ stack = '' }) {
  const frames = stack
    .split('\n')
    .filter((line) => /wasm-function|wasm:\/\//.test(line));
  return frames.map((line) => `\n    ${line.trim()}`).join('');
}

function printTrap(error) {
  const what =
    error instanceof WebAssembly.Exception
      ? 'an exception of WebAssembly that nothing has caught'
      : `${error.name}: ${error.message}`;
  console.error(`wasi-writev: ${what}${framesOf(error)}`);
}

/** The exit status for what ended a run, after a word about it on stderr. */
function statusOf(error, seconds) {
  if (error.code === 'ERR_SCRIPT_EXECUTION_TIMEOUT') {
    console.error(
      `wasi-writev: the command was ended after ${seconds} seconds`,
    );
    return TIMED_OUT;
  }
  if (error.pending !== undefined) {
    console.error(`wasi-writev: ${error.message}: ${error.code}`);
    return statusOfExit(error.exitCode) || FAILED;
  }
  if (error.syscall === 'uvwasi_init') {
    throw new UsageError(`--dir: ${whyNoDirectory(error.errno, error.path)}`);
  }
  if (error.code !== undefined || error instanceof WebAssembly.LinkError) {
    throw new UsageError(error.message);
  }
  if (!isTrap(error)) throw error;
  printTrap(error);
  return TRAPPED;
}

function print(text) {
  try {
    fs.writeSync(STDOUT, text);
    return 0;
  } catch (error) {
    const { errnoOf } = require('./fs-writer');
    if (errnoOf(error) === require('./preview1').ERRNO.PIPE) return PIPE_CLOSED;
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
    if (argv.length > 0) throw new UsageError('no file was given');
    console.error(USAGE.trimEnd());
    return USAGE_ERROR;
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
