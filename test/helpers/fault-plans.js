'use strict';

// Plans of faults for the guest `writes`: a seed's plan, its run, and the checks of
// the result.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { WASI, engine, runSync } = require('../..');
const { dispose } = require('../../lib/wasi');
const { ERRNO, ERRNO_NAMES } = require('../../lib/preview1');
const { assertSameBytes, pattern } = require('./bytes');
const { compile } = require('./guest');
const { readAvailable } = require('./host-files');
const { Random } = require('./random');

const FILE = 'file';
const PIPE = 'pipe';

// Must fit into a pipe, even if small writes waste some of its room.
const MOST_IN_PIPE = 30_000;
const MOST_IN_FILE = 200_000;
const MOST_STEPS = [5, 30, 200];

const LASTING = ['ENOSPC', 'EIO', 'EDQUOT', 'EFBIG', 'EPIPE'];
const PASSING = ['EINTR', 'EAGAIN', ...LASTING];
const NO_PWRITEV2 = ['ENOSYS', 'EOPNOTSUPP'];

/** The results of the write calls: short counts, and some errnos. */
function writesOf(random) {
  const density = random.pick([3, 20, 60]); // percent
  const errnos = PASSING.filter(() => random.oneIn(2));
  const step = () => {
    if (random.below(100) >= density) return null;
    if (errnos.length === 0 || random.oneIn(2)) return random.below(2 ** 30);
    return random.pick(errnos);
  };
  const writes = Array.from(
    { length: random.below(random.pick(MOST_STEPS)) },
    step,
  );
  const stays = random.oneIn(3);
  return { writes: stays ? [...writes, random.pick(LASTING)] : writes, stays };
}

function some(random, most, errnos) {
  return Array.from({ length: random.below(most) }, () =>
    random.oneIn(2) ? random.pick(errnos) : null,
  );
}

/** The plan for a seed. */
function planOf(seed) {
  const random = new Random(seed);
  const target = random.pick(['opened', 'opened', 'stdout', 'pipe']);
  const isPipe = target === 'pipe';
  const way = random.pick(['WASI', 'runSync']);
  // After a trap runSync throws the error, and returns no guest to call later.
  const ends = ['close', 'sync', 'leave', 'exit'];
  if (way === 'WASI') ends.push('trap');
  const hows = ['stdio', 'write', 'writev'];
  if (!isPipe) hows.push('pwrite');
  const end = random.pick(ends);
  return {
    seed,
    target,
    way,
    how: random.pick(hows),
    // The guest must not close the host's stdout, and pipes cannot be synced.
    end: target !== 'opened' && /close|sync/.test(end) ? 'exit' : end,
    append: !isPipe && random.oneIn(4),
    length: random.below(isPipe ? MOST_IN_PIPE : MOST_IN_FILE),
    tries: random.pick([0, 1, 5, 50]),
    options: {
      buffered: random.pick([false, 'auto', true]),
      bufferSize: random.pick([1, 100, 4096, 65536]),
      waitTimeout: random.pick([Infinity, 60_000]),
    },
    ...writesOf(random),
    polls: some(random, 10, ['EINTR']),
    dups: random.oneIn(4) ? some(random, 10, ['EMFILE', 'ENFILE']) : [],
    pwritev2: random.oneIn(2) ? random.pick(NO_PWRITEV2) : undefined,
  };
}

// As in test/guests/writes.c.
const CALLS = ['write', 'pwrite', 'put', 'flush', 'sync', 'close'];
const NOTES = Buffer.from(
  Uint32Array.from({ length: 4 }, (_, i) => Math.imul(2246822519, i + 1))
    .buffer,
);

function notesAt(bytes, at) {
  const word = (i) => bytes.readInt32LE(at + NOTES.length + 4 * i);
  return Array.from({ length: word(0) }, (_, i) => {
    const [call, offset, asked, result, errno] = [1, 2, 3, 4, 5].map((field) =>
      word(5 * i + field),
    );
    return { call: CALLS[call], offset, asked, result, errno };
  });
}

function argsOf({ how, target, append, seed, length, tries, end }, notes) {
  const name = target === 'opened' ? FILE : '-';
  const flags = [append ? 1 : 0, seed % 2 ** 30, length, tries];
  return [how, name, ...flags, end, notes].map(String);
}

/** Where a plan's guest writes: a file, or a pipe whose ends are held open. */
class Place {
  #directory;
  #reader;

  constructor(directory) {
    this.#directory = directory;
    const { O_NONBLOCK, O_RDONLY } = fs.constants;
    this.#reader = fs.openSync(
      path.join(directory, PIPE),
      O_RDONLY | O_NONBLOCK,
    );
  }

  /** Returns the guest's options, and the files or descriptors whose calls fail. */
  begin({ target, append }) {
    const directory = this.#directory;
    const file = path.join(directory, FILE);
    fs.writeFileSync(file, '');
    if (target === 'opened') {
      return { options: { preopens: { '/': directory } }, about: file };
    }
    const name = target === 'pipe' ? PIPE : FILE;
    const flags = fs.constants.O_WRONLY | (append ? fs.constants.O_APPEND : 0);
    const stdout = fs.openSync(path.join(directory, name), flags);
    return {
      options: { stdout },
      about: stdout,
      end: () => fs.closeSync(stdout),
    };
  }

  /** All bytes written since `begin`. */
  read({ target }, before) {
    return target === 'pipe'
      ? Buffer.concat([before, readAvailable(this.#reader)])
      : fs.readFileSync(path.join(this.#directory, FILE));
  }
}

const EMPTY = Buffer.alloc(0);

/** The ways to run the guest. Each returns the outcome. */
const WAYS = {
  WASI(plan, faults, { options, about }) {
    const wasi = new WASI({
      version: 'preview1',
      args: ['writes', ...argsOf(plan, 0)],
      stderr: 'capture',
      ...plan.options,
      ...options,
    });
    const instance = new WebAssembly.Instance(
      compile('writes'),
      wasi.getImportObject(),
    );
    let thrown;
    faults.arm([about], plan);
    try {
      wasi.start(instance);
    } catch (error) {
      thrown = error;
    }
    const log = faults.disarm();
    const memory = Buffer.from(instance.exports.memory.buffer);
    return {
      log,
      thrown,
      notes: notesAt(memory, memory.indexOf(NOTES)),
      flush: () => wasi.flush(),
      end: () => dispose(wasi),
    };
  },

  runSync(plan, faults, { options, about }) {
    let result;
    let thrown;
    faults.arm([about], plan);
    try {
      result = runSync(compile('writes'), {
        args: argsOf(plan, 1),
        stdin: 'ignore',
        ...plan.options,
        ...options,
      });
    } catch (error) {
      thrown = error;
    }
    const log = faults.disarm();
    const { stderr } = result ?? thrown;
    return { log, thrown, notes: notesAt(stderr, 0) };
  },
};

/** Runs a plan. Throws if the outcome breaks a promise. */
function perform(plan, faults, place) {
  const begun = place.begin(plan);
  const outcome = WAYS[plan.way](plan, faults, begun);
  outcome.unread = isUnread(plan, outcome);
  const bytes = place.read(plan, EMPTY);
  check(plan, { ...outcome, bytes });
  if (outcome.flush !== undefined) {
    outcome.flush();
    if (!outcome.unread) {
      checkWhole(plan, outcome, bytes.length, place.read(plan, bytes));
    }
    outcome.end();
  }
  begun.end?.();
  return outcome;
}

// The checks.

const isFlushError = (error) => error?.pending !== undefined;
const sum = (numbers) => numbers.reduce((total, each) => total + each, 0);

/**
 * The writes that the guest was told have succeeded, in order: [from, to] of the
 * pattern.
 */
function acceptedBy(notes) {
  return notes
    .filter(({ call, result }) => /write/.test(call) && result > 0)
    .map(({ offset, result }) => [offset, offset + result]);
}

/** The expected file: all accepted bytes except the last `pending`. */
function imageOf(accepted, pending) {
  let left = sum(accepted.map(([from, to]) => to - from)) - pending;
  assert.ok(left >= 0, 'more bytes are pending than were accepted');
  const image = Buffer.alloc(Math.max(0, ...accepted.map(([, to]) => to)));
  const whole = pattern(image.length);
  let length = 0;
  for (const [from, to] of accepted) {
    const end = Math.min(to, from + left);
    if (end <= from) break;
    whole.copy(image, from, from, end);
    left -= end - from;
    length = Math.max(length, end);
  }
  return image.subarray(0, length);
}

// At the end of a guest, bytes for a pipe without a reader are dropped.
const isUnread = (plan, { log, thrown }) =>
  engine === 'native' &&
  plan.options.buffered !== false &&
  thrown === undefined &&
  hardErrors(plan, log).at(-1)?.error === 'EPIPE';

// The errors that must be reported: the engine handles the others by itself.
function hardErrors({ target }, log) {
  return log.filter(({ call, error }) => {
    if (error === undefined || ['poll', 'dup'].includes(call)) return false;
    if (error === 'EINTR') return false;
    if (error === 'EAGAIN') return target !== 'pipe';
    return !(call === 'pwritev2' && NO_PWRITEV2.includes(error));
  });
}

// Node's fd_write has no errno for EDQUOT.
const isNamesake = (errno, { error }) =>
  ERRNO_NAMES[errno] === error.slice(1) ||
  (error === 'EDQUOT' && errno === ERRNO.NOSYS);

/** Whether the guest's errnos are a subsequence of the errors. */
function isSubsequence(seen, errors) {
  let at = 0;
  return seen.every((errno) => {
    while (at < errors.length && !isNamesake(errno, errors[at])) at++;
    return at++ < errors.length;
  });
}

/** How many bytes the system calls wrote. */
const deliveredBy = (log) =>
  sum(
    log
      .filter(
        ({ call, result }) => call !== 'dup' && call !== 'poll' && result > 0,
      )
      .map(({ result }) => result),
  );

// Checks the outcome at the end of the guest, while the faults are still there.
function check(plan, { notes, log, thrown, bytes, unread }) {
  if (plan.end === 'trap') assert.match(String(thrown), /RuntimeError/);
  else if (thrown !== undefined) assert.ok(isFlushError(thrown), thrown);

  const hard = hardErrors(plan, log);
  // A close that fails still closes, so the guest's second close is BADF.
  const seen = notes
    .filter(({ call, errno }) => call !== 'close' || errno !== ERRNO.BADF)
    .map(({ errno }) => errno)
    .filter((errno) => errno !== 0);
  assert.ok(isSubsequence(seen, hard), 'an errno without an error');
  if (isFlushError(thrown)) {
    assert.notEqual(plan.options.buffered, false, 'bytes were buffered');
    assert.ok(isNamesake(thrown.errno, hard.at(-1)), 'another flush error');
  }
  if (plan.options.buffered === false) checkTold(plan, notes, log, hard, seen);

  const { call, result } = notes.at(-1) ?? {};
  if (/close|sync/.test(call) && result === 0) {
    assert.equal(thrown, undefined, `bytes are left after ${call}`);
  }
  if (plan.how === 'stdio')
    checkText(plan, { notes, log, thrown, bytes, hard, unread });
  else checkCalls(plan, { notes, log, thrown, bytes, unread });
}

// Without a buffer each error reaches the guest, as an errno or as a short count.
function checkTold({ target, how, end }, notes, log, hard, seen) {
  const unseen = hard.length - seen.length;
  const short = notes.filter(
    ({ asked, result }) => result > 0 && result < asked,
  );
  const isOneCall =
    engine === 'native' &&
    target !== 'pipe' &&
    !log.some(({ call, error }) => call === 'dup' && error !== undefined);
  if (isOneCall) {
    // Nobody checks the flush of exit(3).
    const most = how === 'stdio' && end === 'exit' ? 1 : 0;
    assert.ok(unseen <= most, 'an error that the guest was not told');
  } else if (how !== 'stdio' && (engine === 'native' || target !== 'pipe')) {
    assert.ok(unseen <= short.length, 'neither an errno nor a short count');
  }
}

function checkCalls({ end }, { notes, log, thrown, bytes, unread }) {
  const accepted = acceptedBy(notes);
  const total = sum(accepted.map(([from, to]) => to - from));
  const pending = total - deliveredBy(log);
  // A trap is thrown instead of the flush error.
  if (end !== 'trap' && !unread) {
    assert.equal(pending, thrown?.pending ?? 0, 'pending');
  }
  assertSameBytes(bytes, imageOf(accepted, pending));
}

// stdio drops its buffer on an error. All bytes up to its last flush must be there.
function checkText(
  { end, length },
  { notes, log, thrown, bytes, hard, unread },
) {
  assertSameBytes(bytes, pattern(bytes.length));
  assert.equal(bytes.length, deliveredBy(log));
  const failed = notes.some(({ errno }) => errno !== 0);
  const puts = notes.filter(({ call }) => call === 'put');
  const { offset = 0, asked = 0 } = puts.at(-1) ?? {};
  assert.ok(bytes.length <= offset + asked);
  if (end === 'trap' || unread) return;
  const taken = bytes.length + (thrown?.pending ?? 0);
  const flushed = notes.filter(
    ({ call, result }) => /flush|close/.test(call) && result === 0,
  );
  if (!failed) assert.ok(taken >= (flushed.at(-1)?.offset ?? 0), 'flushed');
  const flushes =
    /close|sync/.test(end) || (end === 'exit' && hard.length === 0);
  if (flushes && !failed) assert.equal(taken, length);
}

// Checks the outcome of a flush without faults.
function checkWhole({ how, end }, { notes, thrown }, length, bytes) {
  if (how !== 'stdio') {
    assertSameBytes(bytes, imageOf(acceptedBy(notes), 0));
    return;
  }
  assertSameBytes(bytes, pattern(bytes.length));
  if (end !== 'trap') {
    assert.equal(bytes.length, length + (thrown?.pending ?? 0));
  }
}

module.exports = { PIPE, Place, perform, planOf };
