'use strict';

// All results, as Markdown.

const fs = require('node:fs');
const ends = require('./ends');
const programs = require('./programs');
const scaling = require('./scaling');
const spawn = require('./spawn');
const starting = require('./starting');
const table = require('./table');

const HEAD = `# Figures

\`npm run bench -- --all --markdown FILE\` wrote this page. [How it is measured, and where it is
slower, and why](../docs/benchmark.md).`;

function markdown({ machine, main, curves, programs: real, ...rest }) {
  return [
    HEAD,
    table.describe(machine),
    ...(main ? table.mainSection(main) : []),
    ...(rest.starting ? starting.markdown(rest.starting) : []),
    ...(rest.spawn ? spawn.markdown(rest.spawn) : []),
    ...(curves ? scaling.markdown(curves) : []),
    ...(real ? programs.markdown(real) : []),
    ...(rest.ends ? ends.markdown(rest.ends) : []),
  ].join('\n\n');
}

/** Writes the report to a file. */
function writeReport(file, results) {
  fs.writeFileSync(file, `${markdown(results)}\n`);
}

module.exports = { writeReport };
