'use strict';

const path = require('node:path');

const ROOT = path.join(__dirname, '..', '..');

/**
 * Modules with everything that they require of this package, loaded again.
 *
 * @param {string[]} ids absolute paths
 */
function requireAnew(...ids) {
  const own = ['lib', 'build'].map((name) => path.join(ROOT, name) + path.sep);
  const cached = Object.keys(require.cache).filter((file) =>
    own.some((directory) => file.startsWith(directory)),
  );
  const saved = cached.map((file) => [file, require.cache[file]]);
  for (const file of cached) delete require.cache[file];
  try {
    return ids.map((id) => require(id));
  } finally {
    for (const [file, module] of saved) require.cache[file] = module;
  }
}

module.exports = { requireAnew };
