'use strict';

// The calls of a guest that could see what is staged, or wait for it.

// Those that do neither. All others flush first.
const QUIET = new Set([
  'args_get',
  'args_sizes_get',
  'clock_res_get',
  'clock_time_get',
  'environ_get',
  'environ_sizes_get',
  'random_get',
  'sched_yield',
]);

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
  for (const name of Object.keys(imports)) {
    if (QUIET.has(name)) continue;
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
