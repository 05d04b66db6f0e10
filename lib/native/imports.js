'use strict';

// The functions that a guest imports. Each stores its arguments in the mailbox and
// calls the addon. Each list of parameter types has its own, since rest parameters
// are slower. A guest that declares other types gets INVAL.

const { BOX, OPS, WRITE } = require('./abi');
const { CALLS, ERRNO } = require('../preview1');
const { isTraced } = require('../trace');

const A = BOX.ARGUMENTS;
const W = BOX.WIDE;
const { INVAL } = ERRNO;

const i = (value) => typeof value === 'number';
const I = (value) => typeof value === 'bigint';

/** Creates the import for `op`, by its parameter types. Hot. */
const SHAPES = {
  '': (mailbox, op) => () => mailbox.run(op),

  i(mailbox, op) {
    const { box } = mailbox;
    return (a) => {
      if (!i(a)) return INVAL;
      box[A] = a;
      return mailbox.run(op);
    };
  },

  ii(mailbox, op) {
    const { box } = mailbox;
    return (a, b) => {
      if (!i(a) || !i(b)) return INVAL;
      box[A] = a;
      box[A + 1] = b;
      return mailbox.run(op);
    };
  },

  iii(mailbox, op) {
    const { box } = mailbox;
    return (a, b, c) => {
      if (!i(a) || !i(b) || !i(c)) return INVAL;
      box[A] = a;
      box[A + 1] = b;
      box[A + 2] = c;
      return mailbox.run(op);
    };
  },

  iiii(mailbox, op) {
    const { box } = mailbox;
    return (a, b, c, d) => {
      if (!i(a) || !i(b) || !i(c) || !i(d)) return INVAL;
      box[A] = a;
      box[A + 1] = b;
      box[A + 2] = c;
      box[A + 3] = d;
      return mailbox.run(op);
    };
  },

  iiiii(mailbox, op) {
    const { box } = mailbox;
    return (a, b, c, d, e) => {
      if (!i(a) || !i(b) || !i(c) || !i(d) || !i(e)) return INVAL;
      box[A] = a;
      box[A + 1] = b;
      box[A + 2] = c;
      box[A + 3] = d;
      box[A + 4] = e;
      return mailbox.run(op);
    };
  },

  iiiiii(mailbox, op) {
    const { box } = mailbox;
    return (a, b, c, d, e, f) => {
      if (!i(a) || !i(b) || !i(c) || !i(d) || !i(e) || !i(f)) return INVAL;
      box[A] = a;
      box[A + 1] = b;
      box[A + 2] = c;
      box[A + 3] = d;
      box[A + 4] = e;
      box[A + 5] = f;
      return mailbox.run(op);
    };
  },

  iiiiiii(mailbox, op) {
    const { box } = mailbox;
    return (a, b, c, d, e, f, g) => {
      if (!i(a) || !i(b) || !i(c) || !i(d) || !i(e) || !i(f) || !i(g))
        return INVAL;
      box[A] = a;
      box[A + 1] = b;
      box[A + 2] = c;
      box[A + 3] = d;
      box[A + 4] = e;
      box[A + 5] = f;
      box[A + 6] = g;
      return mailbox.run(op);
    };
  },

  iI(mailbox, op) {
    const { box, wide } = mailbox;
    return (a, b) => {
      if (!i(a) || !I(b)) return INVAL;
      box[A] = a;
      wide[W] = b;
      return mailbox.run(op);
    };
  },

  iII(mailbox, op) {
    const { box, wide } = mailbox;
    return (a, b, c) => {
      if (!i(a) || !I(b) || !I(c)) return INVAL;
      box[A] = a;
      wide[W] = b;
      wide[W + 1] = c;
      return mailbox.run(op);
    };
  },

  iIi(mailbox, op) {
    const { box, wide } = mailbox;
    return (a, b, c) => {
      if (!i(a) || !I(b) || !i(c)) return INVAL;
      box[A] = a;
      wide[W] = b;
      box[A + 1] = c;
      return mailbox.run(op);
    };
  },

  iIii(mailbox, op) {
    const { box, wide } = mailbox;
    return (a, b, c, d) => {
      if (!i(a) || !I(b) || !i(c) || !i(d)) return INVAL;
      box[A] = a;
      wide[W] = b;
      box[A + 1] = c;
      box[A + 2] = d;
      return mailbox.run(op);
    };
  },

  iIIi(mailbox, op) {
    const { box, wide } = mailbox;
    return (a, b, c, d) => {
      if (!i(a) || !I(b) || !I(c) || !i(d)) return INVAL;
      box[A] = a;
      wide[W] = b;
      wide[W + 1] = c;
      box[A + 1] = d;
      return mailbox.run(op);
    };
  },

  iiiIi(mailbox, op) {
    const { box, wide } = mailbox;
    return (a, b, c, d, e) => {
      if (!i(a) || !i(b) || !i(c) || !I(d) || !i(e)) return INVAL;
      box[A] = a;
      box[A + 1] = b;
      box[A + 2] = c;
      wide[W] = d;
      box[A + 3] = e;
      return mailbox.run(op);
    };
  },

  iiiIii(mailbox, op) {
    const { box, wide } = mailbox;
    return (a, b, c, d, e, f) => {
      if (!i(a) || !i(b) || !i(c) || !I(d) || !i(e) || !i(f)) return INVAL;
      box[A] = a;
      box[A + 1] = b;
      box[A + 2] = c;
      wide[W] = d;
      box[A + 3] = e;
      box[A + 4] = f;
      return mailbox.run(op);
    };
  },

  iiiiIIi(mailbox, op) {
    const { box, wide } = mailbox;
    return (a, b, c, d, e, f, g) => {
      if (!i(a) || !i(b) || !i(c) || !i(d) || !I(e) || !I(f) || !i(g))
        return INVAL;
      box[A] = a;
      box[A + 1] = b;
      box[A + 2] = c;
      box[A + 3] = d;
      wide[W] = e;
      wide[W + 1] = f;
      box[A + 4] = g;
      return mailbox.run(op);
    };
  },

  iiiiiIIii(mailbox, op) {
    const { box, wide } = mailbox;
    return (a, b, c, d, e, f, g, h, j) => {
      if (
        !i(a) ||
        !i(b) ||
        !i(c) ||
        !i(d) ||
        !i(e) ||
        !I(f) ||
        !I(g) ||
        !i(h) ||
        !i(j)
      )
        return INVAL;
      box[A] = a;
      box[A + 1] = b;
      box[A + 2] = c;
      box[A + 3] = d;
      box[A + 4] = e;
      wide[W] = f;
      wide[W + 1] = g;
      box[A + 5] = h;
      box[A + 6] = j;
      return mailbox.run(op);
    };
  },
};

// lib/guest.js has proc_exit.
const FACTORIES = Object.entries(CALLS)
  .filter(([name]) => name !== 'proc_exit')
  .map(([name, types]) => ({ name, op: OPS[name], create: SHAPES[types] }));

/**
 * @param {import('./mailbox').Mailbox} mailbox
 * @returns {object} every call of preview1 except proc_exit
 */
function createImports(mailbox) {
  const imports = {};
  for (const { name, op, create } of FACTORIES) {
    imports[name] = create(mailbox, op);
  }
  return imports;
}

/**
 * fd_write and fd_pwrite of a guest with a buffer. Schedules a flush before it
 * buffers anything: afterwards, a full stack or the end of the guest may prevent
 * that.
 *
 * @param {import('./mailbox').Mailbox} mailbox
 * @param {import('./flushes').Flushes} flushes
 */
function createBufferedWrites(mailbox, flushes) {
  const write = SHAPES.iiiii(mailbox, OPS.buffered_write);
  const pwrite = SHAPES.iiiIii(mailbox, OPS.buffered_pwrite);
  const flags = () =>
    (isTraced() ? WRITE.TRACED : 0) | (flushes.ended ? WRITE.NOT_BUFFERED : 0);
  return {
    fd_write(fd, iovs, iovsLen, nwritten) {
      flushes.schedule();
      return write(fd, iovs, iovsLen, nwritten, flags());
    },

    fd_pwrite(fd, iovs, iovsLen, offset, nwritten) {
      flushes.schedule();
      return pwrite(fd, iovs, iovsLen, offset, nwritten, flags());
    },
  };
}

module.exports = { createBufferedWrites, createImports };
