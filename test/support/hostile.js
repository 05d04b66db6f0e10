'use strict';

// Run as a process: a guest makes calls that could end it. Its argument, as JSON:
//
// guest      the name of the guest
// directory  its preopen
// fill       put in all of its memory first: a byte
// puts       list of [pointer, bytes in hex], put in its memory
// calls      list of [name, ...arguments]; an i64 is a string
// show       pointer and length of what is printed of its memory at the end
//
// Prints the errno of each call, and that memory in hex, on descriptor 3.

const fs = require('node:fs');
const { makeCall } = require('./all-calls');
const { putBytes, withWASI } = require('./guest');

const RESULTS = 3;

const {
  guest: name,
  directory,
  fill = 0,
  puts = [],
  calls,
  show = [0, 0],
} = JSON.parse(process.argv[2]);

const guest = withWASI({ preopens: { '/': directory } }, name);
if (fill !== 0) new Uint8Array(guest.memory.buffer).fill(fill);
for (const [pointer, hex] of puts) {
  putBytes(guest.memory, pointer, Buffer.from(hex, 'hex'));
}
const errnos = calls.map(([call, ...values]) => makeCall(guest, call, values));
const shown = Buffer.from(guest.memory.buffer, ...show).toString('hex');
fs.writeSync(RESULTS, JSON.stringify({ errnos, shown }));
