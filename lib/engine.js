'use strict';

// Which engine makes the calls: the addon, or node:wasi and node:fs where no addon
// loads.
//
// An engine makes hosts. A host has the descriptors of one guest:
//
//   imports              the calls of preview1 but proc_exit; each throws before
//                        there is a memory. Of createWritesHost only fd_write and
//                        fd_pwrite count, which then answer FAULT
//   combine(writes)      fd_write and fd_pwrite for the guest, where `writes` are
//                        those of `imports` and what is around them
//   setMemory(memory)    a WebAssembly.Memory, or undefined
//   insert(fd, stream)   one that stands there goes; throws where there is no
//                        memory, or no descriptor. A stream is { hostFd }, a number
//                        of the caller's; { target }, a number of TargetList;
//                        { capture }, its limit in bytes; { bytes }, to be read;
//                        { run }, the number of a stream of its run; or {}, the null
//                        device
//   remove(fd)
//   describe(fd)         undefined, or { target, capture }, their numbers
//   captured(number)     what a capture has taken, after a flush
//   isCut(number)        whether there was more
//   before([fd])         flushes before a call that could see it; an errno is for that
//                        fd, and takes the place of the call. What has failed before is
//                        tried again for its own fd alone
//   flush([limit])       writes what is buffered, and waits so many milliseconds; the
//                        errno of what could not be written
//   unflushed()          undefined, or that: { fd, errno, code, pending, target }
//   discard()            gives it up; its bytes
//   stats()              { calls, bytes } that the system took, and { buffered,
//                        bufferedBytes, flushes }
//   close()              closes what was opened for the guest; no fd is open then
//   freeCaptures()       what they have taken is not asked for any more
//
// It has a `delivery`: `deliver(target, iovs, iovsLen, nwritten)` makes a write to a
// target, `write(target, chunk)` one of what was buffered ({ errno, done, canRetry }),
// `takes(target)` says whether it takes
// anything, `lose({ fd, errno, rest })` tells of bytes that can be kept nowhere, `add(target)`
// gives a number, `rethrow()` throws what a target threw.

const { NO_NATIVE, hasAddons, loadAddon } = require('./addon');

// Deno and Bun have a node:wasi of their own, which the fallback cannot use.
const isNode = !('deno' in process.versions || 'bun' in process.versions);

/** The word, the path of an addon, or undefined. */
function wantedEngine() {
  const wanted = process.env.WASI_WRITEV_ENGINE;
  if (wanted === undefined || wanted === '') return undefined;
  if (/^(native|fallback)$|\.node$/.test(wanted)) return wanted;
  const { invalidValue } = require('./errors'); // most processes need none
  throw invalidValue(
    'The environment variable WASI_WRITEV_ENGINE',
    'must be native, fallback or the path of a .node file',
    wanted,
  );
}

/** @returns {{ addon?: object, reason?: string }} one of them */
function choose() {
  const wanted = wantedEngine();
  if (wanted === 'fallback')
    return { reason: 'WASI_WRITEV_ENGINE is fallback' };
  const named = wanted === 'native' ? undefined : wanted;
  try {
    return { addon: loadAddon(named) };
  } catch (error) {
    // Deno may let us see no file.
    if (wanted !== undefined || error.code !== NO_NATIVE) throw error;
    const reason = error.message;
    if (hasAddons()) {
      process.emitWarning(
        `${reason}. Without it writes go through node:fs, and there is no sandbox.`,
        { code: 'WASI_WRITEV_NO_NATIVE' },
      );
    }
    return { reason };
  }
}

let choice;

/** Made at the first use: a program may set the variable before that. */
function chosen() {
  choice ??= choose();
  return choice;
}

function hosts() {
  const { addon } = chosen();
  return addon === undefined
    ? require('./fallback/host')
    : require('./native/host').bind(addon);
}

/**
 * @param {object} options `waitTimeout` in milliseconds, -1 for no limit;
 *   `buffered`: that of the caller, or 'captures' for those alone; `bufferSize`;
 *   `maxOpenFiles`;
 *   `version`, `args`, `env` (strings), `preopens` (pairs of the guest's name and the
 *   host's path), `streams` (three)
 * @param {object} delivery
 */
function createGuestHost(options, delivery) {
  const { addon, reason } = chosen();
  if (addon === undefined && !isNode) {
    const { withCode } = require('./errors');
    const message = `On Deno and Bun a guest needs the addon. ${reason}`;
    throw withCode(new Error(message), NO_NATIVE);
  }
  return hosts().createGuestHost(options, delivery);
}

/** The two calls alone, and no descriptor yet. */
function createWritesHost(options, delivery) {
  return hosts().createWritesHost(options, delivery);
}

/**
 * A run of a guest in another thread: see lib/native/run.js.
 *
 * @throws `ERR_WASI_WRITEV_NO_NATIVE`
 */
function createRun(options) {
  const { addon, reason } = chosen();
  if (addon === undefined) {
    const { withCode } = require('./errors');
    const message = `spawn() needs the addon. ${reason}`;
    throw withCode(new Error(message), NO_NATIVE);
  }
  const { Run } = require('./native/run');
  return new Run(addon, options);
}

const loadFlushes = () => require('./native/flushes');

/** Writes what every guest of this thread has buffered, before the process ends. */
function flushAtExit() {
  if (choice?.addon !== undefined) loadFlushes().flushAtExit();
}

/** A word on stderr about bytes of `unflushed` that are given up. */
function warnOf(left) {
  loadFlushes().warnOf(left);
}

module.exports = {
  createGuestHost,
  createRun,
  createWritesHost,
  /** `'native'` or `'fallback'`. */
  get engine() {
    return chosen().addon === undefined ? 'fallback' : 'native';
  },
  /** Why it is the fallback; undefined where it is not. */
  get fallbackReason() {
    return chosen().reason;
  },
  flushAtExit,
  warnOf,
};
