'use strict';

// Run as a process: guests write numbered lines until the process ends. Its
// argument, as JSON:
//
// directory  where guest number N writes the file `lines N`, and the count of those
//            that were accepted, 64 bits, is in `accepted N`
// guests     how many, each in a thread; or 0, for one in the main thread
// exit       milliseconds after which the main thread calls process.exit()
// opened     whether the guests open the files themselves
// positioned whether by fd_pwrite
// buffered, bufferSize   the options
//
// Prints a byte when it begins.

const fs = require('node:fs');
const path = require('node:path');
const { Worker, isMainThread, workerData } = require('node:worker_threads');
const { LINE, lineOf } = require('./records');
const { withWASI, withWrites } = require('./guest');
const { Session } = require('./session');

const STDOUT = 1;
const settings = isMainThread ? JSON.parse(process.argv[2]) : workerData;

function writeLines({ directory, opened, positioned, ...rest }, id) {
  const name = `lines ${id}`;
  const file = path.join(directory, name);
  const { buffered, bufferSize } = rest;
  const options = { buffered, bufferSize };
  const session = new Session(
    opened
      ? withWASI({ preopens: { '/': directory }, ...options })
      : withWrites({ fds: { [STDOUT]: fs.openSync(file, 'w') }, ...options }),
  );
  const fd = opened ? session.open(name) : STDOUT;
  const accepted = fs.openSync(path.join(directory, `accepted ${id}`), 'w');
  const count = new BigUint64Array(1);
  fs.writeSync(1, '.');
  for (let i = 0; ; i++) {
    if (positioned) session.pwrite(fd, lineOf(i), BigInt(i * LINE));
    else session.write(fd, lineOf(i));
    count[0]++;
    fs.writeSync(accepted, count, 0, 8, 0);
  }
}

if (isMainThread && settings.guests > 0) {
  for (let id = 0; id < settings.guests; id++) {
    new Worker(__filename, { workerData: { ...settings, id } });
  }
  if (settings.exit !== undefined) {
    setTimeout(() => process.exit(), settings.exit);
  }
} else {
  writeLines(settings, settings.id ?? 0);
}
