'use strict';

// Required by mocha in Deno: tests start process.execPath with flags of Node.

const path = require('node:path');

process.env.DENO = process.execPath;
process.execPath = path.join(__dirname, 'deno.sh');
