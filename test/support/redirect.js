'use strict';

// Run as a process: a guest puts a file in the place of its stdout, which closes
// the stdout of the process, then closes that and opens another. Its argument:
// the directory of the files.

const { PREOPEN, Session } = require('./session');
const { withWASI } = require('./guest');

const STDOUT = 1;

const session = new Session(withWASI({ preopens: { '/': process.argv[2] } }));
session.write(STDOUT, 'to stdout\n');
session.guest.fd_renumber(session.open('file'), STDOUT);
session.write(STDOUT, 'to the file\n');
session.close(STDOUT);
if (session.open('after') !== STDOUT) throw new Error('the number is not free');
session.write(STDOUT, 'fd 1 again\n');
session.close(STDOUT, PREOPEN);
