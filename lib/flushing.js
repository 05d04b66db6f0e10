'use strict';

// The calls of a guest that could see what is staged, or wait for it.

const { QUIET_CALLS } = require('./preview1');

function withFlush(call, isAboutFd, output) {
  return isAboutFd
    ? (fd, ...rest) => output.before(fd) || call(fd, ...rest)
    : (...values) => output.before() || call(...values);
}

/**
 * @param {object} imports functions of a WASI
 * @param {import('./output').Output} output
 * @returns {object} the same with a flush before each call that could see what is
 *   staged; where that fails for the fd it is about, the errno takes its place
 */
function flushing(imports, output) {
  const wrapped = { ...imports };
  if (!output.buffers) return wrapped;
  for (const name of Object.keys(imports)) {
    if (QUIET_CALLS.includes(name)) continue;
    wrapped[name] = withFlush(imports[name], /^(fd|sock)_/.test(name), output);
  }
  const { fd_renumber } = imports;
  if (fd_renumber !== undefined) {
    wrapped.fd_renumber = (from, to) =>
      output.before(from) || output.before(to) || fd_renumber(from, to);
  }
  return wrapped;
}

module.exports = { flushing };
