'use strict';

// The targets: a rival's median as a multiple of the floor, or relative to another
// rival's in the same run. Rivals are compared by multiples of the floor, since each
// floor was timed right beside its rival.

const TARGETS = [
  ['null-1x16', 'wasi-writev', { floor: 1.4 }],
  ['file-2x100', 'wasi-writev', { floor: 1.06 }],
  ['null-1x16', 'buffered', { floor: 0.055 }],
  ['pwrite-4K', 'buffered', { unbuffered: 1.12 }],
  ['files', 'wasi-writev', { floor: 1.15 }],
  ['call-read-64', 'wasi-writev', { floor: 1.25 }],
  ['call-read-64+1024', 'wasi-writev', { floor: 1.05 }],
  ['call-pread-64', 'wasi-writev', { floor: 1.25 }],
  ['call-seek', 'wasi-writev', { floor: 1.55 }],
  ['call-fstat', 'wasi-writev', { floor: 1.3 }],
  ['call-stat-1', 'wasi-writev', { floor: 1.2 }],
  ['call-stat-4', 'wasi-writev', { floor: 2.7 }],
  ['call-open-1', 'wasi-writev', { floor: 1.35 }],
  ['call-open-4', 'wasi-writev', { floor: 1.45 }],
  ['call-readdir', 'wasi-writev', { floor: 1.1 }],
  ['call-clock', 'wasi-writev', { floor: 1.7 }],
  ['call-random', 'wasi-writev', { floor: 1.3 }],
  ['call-poll', 'wasi-writev', { direct: 0.03 }],
];

const RIVALS = { direct: 'node-wasi', unbuffered: 'wasi-writev' };

/** A rival's median divided by another's; undefined if either has none. */
function ratio(result, id, against) {
  const find = (wanted) => result.rivals.find((rival) => rival.id === wanted);
  const rival = find(id);
  if (against === 'floor') return rival?.ratio?.median;
  const other = find(RIVALS[against]);
  return (
    rival?.ratio && other?.ratio && rival.ratio.median / other.ratio.median
  );
}

/**
 * @param {object[]} workloads results of measure.js
 * @returns {Array<{ workload: object, rival: object, cells: object[] }>} with a
 *   `cell` for each comparison: what it is compared with, the target, and the result
 */
function compare(workloads) {
  const rows = [];
  for (const [workload, id, maxima] of TARGETS) {
    const result = workloads.find((candidate) => candidate.id === workload);
    const rival = result?.rivals.find((candidate) => candidate.id === id);
    if (rival === undefined) continue;
    const cells = Object.entries(maxima).map(([against, max]) => ({
      against,
      max,
      got: ratio(result, id, against),
    }));
    rows.push({ workload: result, rival, cells });
  }
  return rows;
}

module.exports = { compare };
