'use strict';

// eval.cjs CODE [ARGS...]: acts like `node -e CODE ARGS...`.

const { builtinModules, createRequire } = require('node:module');
const path = require('node:path');
const vm = require('node:vm');

const [, code] = process.argv.splice(1, 2);
globalThis.require = createRequire(path.join(process.cwd(), '[eval]'));
for (const name of builtinModules.filter((each) => /^\w+$/.test(each))) {
  if (name in globalThis) continue;
  Object.defineProperty(globalThis, name, {
    configurable: true,
    get: () => require(name),
  });
}
vm.runInThisContext(code);
