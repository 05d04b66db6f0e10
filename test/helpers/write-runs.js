'use strict';

// Runs programs of writes step by step, in a guest and in the model of
// test/helpers/model.js. After each step the errno and all of the memory must agree;
// from time to time, the files and their offsets too.

const fs = require('node:fs');
const path = require('node:path');
const { engine } = require('../..');
const { ERRNO, FDFLAGS } = require('../../lib/preview1');
const { copyPackage } = require('./copy');
const { makeGuest } = require('./memory-kinds');
const { Description, Model } = require('./model');
const { Random } = require('./random');
const { OFLAGS, PREOPEN, RIGHTS } = require('./session');
const { symbolOf } = require('./symbols');
const { CONTENT, Files, PAGE } = require('./write-files');

const PATH = 16;
const OPENED = 8;
const STDOUT = 1;
const STDERR = 2;

// DATASYNC, WRITE, ALLOCATE, FILESTAT_SET_SIZE: each opens a file for writing.
const OPENS_TO_WRITE = 1n | (1n << 6n) | (1n << 8n) | (1n << 22n);

// Larger writes are left out: they take long and show nothing new.
const LARGEST_CALL = 2 ** 21;

/** Loads the library with one of the engines, whatever the environment says. */
function load(engine) {
  const before = process.env.WASI_WRITEV_ENGINE;
  process.env.WASI_WRITEV_ENGINE = engine;
  try {
    const lib = path.join(copyPackage(), 'lib');
    const parts = ['engine', 'wasi', 'output', 'options', 'targets'].map(
      (name) => require(path.join(lib, `${name}.js`)),
    );
    return Object.assign({}, ...parts);
  } finally {
    if (before === undefined) delete process.env.WASI_WRITEV_ENGINE;
    else process.env.WASI_WRITEV_ENGINE = before;
  }
}

// With the fallback as the engine of the suite, there may be no addon.
const ENGINES = engine === 'native' ? ['native', 'fallback'] : ['fallback'];
const libraries = {};

/** The subjects of a program: each engine, with a buffer and without. */
function subjectsFor(seed) {
  const random = new Random(seed ^ 0x5eed);
  const held = {
    buffered: random.pick([true, 'auto']),
    bufferSize: random.pick([1, 16, 100, 4096, 65536]),
  };
  const waitTimeout = random.pick([Infinity, 60_000]);
  return ENGINES.flatMap((engine) =>
    [{ buffered: false, bufferSize: 65536 }, held].map((options) => ({
      engine,
      ...options,
      waitTimeout: waitTimeout === Infinity ? undefined : waitTimeout,
    })),
  );
}

/** The error of a flush that leaves bytes, or undefined. */
function errorOfFlush(flush) {
  try {
    flush();
  } catch (error) {
    if (error.pending === undefined) throw error;
    return error;
  }
  return undefined;
}

/** Runs a program. The subclasses go through lib/output.js or through `WASI`. */
class Run {
  constructor(directory, program, { engine, ...options }) {
    this.program = program;
    this.engine = engine;
    libraries[engine] ??= load(engine);
    this.library = libraries[engine];
    this.files = new Files(directory, program);
    this.options = options;
  }

  begin() {
    this.start();
    new Uint8Array(this.memory.buffer).set(CONTENT);
    this.model = new Model(CONTENT, {
      ...this.options,
      // The fallback buffers nothing.
      buffered: this.engine === 'native' && this.options.buffered,
      shares: this.program.way === 'WASI' && this.program.kind === 'shared',
    });
    this.mapStdio();
  }

  addEntry(fd, description, rights, writer) {
    this.model.fds.set(fd, {
      description,
      rights: BigInt(rights),
      nonblock: false,
      writer,
    });
  }

  /** The writer of host descriptors: native code or node:fs. */
  get hostWriter() {
    return this.engine === 'native' ? 'native' : 'fs';
  }

  /**
   * @returns {string
   * undefined} a difference from the model
   */
  do(operation) {
    const answer = this[operation.call](operation);
    if (typeof answer === 'string') return answer;
    if (answer !== undefined && answer[0] !== answer[1]) {
      return `errno ${answer[0]} instead of ${answer[1]}`;
    }
    return this.memoryDifference();
  }

  memoryDifference() {
    const memory = Buffer.from(this.memory.buffer);
    if (memory.equals(this.model.memory)) return undefined;
    const at = memory.findIndex((byte, i) => byte !== this.model.memory[i]);
    return `memory differs at ${at}`;
  }

  // A list is cut at the end of the memory.
  #putList({ iovs, buffers, times = 1 }) {
    const words = Buffer.alloc(buffers.length * 8);
    buffers.forEach(([pointer, length], i) => {
      words.writeUInt32LE(pointer, 8 * i);
      words.writeUInt32LE(length, 8 * i + 4);
    });
    const { memory } = this.model;
    const room = Math.max(0, memory.length - iovs);
    const list = Buffer.concat(Array(times).fill(words)).subarray(0, room);
    memory.set(list, Math.min(iovs, memory.length));
    new Uint8Array(this.memory.buffer).set(list, Math.min(iovs, memory.length));
  }

  write(operation) {
    this.#putList(operation);
    const { fd, iovs, count, nwritten, offset } = operation;
    const call = { fd, iovs, count, nwritten };
    if (offset !== undefined) call.offset = BigInt(offset);
    if (this.model.check(call).total > LARGEST_CALL) return undefined;
    const errno =
      offset === undefined
        ? this.guest.fd_write(fd, iovs, count, nwritten)
        : this.guest.fd_pwrite(fd, iovs, count, call.offset, nwritten);
    const memory = Buffer.from(this.memory.buffer);
    const took =
      nwritten + 4 <= memory.length ? memory.readUInt32LE(nwritten) : 0;
    return [errno, this.model.write(call, took)];
  }

  /** Call it after a return to the event loop. */
  tick() {
    this.model.flush();
  }

  grow() {
    this.memory.grow(1);
    this.model.grow(PAGE);
  }

  flush() {
    const error = errorOfFlush(() => this.output.flush());
    return this.#checkLeft(error, this.model.flushAll());
  }

  #checkLeft(error, isDone) {
    if (isDone ? error === undefined : error && this.model.hasLeft(error)) {
      return undefined;
    }
    return `flush threw ${error?.message}, and should ${isDone ? 'not' : ''}`;
  }

  look() {
    const name = this.files.difference();
    return name && `the file ${name} differs`;
  }

  /** Compares the rest after the end of the program. */
  end() {
    const difference = this.flush() ?? this.look() ?? this.memoryDifference();
    if (difference !== undefined) return difference;
    // The flush has thrown the error of the unflushed fd, so stderr need not report
    // it.
    const lines = this.finish();
    return lines === 0 ? undefined : `${lines} lines, and should be none`;
  }

  /** Releases everything. Returns how many lines went to stderr. */
  finish() {
    const { writeSync } = fs;
    let lines = 0;
    fs.writeSync = (fd, ...rest) =>
      fd === STDERR ? lines++ : writeSync(fd, ...rest);
    try {
      this.release();
    } finally {
      fs.writeSync = writeSync;
    }
    this.finished = true;
    return lines;
  }

  // Only OutputRun has it.
  alias() {}
  seek() {}
  setRights() {}
}

/** Writes to descriptors that the host opens. */
class OutputRun extends Run {
  #hostFds = new Map();

  start() {
    const { Output, TargetList, createWritesHost, writeOptions } = this.library;
    const options = writeOptions(this.options);
    this.output = new Output(options, new TargetList(options), {
      createHost: createWritesHost,
      captures: false,
    });
    const { fd_write, fd_pwrite } = this.output;
    Object.assign(this, makeGuest(this.program.kind, { fd_write, fd_pwrite }));
    this.output.setMemory(this.memory);
  }

  mapStdio() {
    this.#map(STDOUT, this.files.open(this.files.stdout));
    this.#map(STDERR, this.files.open('stderr'));
  }

  // createWrites gives every right.
  #map(fd, { hostFd, description }) {
    this.addEntry(fd, description, -1n, this.hostWriter);
    this.output.insert(fd, { hostFd });
    this.#closeHost(fd);
    this.#hostFds.set(fd, hostFd);
  }

  #closeHost(fd) {
    const hostFd = this.#hostFds.get(fd);
    this.#hostFds.delete(fd);
    if (hostFd === undefined) return;
    if ([...this.#hostFds.values()].includes(hostFd)) return;
    this.files.close(hostFd);
  }

  // Like createWrites, changes nothing while bytes are unflushed.
  open({ fd, name, append, readOnly }) {
    const failed = this.flush();
    if (failed !== undefined || !this.model.flushAll()) return failed;
    this.#map(fd, this.files.open(name, { append, readOnly }));
    return undefined;
  }

  /** Puts the same open file description at another guest fd. */
  alias({ fd, of }) {
    const failed = this.flush();
    if (failed !== undefined || !this.model.flushAll()) return failed;
    const entry = this.model.fds.get(of);
    if (entry === undefined || fd === of) return undefined;
    const hostFd = this.#hostFds.get(of);
    this.#map(fd, { hostFd, description: entry.description });
    return undefined;
  }

  close({ fd }) {
    const failed = this.flush();
    if (failed !== undefined || !this.model.flushAll()) return failed;
    this.output.remove(fd);
    this.model.fds.delete(fd);
    this.#closeHost(fd);
    return undefined;
  }

  setFlags() {}

  look() {
    return super.look() ?? this.#offsetDifference();
  }

  #offsetDifference() {
    for (const [fd, hostFd] of this.#hostFds) {
      const { description } = this.model.fds.get(fd);
      if (description.file.kind !== 'file') continue;
      const info = fs.readFileSync(`/proc/self/fdinfo/${hostFd}`, 'latin1');
      const [, offset] = /^pos:\s*(\d+)/.exec(info);
      if (Number(offset) !== description.offset) {
        return `the offset of ${fd} is ${offset}, not ${description.offset}`;
      }
    }
    return undefined;
  }

  release() {
    this.output.abandon();
    this.output.host.close();
    this.files.closeAll();
  }
}

/** Writes to files that the guest opens. */
class WASIRun extends Run {
  start() {
    const stdin = this.files.open('stdin', { readOnly: true });
    const stdout = this.files.open(this.files.stdout);
    const stderr = this.files.open('stderr');
    this.stdio = [stdin, stdout, stderr];
    const wasi = new this.library.WASI({
      version: 'preview1',
      preopens: { '/': path.dirname(this.files.path('a')) },
      stdin: stdin.hostFd,
      stdout: stdout.hostFd,
      stderr: stderr.hostFd,
      ...this.options,
    });
    Object.assign(this, makeGuest(this.program.kind, wasi.wasiImport));
    wasi[symbolOf(wasi, 'kSetMemory')](this.memory);
    this.output = wasi;
  }

  mapStdio() {
    this.stdio.forEach(({ description }, fd) =>
      this.addEntry(fd, description, -1n, this.hostWriter),
    );
    this.addEntry(PREOPEN, undefined, 0n, 'node');
  }

  open({ name, append, rights }) {
    const length = Buffer.byteLength(name);
    for (const memory of [this.model.memory, Buffer.from(this.memory.buffer)]) {
      memory.write(name, PATH);
    }
    const errno = this.guest.path_open(
      PREOPEN,
      0,
      PATH,
      length,
      OFLAGS.CREAT,
      BigInt(rights),
      0n,
      append ? FDFLAGS.APPEND : 0,
      OPENED,
    );
    this.model.flush();
    const fd = this.model.lowestFreeFd();
    const description = new Description(this.files.model.get(name), {
      append,
      readOnly: (BigInt(rights) & OPENS_TO_WRITE) === 0n,
    });
    this.addEntry(
      fd,
      description,
      rights,
      this.engine === 'native' ? 'native' : 'node',
    );
    this.model.memory.writeUInt32LE(fd, OPENED);
    return [errno, ERRNO.SUCCESS];
  }

  close({ fd }) {
    const errno = this.guest.fd_close(fd);
    // A failed flush is reported, and the fd is closed all the same.
    const flushed = this.model.before(fd);
    const expected = this.model.fds.delete(fd) ? flushed : ERRNO.BADF;
    return [errno, expected];
  }

  seek(operation) {
    const { fd, tell, distance, whence, result } = operation;
    // Node has another errno for a bad pointer.
    if (!this.model.has(result, 8)) return undefined;
    const errno = tell
      ? this.guest.fd_tell(fd, result)
      : this.guest.fd_seek(fd, BigInt(distance), whence, result);
    const right = tell ? RIGHTS.FD_TELL : RIGHTS.FD_SEEK;
    return [errno, this.model.seek(operation, right)];
  }

  setFlags({ fd, fdflags }) {
    return [
      this.guest.fd_fdstat_set_flags(fd, fdflags),
      this.model.setFlags(fd, fdflags),
    ];
  }

  setRights({ fd, rights }) {
    return [
      this.guest.fd_fdstat_set_rights(fd, BigInt(rights), 0n),
      this.model.setRights(fd, BigInt(rights)),
    ];
  }

  release() {
    this.library.dispose(this.output);
    this.files.closeAll();
  }
}

const RUNS = { Output: OutputRun, WASI: WASIRun };

/**
 * @param {string} directory for the files
 * @param {object} program of test/helpers/write-programs.js
 * @param {object} subject of `subjectsFor`
 * @returns {Promise<string | undefined>} the first difference
 */
async function runProgram(directory, program, subject) {
  const run = new RUNS[program.way](directory, program, subject);
  run.begin();
  try {
    for (const [i, operation] of program.operations.entries()) {
      // Only then: a return to the event loop flushes.
      if (operation.call === 'tick') await null;
      const difference = run.do(operation);
      if (difference !== undefined) {
        return `operation ${i}, ${operation.call}: ${difference}`;
      }
    }
    return run.end();
  } finally {
    if (!run.finished) run.finish();
  }
}

/** Shortens the list as long as `fails(list)` is true. */
async function shrinkList(list, fails) {
  for (let size = list.length; size >= 1; size >>= 1) {
    for (let from = 0; from < list.length;) {
      const shorter = list.toSpliced(from, size);
      if (await fails(shorter)) list = shorter;
      else from += size;
    }
  }
  return list;
}

/** Removes calls and buffers as long as the program still fails. */
async function shrink(directory, program, subject) {
  const fails = (operations) =>
    runProgram(directory, { ...program, operations }, subject);
  const operations = await shrinkList(program.operations, fails);
  for (const [i, operation] of operations.entries()) {
    if (operation.call !== 'write') continue;
    const withBuffers = (buffers) => ({
      ...operation,
      count: Math.max(
        0,
        operation.count - operation.buffers.length + buffers.length,
      ),
      buffers,
    });
    const buffers = await shrinkList(operation.buffers, (shorter) =>
      fails(operations.with(i, withBuffers(shorter))),
    );
    operations[i] = withBuffers(buffers);
  }
  return { ...program, operations };
}

module.exports = { runProgram, shrink, subjectsFor };
