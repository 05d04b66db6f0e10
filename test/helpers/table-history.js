'use strict';

// Judges a TableLog: which places may a number have stood for during a call?

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { ERRNO } = require('../../lib/preview1');
const { NumberHistory } = require('./number-history');
const { recordOf } = require('./records');
const { FILES, RECORD, headerOf, isFile, nameOf } = require('./table-places');

const NUMBERS = 128; // of guest fds, from 0 on

const RECORD_START = /^(\d+)\/(\d+) /;

class TableHistory {
  #numbers = Array.from({ length: NUMBERS }, () => new NumberHistory());
  #renumbers = [];

  constructor(log) {
    for (const entry of log.entries()) this.#add(entry);
    for (const number of this.#numbers) number.sort();
    this.#followRenumbers();
  }

  #add({ kind, a, b, begin, end, errno, value, pending }) {
    if (!pending && errno !== ERRNO.SUCCESS) return;
    const times = { begin, end, pending };
    if (kind === 'open') {
      // The number of an interrupted open is unknown.
      const numbers = pending ? this.#numbers : [this.#numbers[value]];
      for (const number of numbers) {
        number.put({ ...times, places: new Set([a]) });
      }
    } else if (kind === 'close') {
      this.#numbers[a].remove(times);
    } else if (kind === 'renumber' && a !== b) {
      const put = { ...times, from: a, places: new Set() };
      this.#renumbers.push(put);
      this.#numbers[a].remove(times);
      this.#numbers[b].remove(times);
      this.#numbers[b].put(put);
    }
  }

  // Repeats until nothing changes: a renumber may move what another one put there.
  #followRenumbers() {
    const inOrder = this.#renumbers.sort((a, b) => a.begin - b.begin);
    for (let more = true; more;) {
      more = false;
      for (const { from, begin, end, places } of inOrder) {
        const { size } = places;
        for (const place of this.placesOf(from, begin, end)) places.add(place);
        more ||= places.size > size;
      }
    }
  }

  /** The places that `number` may have stood for between two times. */
  placesOf(number, begin, end) {
    const puts = this.#numbers[number].between(begin, end);
    return new Set(puts.flatMap(({ places }) => [...places]));
  }

  /** Whether `number` was certainly open all the time between two times. */
  isOpen(number, begin, end) {
    return this.#numbers[number].isOpen(begin, end);
  }
}

const show = ({ lane, index, kind, a, b }) =>
  `${kind} ${index} of thread ${lane} (${a}, ${b})`;

/** Asserts that each call saw a place that its number may have stood for. */
function checkSeen(log, history) {
  let seen = 0;
  for (const entry of log.entries()) {
    if (entry.kind !== 'see' || entry.pending) continue;
    if (entry.errno !== ERRNO.SUCCESS) continue;
    const places = history.placesOf(entry.a, entry.begin, entry.end);
    assert.ok(
      places.has(entry.value),
      `${show(entry)} saw ${entry.value}, not one of ${[...places]}`,
    );
    seen++;
  }
  return seen;
}

// A write to a directory is BADF too.
function isMissed(history, { kind, a, b, begin, end }) {
  const isOpen = (number) => history.isOpen(number, begin, end);
  if (kind === 'close') return isOpen(a);
  if (kind === 'renumber') return isOpen(a) && isOpen(b);
  const places = [...history.placesOf(a, begin, end)];
  return kind !== 'see' && isOpen(a) && places.every(isFile);
}

/** Asserts that no call missed an open number, and no open took one. */
function checkOpen(log, history) {
  for (const entry of log.entries()) {
    const { kind, begin, end, errno, value, pending } = entry;
    if (pending) continue;
    if (kind === 'open') {
      assert.ok(!history.isOpen(value, begin, end), `${show(entry)}: ${value}`);
    } else if (errno === ERRNO.BADF) {
      assert.ok(!isMissed(history, entry), `${show(entry)} found nothing open`);
    }
  }
}

function checkRecord(log, history, place, record, found) {
  const [, lane, index] =
    RECORD_START.exec(record.toString('latin1')) ?? assert.fail('no record');
  assert.ok(record.equals(recordOf(lane, index, RECORD)), 'a torn record');
  const entry = { lane, index, ...log.entry(Number(lane), Number(index)) };
  assert.match(entry.kind, /^p?write$/);
  assert.ok(
    entry.pending || entry.errno === ERRNO.SUCCESS,
    `${show(entry)} failed, but is in the file`,
  );
  const places = history.placesOf(entry.a, entry.begin, entry.end);
  assert.ok(
    places.has(place),
    `${show(entry)} is in file ${place}, not in one of ${[...places]}`,
  );
  const key = `${lane}/${index}`;
  assert.ok(!found.has(key), `${show(entry)} is there twice`);
  found.add(key);
}

function checkFile(log, history, directory, place, found) {
  const bytes = fs.readFileSync(path.join(directory, nameOf(place)));
  assert.equal(bytes.length % RECORD, 0, `a torn record in file ${place}`);
  assert.ok(bytes.subarray(0, RECORD).equals(headerOf(place)));
  const hole = Buffer.alloc(RECORD);
  for (let at = RECORD; at < bytes.length; at += RECORD) {
    const record = bytes.subarray(at, at + RECORD);
    if (!record.equals(hole)) checkRecord(log, history, place, record, found);
  }
}

/**
 * Asserts that each write is in one file that its number may have stood for, once.
 */
function checkWritten(log, history, directory) {
  const found = new Set();
  for (let place = 0; place < FILES; place++) {
    checkFile(log, history, directory, place, found);
  }
  for (const entry of log.entries()) {
    const { kind, lane, index, pending, errno } = entry;
    if (kind !== 'write' && kind !== 'pwrite') continue;
    if (pending || errno !== ERRNO.SUCCESS) continue;
    assert.ok(found.has(`${lane}/${index}`), `${show(entry)} is lost`);
  }
  return found.size;
}

/** Asserts all of this. Returns counts of it. */
function checkTable(log, directory) {
  const history = new TableHistory(log);
  checkOpen(log, history);
  const seen = checkSeen(log, history);
  const written = checkWritten(log, history, directory);
  return { seen, written };
}

module.exports = { TableHistory, checkTable };
