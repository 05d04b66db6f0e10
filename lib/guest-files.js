'use strict';

// The guest's descriptors under the drop-in: which of them our engine writes,
// and the wrapped calls of Node's WASI that keep this true.

const hostFds = require('./host-fds');
const { createList } = require('./memory');
const { ENTRY, ERRNO, FDFLAGS, RIGHTS } = require('./preview1');

const ALL_FDFLAGS = 0x1f;
const OFLAGS_DIRECTORY = 2;
const WHENCE_CUR = 1;

const STDIO = ['stdin', 'stdout', 'stderr'];

// What becomes of a write to a guest fd.
const ADOPTABLE = 'adoptable'; // nobody has written to it yet
const OURS = 'ours'; // in the engine's table
const DELEGATED = 'delegated'; // Node's fd_write does it
const CLOSED = 'closed'; // Node failed to close it: nobody writes to it

/**
 * @typedef {object} GuestFd
 * @property {string} writer one of the above
 * @property {boolean} stream a standard stream that is no regular file
 * @property {boolean} adopted the engine has a copy of Node's descriptor
 * @property {bigint} rights as the guest has them
 * @property {boolean} lent Node's table has FD_FDSTAT_SET_FLAGS, the guest not
 * @property {number} fdflags as the guest set them
 * @property {number} hint the host descriptor to try first, or -1
 */

/** A preopen. @type {GuestFd} */
const DIRECTORY = {
  writer: DELEGATED,
  stream: false,
  adopted: false,
  rights: 0n,
  lent: false,
  fdflags: 0,
  hint: -1,
};

function entryFlags({ rights, fdflags }) {
  return (
    (rights & RIGHTS.FD_WRITE ? ENTRY.MAY_WRITE : 0) |
    (rights & RIGHTS.FD_SEEK ? ENTRY.MAY_SEEK : 0) |
    (fdflags & FDFLAGS.NONBLOCK ? ENTRY.NONBLOCK : 0) |
    (fdflags & FDFLAGS.APPEND ? ENTRY.APPEND : 0)
  );
}

const neededRights = (offset) =>
  offset === undefined ? RIGHTS.FD_WRITE : RIGHTS.FD_WRITE | RIGHTS.FD_SEEK;

/** See the top of the file. One for each `WASI`. */
class GuestFiles {
  #node;
  #memory;
  #output;
  #placeholders;
  #preopens;
  #scratch;
  #fds = new Map();
  #released = new Set(); // streams whose placeholders are closed
  #list = createList();

  /** How many files were adopted, and how many writes went to Node. */
  adopted = 0;
  delegated = 0;

  /**
   * @param {object} node Node's import functions, as lib/delegates.js makes them
   * @param {import('./memory').GuestMemory} memory
   * @param {import('./scratch').Scratch} scratch
   * @param {number} preopens how many directories it begins with
   */
  constructor(node, memory, scratch, preopens) {
    this.#node = node;
    this.#memory = memory;
    this.#scratch = scratch;
    this.#preopens = preopens;
  }

  /**
   * @param {import('./output').Output} output
   * @param {Array<number | object>} stdio targets of the guest's 0, 1 and 2
   * @param {Map<number, number>} placeholders guest fd to the host descriptor
   *   that Node has in place of a target which is none
   */
  attach(output, stdio, placeholders) {
    this.#output = output;
    this.#placeholders = placeholders;
    for (let i = 0; i < this.#preopens; i++) {
      this.#fds.set(STDIO.length + i, { ...DIRECTORY });
    }
    return stdio.map((target, fd) => {
      const flags = ENTRY.MAY_WRITE | ENTRY.MAY_SEEK;
      const made = output.map(fd, target, flags);
      this.#fds.set(fd, {
        writer: OURS,
        stream: !output.engine.kind(fd)?.file,
        adopted: false,
        rights: -1n,
        lent: false,
        fdflags: output.engine.inspect(fd).append ? FDFLAGS.APPEND : 0,
        hint: -1,
      });
      return made;
    });
  }

  /** The wrapped calls, to be laid over Node's. */
  imports() {
    const wrapped = [
      'path_open',
      'fd_close',
      'fd_renumber',
      'fd_fdstat_get',
      'fd_fdstat_set_flags',
      'fd_fdstat_set_rights',
    ];
    return Object.fromEntries(
      wrapped.map((name) => [name, (...values) => this[name](...values)]),
    );
  }

  /** Adopts a file that nobody has written to yet. Says whether it did. */
  prepare(fd) {
    const state = this.#fds.get(fd);
    if (state?.writer !== ADOPTABLE) return false;
    state.adopted = this.#adopt(fd, state);
    state.writer = state.adopted ? OURS : DELEGATED;
    if (state.adopted) this.adopted++;
    return state.adopted;
  }

  /** A write to an fd that `output` does not have. */
  write(fd, iovs, iovsLen, nwritten, offset) {
    if (this.prepare(fd >>> 0)) {
      return this.#output.writeNow(fd, iovs, iovsLen, nwritten, offset);
    }
    const state = this.#fds.get(fd >>> 0);
    if (state === undefined || state.writer === CLOSED) return ERRNO.BADF;
    const needed = neededRights(offset);
    if ((state.rights & needed) !== needed) return ERRNO.NOTCAPABLE;
    // Node's own checks give other errnos.
    const errno = this.#memory.readList(iovs, iovsLen, nwritten, this.#list);
    if (errno !== ERRNO.SUCCESS) return errno;
    if (offset !== undefined && BigInt.asIntN(64, offset) < 0n) {
      return ERRNO.INVAL;
    }
    if (this.#list.total === 0) {
      this.#memory.setU32(nwritten, 0);
      return ERRNO.SUCCESS;
    }
    this.delegated++;
    return offset === undefined
      ? this.#node.fd_write(fd, iovs, iovsLen, nwritten)
      : this.#node.fd_pwrite(fd, iovs, iovsLen, offset, nwritten);
  }

  #adopt(fd, state) {
    if (this.#output.engine.adopt === undefined) return false;
    const { fdflags } = state;
    const node = this.#node;
    const file = {
      move: (distance) =>
        node.fd_seek(fd, distance, WHENCE_CUR, 0) === ERRNO.SUCCESS,
      setNonblock: (nonblock) =>
        node.fd_fdstat_set_flags(
          fd,
          nonblock ? fdflags | FDFLAGS.NONBLOCK : fdflags & ~FDFLAGS.NONBLOCK,
        ) === ERRNO.SUCCESS,
      nonblock: (fdflags & FDFLAGS.NONBLOCK) !== 0,
    };
    // Node puts the new offset into memory: not into the guest's.
    return this.#scratch.during(() =>
      this.#output.engine.adopt(fd, state.hint, file, entryFlags(state)),
    );
  }

  #update(fd, state) {
    if (state.writer === OURS)
      this.#output.setFlags(fd >>> 0, entryFlags(state));
  }

  path_open(
    dirfd,
    dirflags,
    path,
    pathLen,
    oflags,
    rights,
    inheriting,
    fdflags,
    fdPointer,
  ) {
    const open = (asked) =>
      this.#node.path_open(
        dirfd,
        dirflags,
        path,
        pathLen,
        oflags,
        asked,
        inheriting,
        fdflags,
        fdPointer,
      );
    if (typeof rights !== 'bigint') return open(rights);

    const writes = (rights & RIGHTS.FD_WRITE) !== 0n;
    const adoptable = writes && this.#output.engine.adopt !== undefined;
    let lent = adoptable && (rights & RIGHTS.FD_FDSTAT_SET_FLAGS) === 0n;
    const hint = adoptable ? this.#output.engine.nextHostFd() : -1;
    let errno = open(lent ? rights | RIGHTS.FD_FDSTAT_SET_FLAGS : rights);
    if (errno === ERRNO.NOTCAPABLE && lent) {
      // The directory does not hand that right on.
      lent = false;
      errno = open(rights);
    }
    if (errno === ERRNO.SUCCESS && this.#released.size > 0) {
      errno = this.#moveOffStreams(dirfd, fdPointer);
    }
    if (errno === ERRNO.SUCCESS) {
      this.#fds.set(this.#memory.u32(fdPointer), {
        writer: adoptable ? ADOPTABLE : DELEGATED,
        stream: false,
        adopted: false,
        rights,
        lent,
        fdflags: fdflags & ALL_FDFLAGS,
        hint,
      });
    }
    return errno;
  }

  // A guest that goes on after `close()` or `start()` still has its streams, of
  // which Node does not know any more. A file that was opened under such a number
  // is moved to that of a directory, opened for this.
  #moveOffStreams(dirfd, fdPointer) {
    const opened = this.#memory.u32(fdPointer);
    if (!this.#released.has(opened)) return ERRNO.SUCCESS;
    const fds = [opened];
    let errno = ERRNO.SUCCESS;
    while (errno === ERRNO.SUCCESS && this.#released.has(fds.at(-1))) {
      const directory = this.#openDirectory(dirfd);
      errno = directory.errno;
      if (errno === ERRNO.SUCCESS) fds.push(directory.fd);
    }
    if (errno === ERRNO.SUCCESS) {
      errno = this.#node.fd_renumber(opened, fds.at(-1));
    }
    if (errno === ERRNO.SUCCESS) {
      // The last is the file's, and its first number is free.
      this.#memory.setU32(fdPointer, fds.pop());
      fds.shift();
    }
    for (const fd of fds) this.#node.fd_close(fd);
    return errno;
  }

  /** Opens what `dirfd` is, once more. */
  #openDirectory(dirfd) {
    const { bytes } = this.#scratch;
    const FD = 4; // behind the path
    bytes.set(Buffer.from('.\0'));
    const errno = this.#scratch.during(() =>
      this.#node.path_open(dirfd, 0, 0, 1, OFLAGS_DIRECTORY, 0n, 0n, 0, FD),
    );
    const fd = new DataView(bytes.buffer).getUint32(FD, true);
    return { errno, fd };
  }

  // Our copy goes first: then Node's close is the last, and reports what the
  // last close of a file can report.
  fd_close(fd) {
    const state = this.#fds.get(fd >>> 0);
    this.#output.unmap(fd >>> 0);
    if (this.#released.delete(fd >>> 0)) {
      this.#fds.delete(fd >>> 0);
      return ERRNO.SUCCESS;
    }
    const errno = this.#node.fd_close(fd);
    if (errno === ERRNO.SUCCESS || errno === ERRNO.BADF) {
      this.#fds.delete(fd >>> 0);
      this.#dropPlaceholder(fd >>> 0);
    } else if (state !== undefined) {
      state.writer = CLOSED;
    }
    return errno;
  }

  fd_renumber(from, to) {
    const errno = this.#node.fd_renumber(from, to);
    if (errno !== ERRNO.SUCCESS || from === to) return errno;
    const state = this.#fds.get(from >>> 0);
    this.#output.move(from >>> 0, to >>> 0);
    this.#fds.delete(from >>> 0);
    this.#fds.delete(to >>> 0);
    if (state !== undefined) this.#fds.set(to >>> 0, state);
    const placeholder = this.#placeholders.get(from >>> 0);
    this.#placeholders.delete(from >>> 0);
    this.#dropPlaceholder(to >>> 0);
    if (placeholder !== undefined) {
      this.#placeholders.set(to >>> 0, placeholder);
    }
    return errno;
  }

  // Node passes the host's flags on as they are, with the host's numbers. The
  // guest gets those that it set, in its own.
  fd_fdstat_get(fd, pointer) {
    const errno = this.#node.fd_fdstat_get(fd, pointer);
    if (errno !== ERRNO.SUCCESS) return errno;
    const state = this.#fds.get(fd >>> 0);
    const FLAGS = 2; // offsets in fdstat
    const RIGHTS_BASE = 8;
    const memory = this.#memory;
    memory.setU16(pointer + FLAGS, state?.fdflags ?? 0);
    if (state?.lent) {
      memory.setU64(
        pointer + RIGHTS_BASE,
        memory.u64(pointer + RIGHTS_BASE) & ~RIGHTS.FD_FDSTAT_SET_FLAGS,
      );
    }
    return errno;
  }

  fd_fdstat_set_flags(fd, fdflags) {
    const state = this.#fds.get(fd >>> 0);
    if (state === undefined) return this.#node.fd_fdstat_set_flags(fd, fdflags);
    if (state.lent) return ERRNO.NOTCAPABLE;
    const errno =
      state.stream && fd !== 0
        ? this.#setStreamFlags(fd, state, fdflags)
        : this.#node.fd_fdstat_set_flags(fd, fdflags);
    if (errno === ERRNO.SUCCESS) {
      state.fdflags = fdflags & ALL_FDFLAGS;
      this.#update(fd, state);
    }
    return errno;
  }

  // The guest's stdout and stderr are open file descriptions that other programs
  // hold too. NONBLOCK is kept for the guest alone, and the host's own stays.
  #setStreamFlags(fd, state, fdflags) {
    if (!(state.rights & RIGHTS.FD_FDSTAT_SET_FLAGS)) return ERRNO.NOTCAPABLE;
    if (((state.fdflags ^ fdflags) & ALL_FDFLAGS & ~FDFLAGS.NONBLOCK) === 0) {
      return ERRNO.SUCCESS;
    }
    const { nonblock } = this.#output.engine.inspect(fd);
    return this.#node.fd_fdstat_set_flags(
      fd,
      (fdflags & ~FDFLAGS.NONBLOCK) | (nonblock ? FDFLAGS.NONBLOCK : 0),
    );
  }

  // A right that Node keeps for the adoption alone is not the guest's to use, or
  // to take up again.
  fd_fdstat_set_rights(fd, rights, inheriting) {
    const state = this.#fds.get(fd >>> 0);
    if (state === undefined || typeof rights !== 'bigint') {
      return this.#node.fd_fdstat_set_rights(fd, rights, inheriting);
    }
    const SET_FLAGS = RIGHTS.FD_FDSTAT_SET_FLAGS;
    const keeps = (rights & SET_FLAGS) !== 0n;
    if (state.lent && keeps) return ERRNO.NOTCAPABLE;
    const had = (state.rights & SET_FLAGS) !== 0n;
    const lent = state.lent || (state.writer === ADOPTABLE && had && !keeps);
    const errno = this.#node.fd_fdstat_set_rights(
      fd,
      lent ? rights | SET_FLAGS : rights,
      inheriting,
    );
    if (errno === ERRNO.SUCCESS) {
      state.rights = rights;
      state.lent = lent;
      this.#update(fd, state);
    }
    return errno;
  }

  /**
   * Closes what is open here for the guest: the copies and the placeholders. What
   * the guest still writes to its files goes to Node. A file that has bytes left
   * from a flush that failed is kept, so that a later flush can write them.
   */
  release() {
    for (const [fd, state] of this.#fds) {
      if (state.writer === ADOPTABLE) state.writer = DELEGATED;
      if (!state.adopted || this.#output.before(fd) !== ERRNO.SUCCESS) continue;
      this.#output.unmap(fd);
      state.writer = DELEGATED;
      state.adopted = false;
    }
    for (const fd of [...this.#placeholders.keys()]) {
      this.#closeInNode(fd);
      this.#dropPlaceholder(fd);
      this.#released.add(fd);
    }
  }

  // Node has closed its descriptor.
  #dropPlaceholder(fd) {
    const hostFd = this.#placeholders.get(fd);
    if (hostFd !== undefined) hostFds.closedByNode(hostFd);
    this.#placeholders.delete(fd);
  }

  // Node wants a memory for every call, also where there was none to give.
  #closeInNode(fd) {
    const close = () => this.#node.fd_close(fd);
    if (this.#memory.memory === undefined) this.#scratch.during(close);
    else close();
  }

  /** Closes every fd in Node's table but the standard streams. */
  closeAll() {
    const isOpened = (fd) => fd >= STDIO.length;
    for (const fd of [...this.#fds.keys()].filter(isOpened)) {
      this.#closeInNode(fd);
    }
    this.#fds.clear();
  }
}

module.exports = { GuestFiles, STDIO };
