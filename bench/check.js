'use strict';

// Checks before the measurement that all bytes arrive where they should.

const fs = require('node:fs');
const path = require('node:path');
const { Child } = require('./child-process');
const { createSite } = require('./site');
const { bytesOf, expected } = require('./workloads');

// More than 1 MiB, where fd_pwrite starts again.
const BYTES = 1.5 * 2 ** 20;
const MAX_TURNS = 3000;

function turnsOf(workload) {
  if (workload.turns !== undefined) return workload.turns;
  if (workload.target === 'files') return 1;
  return Math.min(Math.ceil(BYTES / bytesOf(workload)), MAX_TURNS);
}

/**
 * The difference between the files of a directory and the expected ones, or
 * undefined.
 */
function difference(directory, files) {
  for (const [name, content] of files) {
    const file = path.join(directory, name);
    const found = fs.existsSync(file) ? fs.readFileSync(file) : Buffer.alloc(0);
    if (found.equals(content)) continue;
    const [got, all] = [found.length, content.length].map((length) =>
      length.toLocaleString('en'),
    );
    return got === all
      ? 'bytes are changed, or in other places'
      : `${got} of ${all} bytes arrive`;
  }
  return undefined;
}

/**
 * Runs a workload with a rival, and checks the bytes that arrive.
 *
 * @returns {Promise<{ failed?: string, crashed?: boolean }>}
 */
async function check(rival, workload, { directory, guests }) {
  const site = createSite(directory, workload, rival, true);
  const turns = turnsOf(workload);
  const task = {
    rival: rival.id,
    workload,
    guest: guests[workload.target] ?? guests.writes,
    directory: site.directory,
  };
  const child = new Child('child.js', task, { ...rival, stdout: site.stdout });
  site.handOver();
  let outcome = await child.next();
  if (outcome.failed === undefined) {
    outcome = await child.ask({ command: 'check', turns });
  }
  await child.end();
  await site.arrived();
  const wrong = difference(site.directory, expected(workload, turns));
  site.remove();
  if (outcome.failed === undefined && wrong !== undefined) {
    return { failed: wrong };
  }
  // The guest got an errno, and bytes are missing.
  if (outcome.failed !== undefined && /bytes arrive/.test(wrong ?? '')) {
    return { ...outcome, failed: `${outcome.failed}; ${wrong}` };
  }
  return outcome;
}

module.exports = { check };
