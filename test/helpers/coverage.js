'use strict';

// Which functions of lib/ run: V8 counts the calls.

const { Session } = require('node:inspector');
const path = require('node:path');
const { pathToFileURL } = require('node:url');

const LIB = pathToFileURL(path.join(__dirname, '..', '..', 'lib')).href;

/**
 * @param {() => void} action
 * @returns {object} how often `action` called each function of lib/, by name; others
 *   are left out
 */
function callsInLib(action) {
  const session = new Session();
  session.connect();
  // The inspector answers at once.
  const post = (method, parameters) => {
    let answer;
    session.post(method, parameters, (error, result) => {
      if (error) throw error;
      answer = result;
    });
    return answer;
  };
  post('Profiler.enable');
  post('Profiler.startPreciseCoverage', { callCount: true });
  const counts = {};
  try {
    post('Profiler.takePreciseCoverage'); // to reset the counts
    action();
    const { result } = post('Profiler.takePreciseCoverage');
    for (const { url, functions } of result) {
      if (!url.startsWith(LIB)) continue;
      for (const { functionName, ranges } of functions) {
        const [{ count }] = ranges;
        if (count === 0) continue;
        counts[functionName] = (counts[functionName] ?? 0) + count;
      }
    }
  } finally {
    post('Profiler.stopPreciseCoverage');
    session.disconnect();
  }
  return counts;
}

module.exports = { callsInLib };
