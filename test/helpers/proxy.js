'use strict';

/**
 * A Proxy of an instance, with another for its exports, as @emnapi/wasi-threads
 * makes them in order to have WASI take a memory that the module imports. The
 * keys of the exports can not be listed: their properties can not be redefined,
 * and the target of that Proxy does not have them.
 */
function proxyOf(instance, memory) {
  const { exports } = instance;
  const handler = {};
  for (const trap of Object.getOwnPropertyNames(Reflect)) {
    if (typeof Reflect[trap] !== 'function') continue;
    handler[trap] = (target, ...values) => Reflect[trap](exports, ...values);
  }
  handler.get = (target, key) =>
    key === 'memory' ? (memory ?? exports.memory) : exports[key];
  handler.has = (target, key) => key === 'memory' || key in exports;
  const exportsProxy = new Proxy(Object.create(null), handler);
  return new Proxy(instance, {
    get: (target, key) =>
      key === 'exports' ? exportsProxy : Reflect.get(target, key),
  });
}

module.exports = { proxyOf };
