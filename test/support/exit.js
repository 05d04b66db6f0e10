'use strict';

// Run as a process: a guest writes and ends it. Its argument: the exit code.

const { withWASI } = require('./guest');
const { Session } = require('./session');

const session = new Session(withWASI({ returnOnExit: false }));
session.write(1, 'to stdout');
session.write(2, 'to stderr');
session.guest.proc_exit(Number(process.argv[2]));
throw new Error('the guest went on');
