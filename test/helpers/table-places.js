'use strict';

// The files and directories that table-walker.js opens. Each has a number, its
// place. A file names its place in its first record, followed by room for the
// records of fd_pwrite; fd_write appends. A directory has entries that name its
// place.

const fs = require('node:fs');
const path = require('node:path');
const { recordOf } = require('./records');

const FILES = 8;
const DIRECTORIES = 2;
const ENTRIES = 12; // of a directory
const RECORD = 64; // bytes

const isFile = (place) => place < FILES;
const nameOf = (place) => `${isFile(place) ? 'file' : 'directory'}-${place}`;

const HEADER = /^place-(\d+)[-/]/;
const headerOf = (place) => recordOf(`place-${place}`, 0, RECORD);

/** The place that a header or directory entries name, or -1. */
function placeIn(texts) {
  const places = new Set(texts.map((text) => HEADER.exec(text)?.[1] ?? -1));
  return places.size === 1 ? Number([...places][0]) : -1;
}

function makeFile(file, place, slots) {
  fs.writeFileSync(file, headerOf(place));
  fs.truncateSync(file, RECORD * (1 + slots));
}

function makeDirectory(file, place) {
  fs.mkdirSync(file);
  for (let i = 0; i < ENTRIES; i++) {
    fs.writeFileSync(path.join(file, `place-${place}-${i}`), '');
  }
}

/**
 * Creates them. Returns their inodes.
 *
 * @param {string} directory empty
 * @param {number} slots how many fd_pwrite records a file has room for
 */
function makePlaces(directory, slots) {
  return Array.from({ length: FILES + DIRECTORIES }, (_, place) => {
    const file = path.join(directory, nameOf(place));
    const make = isFile(place) ? makeFile : makeDirectory;
    make(file, place, slots);
    return fs.statSync(file).ino;
  });
}

module.exports = {
  DIRECTORIES,
  FILES,
  RECORD,
  headerOf,
  isFile,
  makePlaces,
  nameOf,
  placeIn,
};
