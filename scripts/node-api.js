'use strict';

// What an addon may import from Node.

const { symbols } = require('node-api-headers');

/** Its functions in the version that NAPI_VERSION in src/binding.gyp names. */
const NODE_API = new Set(
  Object.values(symbols.v8).filter(Array.isArray).flat(),
);

/** Whether a symbol belongs to Node-API. */
const isOfNode = (name) => /^napi_|^node_api_/.test(name);

/**
 * @param {string[]} imports
 * @returns {string[]} the faults in what a file imports from Node
 */
function nodeFaults(imports) {
  const fromNode = imports.filter(isOfNode);
  if (fromNode.length === 0) return ['does not use Node-API'];
  return fromNode
    .filter((name) => !NODE_API.has(name))
    .map((name) => `${name} is not in Node-API 8`);
}

module.exports = { NODE_API, isOfNode, nodeFaults };
