'use strict';

// The host's ends of pipes as streams of Node.

const fs = require('node:fs');
const net = require('node:net');
const { Readable, Writable } = require('node:stream');

const { Bun } = globalThis;
const isBun = Bun !== undefined;

// Bun's net.Socket takes no pipe, and what does take one closes it not.
function bunInput(hostFd) {
  const sink = Bun.file(hostFd).writer();
  const settle = (action, callback) =>
    Promise.resolve()
      .then(action)
      .then(() => callback(), callback);
  return new Writable({
    write(chunk, encoding, callback) {
      settle(() => Promise.all([sink.write(chunk), sink.flush()]), callback);
    },
    destroy(error, callback) {
      settle(
        () => sink.end(),
        () => fs.close(hostFd, () => callback(error)),
      );
    },
  });
}

function bunOutput(hostFd) {
  const output = Readable.fromWeb(Bun.file(hostFd).stream());
  output.once('close', () => fs.close(hostFd, () => {}));
  return output;
}

// An end to write to, which the stream closes.
function inputOf(hostFd) {
  const end = isBun
    ? bunInput(hostFd)
    : new net.Socket({ fd: hostFd, readable: false, writable: true });
  // The caller of write() is told; that nobody reads any more is no reason to end the
  // process.
  end.on('error', () => {});
  return end;
}

// An end to read from, which the stream closes.
const outputOf = (hostFd) =>
  isBun
    ? bunOutput(hostFd)
    : new net.Socket({ fd: hostFd, readable: true, writable: false });

/**
 * The streams of a tool's stdin, stdout and stderr, all or none: Node may not allow one.
 *
 * @param {(number | undefined)[]} hostFds which the streams close
 */
function openEnds(hostFds) {
  const streams = [];
  const open = (hostFd, fd) => {
    if (hostFd === undefined) return undefined;
    return fd === 0 ? inputOf(hostFd) : outputOf(hostFd);
  };
  try {
    for (const hostFd of hostFds) streams.push(open(hostFd, streams.length));
  } catch (error) {
    for (const stream of streams) stream?.destroy();
    for (const hostFd of hostFds.slice(streams.length)) {
      if (hostFd !== undefined) fs.closeSync(hostFd);
    }
    throw error;
  }
  return streams;
}

module.exports = { openEnds };
