'use strict';

// Run as a process with faults.so: a guest opens and writes files while the
// process has many descriptors open.
//
//   node many-descriptors.js DIRECTORY COUNT FILES HINT
//
// HINT: whether the number that a file will get can be known before; else all
// descriptors are searched. Prints the counters of the guest.

const fs = require('node:fs');
const { Faults } = require('./faults');
const { withWASI } = require('./guest');
const { Session } = require('./session');

const [directory, count, files, hint] = process.argv.slice(2);
for (let i = 0; i < Number(count); i++) fs.openSync('/dev/null', 'w');

const session = new Session(withWASI({ preopens: { '/': directory } }));
const faults = new Faults();
for (let i = 0; i < Number(files); i++) {
  // Of stdin, which is copied to see a free number.
  if (hint === 'false') faults.arm([], { dups: ['EMFILE'] });
  const fd = session.open(`file ${i}`);
  session.write(fd, `file ${i}`);
  if (hint === 'false') faults.disarm();
}
const { adopted, delegated } = session.wasi.stats;
console.log(JSON.stringify({ adopted, delegated }));
