'use strict';

// To be required by mocha in Deno: tests start others like themselves.

const path = require('node:path');

process.env.DENO = process.execPath;
process.execPath = path.join(__dirname, 'deno.sh');
