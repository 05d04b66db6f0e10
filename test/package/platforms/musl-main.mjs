// The program of Node for musl: runs the script that its arguments name.

import fs from 'node:fs';
import { pathToFileURL } from 'node:url';

// The programs that a script starts are for glibc, or start Node once more.
delete process.env.LD_LIBRARY_PATH;
delete process.env.LD_PRELOAD;
process.execPath = process.env.NODE_SH;

process.argv.splice(1, 1);
process.argv[1] = fs.realpathSync(process.argv[1]);
import(pathToFileURL(process.argv[1]));
