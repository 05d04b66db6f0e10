'use strict';

// How the cost of a call grows with each of five quantities. Each curve should be
// flat, or a straight line if the system call's own is.

const { Child } = require('./child-process');
const { createSite } = require('./site');
const rivals = require('./rivals');
const { summary } = require('./statistics');
const { markdownTable, number } = require('./table');

const KIB = 1024;
const MIB = 1024 * KIB;

const CURVES = [
  {
    id: 'buffers',
    name: 'buffers of 8 B in a call to /dev/null',
    unit: 'ns a call',
    target: 'null',
    at: [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 5000],
  },
  {
    id: 'size',
    name: 'bytes in a call to a file',
    unit: 'ns a call',
    target: 'file',
    at: [1, 16, 256, 4 * KIB, 64 * KIB, MIB, 16 * MIB],
  },
  {
    id: 'guestFds',
    name: 'open files of the guest, each written to; 16 B to the last one',
    unit: 'ns a call',
    target: 'files',
    at: [1, 10, 100, 1000, 5000],
  },
  {
    id: 'hostFds',
    name: 'descriptors open in the process, while the guest opens, writes and closes a file',
    unit: 'ns a file',
    target: 'files',
    at: [10, 100, 1000, 10000, 50000],
  },
  {
    id: 'workers',
    name: 'workers that write 16 B to /dev/null at the same time',
    unit: 'ns a call in each',
    target: 'null',
    at: [1, 2, 4],
  },
];

const RIVALS = ['wasi-writev', 'buffered', 'node-wasi', 'closures'];

const FLOOR = 'system call in C';

async function draw(curve, rival, settings) {
  const workload = { target: curve.target, call: 'write' };
  const site = createSite(settings.directory, workload, rival, false);
  const task = {
    curve: curve.id,
    at: curve.at,
    rival: rival.id,
    guest: settings.guests.writes,
    directory: site.directory,
    rounds: settings.rounds,
    batch: settings.batch,
    warmUp: settings.warmUp,
  };
  const child = new Child('scaling-child.js', task, {
    ...rival,
    stdout: site.stdout,
  });
  site.handOver();
  const points = [];
  for (;;) {
    const answer = await child.next();
    if (answer.failed !== undefined) points.push(answer);
    else if (answer.done !== true) points.push(answer);
    if (answer.failed !== undefined || answer.done === true) break;
  }
  await child.end();
  site.remove();
  return points;
}

/** @param {(text: string) => void} progress */
async function measureCurves(settings, progress) {
  const curves = [];
  for (const curve of CURVES) {
    const lines = [];
    for (const id of RIVALS) {
      const rival = rivals.find((candidate) => candidate.id === id);
      progress(`${curve.name}: ${rival.name}`);
      const points = await draw(curve, rival, settings);
      lines.push({ id, name: rival.name, points });
    }
    curves.push({ ...curve, lines });
  }
  return curves;
}

/** The median of the floors measured beside the rivals, or undefined. */
function floorAt(lines, i) {
  const floors = lines.map(({ points }) => points[i]?.floor);
  const known = floors.filter((floor) => floor !== undefined);
  return known.length > 0 ? summary(known).median : undefined;
}

/** A curve as rows, one for each value of the quantity. */
function rowsOf({ name, unit, at, lines }) {
  const floors = at.map((_, i) => floorAt(lines, i));
  const hasFloor = floors.some((floor) => floor !== undefined);
  const floorCells = (i) => {
    if (!hasFloor) return [];
    return [floors[i] === undefined ? '' : number(floors[i])];
  };
  const cell = (point) => {
    if (point === undefined) return '';
    return point.failed ?? number(point.ns);
  };
  return [
    [
      `${name}: ${unit}`,
      ...(hasFloor ? [FLOOR] : []),
      ...lines.map((line) => line.name),
    ],
    ...at.map((x, i) => [
      x.toLocaleString('en'),
      ...floorCells(i),
      ...lines.map(({ points }) => cell(points[i])),
    ]),
  ];
}

function markdown(curves) {
  return [
    '### How it grows',
    ...curves.map((curve) => markdownTable(rowsOf(curve))),
  ];
}

function terminal(curves) {
  return curves
    .map((curve) => {
      const [head, ...rows] = rowsOf(curve);
      const line = (cells) =>
        cells
          .map((cell, i) => (i === 0 ? cell.padEnd(10) : cell.padStart(26)))
          .join(' ');
      return [
        '',
        head[0],
        line(['', ...head.slice(1)]),
        ...rows.map(line),
      ].join('\n');
    })
    .join('\n');
}

module.exports = { markdown, measureCurves, terminal };
