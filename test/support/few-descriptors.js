'use strict';

// Run as a process with a low limit of descriptors: a guest opens as many files
// as it can, and writes each. Then it closes half of them, and writes others.
// Its argument: the directory of the files. Prints what became of the writes.

const { ERRNO } = require('../../lib/preview1');
const { withWASI } = require('./guest');
const { Session } = require('./session');

const session = new Session(withWASI({ preopens: { '/': process.argv[2] } }));

const fds = [];
let errno = ERRNO.SUCCESS;
while (errno === ERRNO.SUCCESS) {
  errno = session.tryOpen(`file ${fds.length}`);
  if (errno === ERRNO.SUCCESS) fds.push(session.lastFd());
}
if (errno !== ERRNO.MFILE) throw new Error(`the errno ${errno} of an open`);

fds.forEach((fd, i) => session.write(fd, `file ${i}`));
const half = Math.floor(fds.length / 2);
session.close(...fds.slice(0, half));
for (let i = 0; i < half; i++) {
  const fd = session.open(`again ${i}`);
  session.write(fd, `again ${i}`);
  session.close(fd);
}

const { adopted, delegated } = session.wasi.stats;
console.log(JSON.stringify({ opened: fds.length, adopted, delegated }));
