'use strict';

// Measures one workload for all rivals. Checks each, then times them in rounds.
// child.js explains why each has its own process.

const os = require('node:os');
const { check } = require('./check');
const { Child, programOf } = require('./child-process');
const { createSite } = require('./site');
const { summary } = require('./statistics');

/** Calls `job` for each item, for at most as many at a time as there are CPUs. */
async function inParallel(items, job) {
  const left = [...items];
  const worker = async () => {
    while (left.length > 0) await job(left.shift());
  };
  await Promise.all(os.cpus().map(worker));
}

/** Why a rival is left out of a workload, or undefined. */
function leftOut(rival, workload) {
  if (programOf(rival.runtime) === undefined) {
    return `${rival.runtime} is not installed`;
  }
  if (workload.target === 'files' && !rival.files) return 'opens no real files';
  if (workload.target === 'calls' && !rival.calls) return 'makes writes only';
  return rival.leaves?.(workload);
}

async function start(entry, workload, settings) {
  const { rival } = entry;
  const site = createSite(settings.directory, workload, rival, false);
  const task = {
    rival: rival.id,
    workload,
    guest: settings.guests[workload.target] ?? settings.guests.writes,
    directory: site.directory,
    warmUp: settings.warmUp,
    batch: settings.batch,
  };
  entry.site = site;
  entry.child = new Child('child.js', task, { ...rival, stdout: site.stdout });
  site.handOver();
  let answer = await entry.child.next();
  if (answer.failed === undefined) {
    answer = await entry.child.ask({ command: 'warm' });
  }
  note(entry, answer);
}

function note(entry, answer) {
  if (answer.failed === undefined) return;
  entry.failures.push(answer);
  entry.stopped = true;
}

async function stop(entry) {
  await entry.child.end();
  await entry.site.arrived();
  entry.site.remove();
}

// The first round of each launch warms the caches, and is not counted.
async function launch(entries, workload, settings, progress) {
  for (const entry of entries) entry.stopped = false;
  await inParallel(entries, (entry) => start(entry, workload, settings));
  for (let number = 0; number <= settings.rounds; number++) {
    progress(number);
    for (const entry of entries) {
      if (entry.stopped) continue;
      const answer = await entry.child.ask({ command: 'round', number });
      note(entry, answer);
      if (number === 0 || answer.failed !== undefined) continue;
      entry.samples.push(answer);
    }
  }
  await inParallel(entries, stop);
}

function resultOf(entry, processes) {
  const { rival, samples, failures } = entry;
  const result = { id: rival.id, name: rival.name };
  if (entry.leftOut !== undefined) result.leftOut = entry.leftOut;
  if (failures.length > 0) {
    const [{ failed, crashed = false }] = failures;
    Object.assign(result, { failed, crashed });
    if (samples.length > 0) {
      result.failedIn = `${failures.length} of ${processes} processes`;
    }
  }
  if (samples.length > 0) {
    result.ns = summary(samples.map((sample) => sample.rival));
    result.ratio = summary(samples.map(({ rival, floor }) => rival / floor));
  }
  return result;
}

/**
 * @param {object} workload
 * @param {object[]} rivals
 * @param {object} settings
 * @param {string} settings.directory for files
 * @param {object} settings.guests the assembled guests: `writes`, `calls`
 * @param {number} settings.launches processes for each rival
 * @param {number} settings.rounds for each process
 * @param {number} settings.batch nanoseconds that a rival is timed in a round
 * @param {number} settings.warmUp milliseconds
 * @param {(step: string) => void} progress
 */
async function measure(workload, rivals, settings, progress) {
  const entries = rivals.map((rival) => ({
    rival,
    leftOut: leftOut(rival, workload),
    failures: [],
    samples: [],
  }));
  const taking = entries.filter((entry) => entry.leftOut === undefined);
  progress('what arrives');
  await inParallel(taking, async (entry) => {
    const outcome = await check(entry.rival, workload, settings);
    if (outcome.failed !== undefined) entry.failures.push(outcome);
  });

  // A crash may be random: the rival is timed anyway, and its crashes are counted.
  const timed = taking.filter(({ failures }) =>
    failures.every(({ crashed }) => crashed),
  );
  for (let i = 0; i < settings.launches; i++) {
    await launch(timed, workload, settings, (number) =>
      progress(
        `process ${i + 1} of ${settings.launches}, ` +
          `round ${number} of ${settings.rounds}`,
      ),
    );
  }

  const floors = taking.flatMap(({ samples }) =>
    samples.map(({ floor }) => floor),
  );
  return {
    id: workload.id,
    name: workload.name,
    group: workload.group,
    unit: workload.unit,
    floor: {
      name: workload.floor,
      ns: floors.length > 0 ? summary(floors) : undefined,
    },
    rivals: entries.map((entry) => resultOf(entry, settings.launches + 1)),
  };
}

/**
 * Which rivals fail in a trial; that may take several tries.
 *
 * @returns {Promise<{ name: string, failures: object[] }>}
 */
async function measureTrial(trial, rivals, settings) {
  const entries = rivals
    .filter((rival) => leftOut(rival, trial) === undefined)
    .map((rival) => ({ rival, failed: undefined }));
  await inParallel(entries, async (entry) => {
    for (let i = 0; i < settings.launches; i++) {
      entry.failed ??= (await check(entry.rival, trial, settings)).failed;
    }
  });
  const failures = entries
    .filter(({ failed }) => failed !== undefined)
    .map(({ rival: { id, name }, failed }) => ({ id, name, failed }));
  return { name: trial.name, failures };
}

module.exports = { measure, measureTrial };
