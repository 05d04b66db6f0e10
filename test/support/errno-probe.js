'use strict';

// What a guest is told for each errno of its host: under failing-writes.py,
// which makes the errno of the number of bytes. Prints [errno of write, of
// pwrite] by number, as JSON.

const { putIovs, withWrites } = require('./guest');

const HOST_FD = 3;
const FD = 3;
const IOVS = 16;
const DATA = 1024;

const { guest, memory } = withWrites({ fds: { [FD]: HOST_FD } });
const answers = {};
for (const number of JSON.parse(process.argv[2])) {
  putIovs(memory, IOVS, [[DATA, number]]);
  answers[number] = [
    guest.fd_write(FD, IOVS, 1, 0),
    guest.fd_pwrite(FD, IOVS, 1, 0n, 0),
  ];
}
process.stdout.write(JSON.stringify(answers));
