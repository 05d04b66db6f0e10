'use strict';

// Results as text: for the terminal, and as Markdown.

const { compare } = require('./targets');

const NAME = 28;
const COLUMN = 11;

// The workloads of the short table and the chart.
const SHORT = ['null-1x16', 'null-0+69', 'file-2x100', 'pwrite-4K'];

const AGAINST = {
  floor: 'the floor',
  direct: '`node:wasi`',
  unbuffered: 'unbuffered',
};

/** Three significant digits. */
function number(value) {
  if (value >= 1e4) return Math.round(value).toLocaleString('en');
  if (value >= 100) return value.toFixed(0);
  return value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

const ratioOf = (value) =>
  value < 0.1
    ? value.toFixed(3)
    : value < 10
      ? value.toFixed(2)
      : number(value);

const spread = ({ q1, q3 }) => `${number(q1)}–${number(q3)}`;

const failure = ({ failed, failedIn }) =>
  failedIn === undefined ? failed : `${failed} in ${failedIn}`;

/** Why there is no figure, or what is wrong with it. */
function remark(rival) {
  if (rival.leftOut !== undefined) return `(${rival.leftOut})`;
  return rival.failed === undefined ? undefined : failure(rival);
}

function terminalRow(name, ns, ratio, text) {
  const cells = ns
    ? [
        number(ns.median),
        spread(ns),
        ratio === undefined ? '1' : ratioOf(ratio),
      ]
    : [];
  return [
    `  ${name.padEnd(NAME)}`,
    ...cells.map((cell) => cell.padStart(COLUMN)),
    ...(text === undefined ? [] : [`  ${text}`]),
  ].join(' ');
}

/** One workload, for the terminal. */
function terminal({ name, group, unit, floor, rivals }) {
  const head = [`ns a ${unit}`, 'quartiles', `÷ floor`];
  const title = `${group}: ${name}`;
  return [
    '',
    [title.padEnd(NAME + 2), ...head.map((cell) => cell.padStart(COLUMN))].join(
      ' ',
    ),
    terminalRow(`${floor.name} in C`, floor.ns),
    ...rivals.map((rival) =>
      terminalRow(rival.name, rival.ns, rival.ratio?.median, remark(rival)),
    ),
  ].join('\n');
}

const row = (cells) => `| ${cells.join(' | ')} |`;

/** @param {string[][]} rows the first is the header */
function markdownTable([head, ...rows]) {
  const line = head.map((_, i) => (i === 0 ? '---' : '---:'));
  return [head, line, ...rows].map(row).join('\n');
}

/** Collects texts, and numbers and lists them as notes. */
class Notes {
  #texts = [];

  mark(text) {
    if (!this.#texts.includes(text)) this.#texts.push(text);
    return `<sup>${this.#texts.indexOf(text) + 1}</sup>`;
  }

  get list() {
    return this.#texts.map((text, i) => `${i + 1}. ${text}`).join('\n');
  }
}

/** The workloads of a group side by side, as multiples of the floor. */
function groupTable(name, workloads, notes) {
  const taking = workloads[0].rivals
    .map((rival, i) => ({ name: rival.name, i }))
    .filter(({ i }) =>
      workloads.some(({ rivals }) => rivals[i].leftOut === undefined),
    );
  const cell = (rival) => {
    if (rival.leftOut !== undefined) return '';
    const mark =
      rival.failed === undefined ? '' : notes.mark(`${failure(rival)}.`);
    return rival.ratio ? `${ratioOf(rival.ratio.median)}${mark}` : `✗${mark}`;
  };
  return markdownTable([
    [name, ...workloads.map((workload) => workload.name)],
    [
      'the floor, ns',
      ...workloads.map(({ floor }) =>
        floor.ns ? number(floor.ns.median) : '',
      ),
    ],
    ...taking.map(({ name: rivalName, i }) => [
      rivalName,
      ...workloads.map(({ rivals }) => cell(rivals[i])),
    ]),
  ]);
}

/** Some workloads, in nanoseconds. */
function shortTable(workloads) {
  const some = SHORT.map((id) => workloads.find((one) => one.id === id)).filter(
    (workload) => workload?.floor.ns !== undefined,
  );
  if (some.length === 0) return '';
  const cell = (rival) => {
    if (rival.ns) return number(rival.ns.median);
    return rival.leftOut === undefined ? '✗' : '';
  };
  return markdownTable([
    ['ns a call', ...some.map(({ group, name }) => `${group}: ${name}`)],
    ['system call from C', ...some.map(({ floor }) => number(floor.ns.median))],
    ...some[0].rivals.map(({ name }, i) => [
      name,
      ...some.map(({ rivals }) => cell(rivals[i])),
    ]),
  ]);
}

function allFigures(workloads) {
  const rows = [['', 'ns', 'quartiles', '÷ floor']];
  for (const { name, group, floor, rivals } of workloads) {
    rows.push([`**${group}: ${name}**`, '', '', '']);
    if (floor.ns) {
      rows.push([
        `${floor.name} in C`,
        number(floor.ns.median),
        spread(floor.ns),
        '1',
      ]);
    }
    for (const rival of rivals) {
      if (rival.leftOut !== undefined) continue;
      rows.push([
        rival.name,
        ...(rival.ns
          ? [
              number(rival.ns.median),
              spread(rival.ns),
              ratioOf(rival.ratio.median),
            ]
          : [failure(rival), '', '']),
      ]);
    }
  }
  return markdownTable(rows);
}

function targetTable(workloads) {
  const rows = compare(workloads);
  const columns = Object.keys(AGAINST);
  const cell = (cells, against) => {
    const found = cells.find((candidate) => candidate.against === against);
    if (found?.got === undefined) return '';
    const got = ratioOf(found.got);
    const met = found.got <= found.max;
    return met ? `${got} ≤ ${found.max}` : `**${got}** > ${found.max}`;
  };
  return markdownTable([
    ['target', ...columns.map((against) => AGAINST[against])],
    ...rows.map(({ workload, rival, cells }) => [
      `${rival.name}; ${workload.group}: ${workload.name}`,
      ...columns.map((against) => cell(cells, against)),
    ]),
  ]);
}

/** The targets, for the terminal. */
function terminalTargets(workloads) {
  const lines = compare(workloads).flatMap(({ workload, rival, cells }) =>
    cells
      .filter(({ got }) => got !== undefined)
      .map(({ against, max, got }) => {
        const verdict = got <= max ? 'met   ' : 'MISSED';
        const what = `${rival.name}, ${workload.group}: ${workload.name}`;
        const other = AGAINST[against].replaceAll('`', '');
        return (
          `  ${verdict} ${ratioOf(got).padStart(6)} of at most ` +
          `${String(max).padEnd(5)} ${what}, against ${other}`
        );
      }),
  );
  return lines.length === 0 ? '' : ['', 'Targets', ...lines].join('\n');
}

/** The crashes of some rivals, a line for each trial. */
function trialLines(trials) {
  return trials
    .filter(({ failures }) => failures.length > 0)
    .map(({ name, failures }) => {
      const each = failures.map((one) => `${one.name} (${one.failed})`);
      return `Who fails with ${name}: ${each.join(', ')}.`;
    });
}

/** The trials, for the terminal. */
function terminalTrials(trials) {
  return trialLines(trials)
    .map((line) => `\n${line}`)
    .join('');
}

/** The workloads, as Markdown. */
function mainSection({ workloads, trials }) {
  const notes = new Notes();
  const groups = [...new Set(workloads.map(({ group }) => group))];
  const tables = groups.map((name) =>
    groupTable(
      name,
      workloads.filter(({ group }) => group === name),
      notes,
    ),
  );
  return [
    '### In short',
    shortTable(workloads),
    '### Multiples of the floor',
    ...tables,
    '✗: does not do it. An empty cell: it has no part in it.',
    notes.list,
    ...trialLines(trials),
    '### Targets',
    targetTable(workloads),
    '### All figures',
    '<details><summary>Medians and quartiles in nanoseconds</summary>',
    allFigures(workloads),
    '</details>',
  ].filter(Boolean);
}

/** The machine and the settings of a measurement. */
function describe({ node, cpu, cpus, system, files, date, settings }) {
  return (
    `${date}, Node.js ${node}, ${cpus} × ${cpu}, ${system}, files on ${files}; ` +
    `${settings.launches} × ${settings.rounds} rounds, ` +
    `${settings.batch / 1e6} ms a batch.`
  );
}

module.exports = {
  SHORT,
  describe,
  mainSection,
  markdownTable,
  number,
  ratioOf,
  spread,
  terminal,
  terminalTargets,
  terminalTrials,
};
