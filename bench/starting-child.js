'use strict';

// `require NAME` prints milliseconds. `construct NAME` prints microseconds of thread
// time, for a `WASI` of that package and for one of node:wasi, measured in turn.

const path = require('node:path');
const { summary } = require('./statistics');

const BATCH = 200;
const ROUNDS = 40;
const WARM_UP = 10;

const [what, name] = process.argv.slice(2);
const file = path.join(process.cwd(), 'main.js');
const requireFrom = require('node:module').createRequire(file);

function load() {
  const start = performance.now();
  requireFrom(name);
  return performance.now() - start;
}

function construct() {
  const { now } = require('./build/floor.node');
  const classes = {
    ours: requireFrom(name).WASI,
    node: require('node:wasi').WASI,
  };
  const times = { ours: [], node: [] };
  for (let round = 0; round < ROUNDS; round++) {
    for (const [key, WASI] of Object.entries(classes)) {
      const start = now(false);
      for (let i = 0; i < BATCH; i++) new WASI({ version: 'preview1' });
      const time = (now(false) - start) / BATCH / 1000;
      if (round >= WARM_UP) times[key].push(time);
    }
  }
  return {
    ours: summary(times.ours).median,
    node: summary(times.node).median,
  };
}

console.log(JSON.stringify(what === 'require' ? load() : construct()));
