'use strict';

/**
 * A Proxy of an instance whose exports are another Proxy. @emnapi/wasi-threads makes
 * such Proxies to pass WASI a memory that the module imports. The keys of the
 * exports cannot be listed: they are properties that cannot be redefined, and the
 * target of that Proxy lacks them.
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
