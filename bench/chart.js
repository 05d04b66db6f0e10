'use strict';

// The chart of docs/: some workloads side by side, with a bar for each rival.

const { SHORT } = require('./table');

const WIDTH = 1000;
const MARGIN = 24;
const NAMES = 214; // the column of names
const TOP = 104; // where the first row begins
const ROW = 25;
const BAR = 15;
const GAP = 18; // between two columns
const LABEL = 52; // for the figure after the longest bar
const LONGEST = 8; // multiples of the floor; longer bars are cut off

const STYLE = `
    text { fill: #24292f; }
    .title { font-size: 17px; font-weight: bold; }
    .note { font-size: 12px; fill: #57606a; }
    .head { font-weight: bold; }
    .name { text-anchor: end; }
    .own { font-weight: bold; }
    .figure, .failure { font-size: 12px; }
    .failure { fill: #a40e26; }
    .bar { fill: #a8b1bc; }
    .bar.own { fill: #1a7f37; }
    .bar.floor { fill: #57606a; }
    .line { stroke: #57606a; stroke-dasharray: 3 3; }
    .spread { stroke: #24292f; stroke-width: 1.2; }
    .cut { stroke: #ffffff; stroke-width: 3; }
    .row { fill: #f3f5f8; }
    .paper { fill: #ffffff; stroke: #c3cad3; }
    @media (prefers-color-scheme: dark) {
      .paper { fill: #0d1117; stroke: #3d444d; }
      text { fill: #e6edf3; }
      .note { fill: #9da7b3; }
      .failure { fill: #ff7b72; }
      .bar { fill: #545d68; }
      .bar.own { fill: #3fb950; }
      .bar.floor { fill: #9da7b3; }
      .line { stroke: #9da7b3; }
      .spread { stroke: #e6edf3; }
      .cut { stroke: #0d1117; }
      .row { fill: #161b22; }
    }`;

const CUT = 'l6 -19'; // a stroke through a bar that is cut off

const escape = (text) =>
  text.replace(
    /[&<>]/g,
    (c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;' })[c],
  );

function figure(value) {
  if (value >= 1e3) return Math.round(value).toLocaleString('en');
  return value >= 100 ? value.toFixed(0) : value.toFixed(1);
}

/** One or two words, since there is little room. */
function short({ failed, leftOut }) {
  if (leftOut !== undefined) return 'none';
  if (/^crashes/.test(failed)) return 'crashes';
  if (/NOSYS/.test(failed)) return 'not supported';
  if (/arrive$/.test(failed)) return 'loses bytes';
  if (/other places/.test(failed)) return 'wrong bytes';
  return 'fails';
}

const isOwn = (name) => name.startsWith('wasi-writev');

const text = (x, y, kind, content) =>
  `<text class="${kind}" x="${x.toFixed(1)}" y="${y}">${escape(content)}</text>`;

/**
 * One bar with its quartiles and its figure, or the reason why there is none.
 *
 * @param {(value: number) => number} place of a value, at most the end of the column
 * @param {number} line of the floor: texts are placed after it
 */
function bar(x, y, place, line, { ns, kind, ...entry }) {
  const middle = y + ROW / 2;
  const baseline = middle + 4.5;
  if (ns === undefined) {
    const none = entry.leftOut === undefined ? 'failure' : 'note';
    return text(line + 6, baseline, none, short(entry));
  }
  const [q1, end, q3] = [ns.q1, ns.median, ns.q3].map((value) =>
    place(value).toFixed(1),
  );
  const cut = place(ns.median) < place(Infinity) ? '' : CUT;
  const top = middle - BAR / 2;
  return [
    `<path class="bar ${kind}" d="M${x} ${top}H${end}v${BAR}H${x}z"/>`,
    cut && `<path class="cut" d="M${end - 10} ${top + BAR + 2}${cut}"/>`,
    `<path class="spread" d="M${q1} ${middle}H${q3}"/>`,
    text(Math.max(end, q3, line) + 6, baseline, 'figure', figure(ns.median)),
  ]
    .filter(Boolean)
    .join('\n  ');
}

function column(workload, x, width, rows) {
  const { floor, rivals } = workload;
  const entries = [{ ns: floor.ns, kind: 'floor' }].concat(
    rows.map((id) => {
      const rival = rivals.find((candidate) => candidate.id === id);
      return { ...rival, kind: isOwn(rival.name) ? 'own' : '' };
    }),
  );
  const all = entries.flatMap(({ ns }) => (ns ? [ns.median, ns.q3] : []));
  const longest = Math.min(Math.max(...all), LONGEST * floor.ns.median);
  const place = (value) => x + (width - LABEL) * Math.min(value / longest, 1);
  const bottom = TOP + ROW * entries.length;
  const line = place(floor.ns.median);
  return [
    text(x, TOP - 30, 'head', workload.name),
    text(x, TOP - 12, 'note', workload.group),
    ...entries.map((entry, i) => bar(x, TOP + ROW * i, place, line, entry)),
    `<path class="line" d="M${line.toFixed(1)} ${TOP}V${bottom}"/>`,
  ].join('\n  ');
}

/** @returns {string} an SVG document */
function chart({ machine, main }) {
  const workloads = SHORT.map((id) =>
    main.workloads.find((workload) => workload.id === id),
  ).filter((workload) => workload?.floor.ns !== undefined);
  if (workloads.length === 0) {
    throw new Error(`the chart needs one of ${SHORT.join(', ')}`);
  }
  const rivals = workloads[0].rivals.filter(({ id }) =>
    workloads.some((workload) =>
      workload.rivals.some((rival) => rival.id === id && !rival.leftOut),
    ),
  );
  const names = ['system call from C', ...rivals.map(({ name }) => name)];
  const left = MARGIN + NAMES + GAP;
  const width = (WIDTH - MARGIN - left + GAP) / workloads.length - GAP;
  const height = TOP + ROW * names.length + 40;
  const stripes = names.map((_, i) =>
    i % 2 === 0
      ? `<rect class="row" x="${MARGIN / 2}" y="${TOP + ROW * i}" ` +
        `width="${WIDTH - MARGIN}" height="${ROW}"/>`
      : '',
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-labelledby="title desc" font-family="Verdana, 'DejaVu Sans', sans-serif" font-size="13">
  <title id="title">The cost of a write</title>
  <desc id="desc">Nanoseconds for each call, for ${escape(names.join(', '))}.</desc>
  <style>${STYLE}
  </style>
  <rect width="${WIDTH}" height="${height}" rx="8" class="paper"/>
  ${text(MARGIN, 34, 'title', 'Nanoseconds for each call of the guest, less is better')}
  ${stripes.filter(Boolean).join('\n  ')}
  ${names
    .map((name, i) =>
      text(
        MARGIN + NAMES,
        TOP + ROW * i + ROW / 2 + 4.5,
        isOwn(name) ? 'name own' : 'name',
        name,
      ),
    )
    .join('\n  ')}
  ${workloads
    .map((workload, i) =>
      column(
        workload,
        left + i * (width + GAP),
        width,
        rivals.map(({ id }) => id),
      ),
    )
    .join('\n  ')}
  ${text(
    MARGIN,
    height - 14,
    'note',
    `Medians, with a line from the first quartile to the third. Bars end at ${LONGEST} times the system call. Node.js ${machine.node}, ${machine.cpu}`,
  )}
</svg>
`;
}

module.exports = { chart };
