'use strict';

// The calls of preview1: each finds the entry of its fd, and goes to the target,
// node:fs or Node's WASI. Calls in which Node would end the process are not passed
// on: see ./files.js, ./paths.js and ./polls.js.

const { canSeek, entryOfFile } = require('./fds');
const { DIRECTORIES, Paths } = require('./paths');
const { Polls } = require('./polls');
const { createTargetCalls } = require('./targets');
const { checkWritable, learnStream } = require('./writes');
const { CALLS, ERRNO, FDFLAGS, RIGHTS } = require('../preview1');

const ALL_FDFLAGS = 0x1f;
const ALL_FSTFLAGS = 0xf;
const ATIM_BOTH = 3;
const MTIM_BOTH = 12;

const FDSTAT_FLAGS = 2;

const NEED_SEEK = [
  'fd_advise',
  'fd_allocate',
  'fd_pread',
  'fd_seek',
  'fd_tell',
];

// Node opens a file for writing if one of these rights is asked for, like
// src/preview1/path_open.c.
const OPENS_TO_WRITE =
  RIGHTS.FD_DATASYNC |
  RIGHTS.FD_WRITE |
  RIGHTS.FD_ALLOCATE |
  RIGHTS.FD_FILESTAT_SET_SIZE;

/** Whether `fstflags` are known and set each time only once. */
const areTimes = (fstflags) =>
  (fstflags & ~ALL_FSTFLAGS) === 0 &&
  (fstflags & ATIM_BOTH) !== ATIM_BOTH &&
  (fstflags & MTIM_BOTH) !== MTIM_BOTH;

/**
 * fd_write and fd_pwrite. createWritesHost has only streams and targets, no `files`.
 */
function createWrites(fds, streams, deliver, files) {
  return {
    fd_write(fd, iovs, iovsLen, nwritten) {
      const entry = fds.get(fd);
      if (entry === undefined) return ERRNO.BADF;
      if (entry.target !== undefined) {
        const errno = checkWritable(entry, false);
        return errno || deliver(entry.target, iovs, iovsLen, nwritten);
      }
      const writer = entry.hostFd === undefined ? files : streams;
      return writer.write(entry, iovs, iovsLen, nwritten);
    },

    fd_pwrite(fd, iovs, iovsLen, offset, nwritten) {
      const entry = fds.get(fd);
      if (entry === undefined) return ERRNO.BADF;
      if (entry.target !== undefined) return ERRNO.SPIPE;
      const writer = entry.hostFd === undefined ? files : streams;
      return writer.write(entry, iovs, iovsLen, nwritten, offset);
    },
  };
}

/** The calls on one fd. */
function createFdCalls({ fds, files, memory, node }) {
  const onTarget = createTargetCalls(memory);

  // Passes a call to Node, with the entry's fd.
  const inNode =
    (name) =>
    ({ nodeFd }, ...rest) =>
      node.call(name, nodeFd, ...rest);

  const special = {
    fd_read: (entry, ...rest) => files.read(entry, ...rest),

    fd_pread: (entry, iovs, iovsLen, offset, nread) =>
      files.read(entry, iovs, iovsLen, nread, offset),

    // Node returns the host's flags, with the host's numbers.
    fd_fdstat_get(entry, pointer) {
      const errno = node.call('fd_fdstat_get', entry.nodeFd, pointer);
      if (errno === ERRNO.SUCCESS) {
        memory.setU16(pointer + FDSTAT_FLAGS, entry.fdflags);
      }
      return errno;
    },

    fd_fdstat_set_rights(entry, rights, inheriting) {
      const { nodeFd } = entry;
      const errno = node.call(
        'fd_fdstat_set_rights',
        nodeFd,
        rights,
        inheriting,
      );
      if (errno === ERRNO.SUCCESS) entry.rights = rights;
      return errno;
    },

    // NONBLOCK stays in the entry: other programs share a description of the
    // caller's.
    fd_fdstat_set_flags(entry, fdflags) {
      if (fdflags & ~ALL_FDFLAGS) return ERRNO.INVAL;
      if (entry.hostFd === undefined && entry.target === undefined) {
        const { nodeFd } = entry;
        const errno = node.call('fd_fdstat_set_flags', nodeFd, fdflags);
        if (errno !== ERRNO.SUCCESS) return errno;
      } else if ((fdflags ^ entry.fdflags) & ~FDFLAGS.NONBLOCK) {
        return ERRNO.NOTSUP;
      }
      entry.fdflags = fdflags;
      return ERRNO.SUCCESS;
    },
  };

  function cannotSeek(entry) {
    if (entry.hostFd === undefined) return false;
    return learnStream(entry) === ERRNO.SUCCESS && !canSeek(entry);
  }

  function callOf(name) {
    const call = special[name] ?? inNode(name);
    const targetCall = onTarget[name] ?? call;
    const needsSeek = NEED_SEEK.includes(name);
    return (fd, ...rest) => {
      const entry = fds.get(fd);
      if (entry === undefined) return ERRNO.BADF;
      if (entry.target !== undefined) return targetCall(entry, ...rest);
      if (needsSeek && cannotSeek(entry)) return ERRNO.SPIPE;
      return call(entry, ...rest);
    };
  }

  const names = Object.keys(CALLS).filter((name) => name.startsWith('fd_'));
  const calls = Object.fromEntries(names.map((name) => [name, callOf(name)]));
  const setTimes = calls.fd_filestat_set_times;
  return {
    ...calls,
    fd_close: (fd) => fds.remove(fd),
    fd_renumber: (from, to) => fds.renumber(from, to),
    fd_filestat_set_times: (fd, atim, mtim, fstflags) =>
      fds.get(fd) !== undefined && !areTimes(fstflags)
        ? ERRNO.INVAL
        : setTimes(fd, atim, mtim, fstflags),
  };
}

/** The calls on paths. */
function createPathCalls({ fds, memory, node }) {
  const paths = new Paths(node, memory);

  // Replaces fds by Node's numbers. Returns an errno if that fails.
  function withNodeFds(name, values) {
    const mapped = [...values];
    for (const i of DIRECTORIES[name]) {
      const entry = fds.get(values[i]);
      if (entry === undefined) return ERRNO.BADF;
      if (entry.target !== undefined) return ERRNO.NOTDIR;
      mapped[i] = entry.nodeFd;
    }
    return mapped;
  }

  const callOf =
    (name) =>
    (...values) => {
      const mapped = withNodeFds(name, values);
      return typeof mapped === 'number' ? mapped : paths.run(name, mapped);
    };

  const names = Object.keys(DIRECTORIES);
  const calls = Object.fromEntries(names.map((name) => [name, callOf(name)]));
  const setTimes = calls.path_filestat_set_times;
  return {
    ...calls,

    path_filestat_set_times: (...values) =>
      fds.get(values[0]) !== undefined && !areTimes(values[6])
        ? ERRNO.INVAL
        : setTimes(...values),

    path_open(...values) {
      const mapped = withNodeFds('path_open', values);
      if (typeof mapped === 'number') return mapped;
      if (!fds.hasRoom) return ERRNO.MFILE;
      const { errno, nodeFd } = paths.open(mapped);
      if (errno !== ERRNO.SUCCESS) return errno;
      const rights = values[5];
      const fdflags = values[7] & ALL_FDFLAGS;
      const writable = (rights & OPENS_TO_WRITE) !== 0n;
      const fd = fds.add(entryOfFile(nodeFd, { rights, writable, fdflags }));
      memory.setU32(values[8], fd);
      return ERRNO.SUCCESS;
    },
  };
}

/**
 * @param {object} parts
 * @param {import('./fds').GuestFds} parts.fds
 * @param {import('./writes').StreamWriter} parts.streams
 * @param {import('./files').Files} parts.files
 * @param {import('../memory').GuestMemory} parts.memory
 * @param {import('./node-wasi').NodeCalls} parts.node
 * @param {Function} parts.deliver `(target, iovs, iovsLen, nwritten)`
 * @param {{ args: string[], env: string[] }} options
 * @returns {object} every call of preview1 except proc_exit; they take unsigned
 *   numbers
 */
function createCalls(parts, { args, env }) {
  const { deliver, fds, files, memory, node, streams } = parts;
  const polls = new Polls(fds, files, node, memory);
  const inNode =
    (name) =>
    (...values) =>
      node.call(name, ...values);

  // Node's WASI opens no socket, and its socket calls cannot handle a standard
  // stream that is one.
  const noSocket = (fd) =>
    fds.get(fd) === undefined ? ERRNO.BADF : ERRNO.NOTSOCK;

  // Node answers INVAL for an empty list.
  const getter = (name, strings) =>
    strings.length === 0 ? () => ERRNO.SUCCESS : inNode(name);

  const names = Object.keys(CALLS).filter((name) => name !== 'proc_exit');
  return {
    ...Object.fromEntries(names.map((name) => [name, inNode(name)])),
    ...createFdCalls(parts),
    ...createWrites(fds, streams, deliver, files),
    ...createPathCalls(parts),
    args_get: getter('args_get', args),
    environ_get: getter('environ_get', env),
    poll_oneoff: (...values) => polls.poll(...values),
    proc_raise: () => ERRNO.NOTSUP,
    sock_accept: noSocket,
    sock_recv: noSocket,
    sock_send: noSocket,
    sock_shutdown: noSocket,
  };
}

module.exports = { createCalls, createWrites };
