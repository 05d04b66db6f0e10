'use strict';

// All that was measured, as Markdown, and where it goes.

const fs = require('node:fs');
const ends = require('./ends');
const programs = require('./programs');
const scaling = require('./scaling');
const table = require('./table');

const MARKS = ['<!-- figures -->', '<!-- end of figures -->'];

function markdown({ machine, main, curves, programs: real, ends: ended }) {
  return [
    table.describe(machine),
    ...(main ? table.mainSection(main) : []),
    ...(curves ? scaling.markdown(curves) : []),
    ...(real ? programs.markdown(real) : []),
    ...(ended ? ends.markdown(ended) : []),
  ].join('\n\n');
}

/** Writes the report into a file, between the marks if it has them. */
function writeReport(file, results) {
  const text = markdown(results);
  const old = fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : '';
  const [from, to] = MARKS.map((mark) => old.indexOf(mark));
  const whole =
    from >= 0 && to > from
      ? `${old.slice(0, from + MARKS[0].length)}\n\n${text}\n\n${old.slice(to)}`
      : `${text}\n`;
  fs.writeFileSync(file, whole);
}

module.exports = { writeReport };
