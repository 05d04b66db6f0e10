'use strict';

// Which functions of lib/ run: V8 counts their calls.

const { Session } = require('node:inspector');
const path = require('node:path');
const { pathToFileURL } = require('node:url');

const LIB = pathToFileURL(path.join(__dirname, '..', '..', 'lib')).href;

/**
 * @param {() => void} action
 * @returns {object} how often each function of lib/ was called while `action`
 *   ran, by name; those that were not called are left out
 */
function callsInLib(action) {
  const session = new Session();
  session.connect();
  // Answers at once.
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
    post('Profiler.takePreciseCoverage'); // which resets the counts
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
