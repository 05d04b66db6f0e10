'use strict';

// eval.cjs CODE [ARGS...]: what `node -e CODE ARGS...` does.

const { createRequire } = require('node:module');
const path = require('node:path');
const vm = require('node:vm');

const [, code] = process.argv.splice(1, 2);
globalThis.require = createRequire(path.join(process.cwd(), '[eval]'));
vm.runInThisContext(code);
