'use strict';

// What is aimed at: the median of a rival as a multiple of the floor, or over that
// of another rival, in one run. Multiples of the floor, since each was timed right
// beside it, are what two rivals are compared by.

const TARGETS = [
  ['null-1x16', 'wasi-writev', { floor: 1.35, closures: 0.6, direct: 0.72 }],
  ['null-0+69', 'wasi-writev', { floor: 1.35, closures: 0.6, direct: 0.72 }],
  ['null-4x16', 'wasi-writev', { floor: 1.1, closures: 0.55, direct: 0.65 }],
  ['null-16x16', 'wasi-writev', { floor: 1, closures: 0.5, direct: 0.6 }],
  ['null-4x16K', 'wasi-writev', { floor: 1.03, closures: 1, direct: 1 }],
  ['null-1x1M', 'wasi-writev', { floor: 1.03, closures: 1, direct: 1 }],
  ['file-4x16K', 'wasi-writev', { floor: 1.03, closures: 1, direct: 1 }],
  ['file-1x1M', 'wasi-writev', { floor: 1.03, closures: 1, direct: 1 }],
  ['file-2x100', 'wasi-writev', { floor: 1.08, closures: 0.75, direct: 0.8 }],
  ['pwrite-4K', 'wasi-writev', { floor: 1.15, closures: 0.8, direct: 0.85 }],
  ['null-1x16', 'buffered', { floor: 0.05, closures: 0.02, direct: 0.025 }],
  ['file-2x100', 'buffered', { floor: 0.05, closures: 0.03, direct: 0.03 }],
  ['null-1x16', 'fallback', { writevSync: 1 }],
  ['null-4x16', 'fallback', { writevSync: 1 }],
  ['file-2x100', 'fallback', { writevSync: 1 }],
  ['files', 'wasi-writev', { direct: 1.1 }],
];

const RIVALS = {
  closures: 'closures',
  direct: 'node-wasi',
  writevSync: 'writevSync',
};

/** A rival's median over that of another; undefined where one has none. */
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
 *   `cell` for each comparison: what it is against, the target, what was got
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
