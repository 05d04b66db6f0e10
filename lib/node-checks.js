'use strict';

// The checks of options and arguments in Node's WASI, with Node's codes and messages. A
// hint may follow the message. Source: lib/wasi.js, lib/internal/validators.js and
// lib/internal/errors.js of Node.

const { inspect, types } = require('node:util');
const { isObject, outOfRange, withCode } = require('./errors');

function received(value) {
  if (value === null || value === undefined) return `Received ${value}`;
  if (typeof value === 'function') return `Received function ${value.name}`;
  if (typeof value === 'object') {
    return value.constructor?.name
      ? `Received an instance of ${value.constructor.name}`
      : `Received ${inspect(value, { depth: -1 })}`;
  }
  const text = inspect(value, { colors: false });
  const short = text.length > 28 ? `${text.slice(0, 25)}...` : text;
  return `Received type ${typeof value} (${short})`;
}

function wrongType(name, expected, value, hint = '') {
  const what = name.includes('.') ? 'property' : 'argument';
  return withCode(
    new TypeError(
      `The "${name}" ${what} must be ${expected}. ${received(value)}${hint}`,
    ),
    'ERR_INVALID_ARG_TYPE',
  );
}

function validateObject(value, name, hint) {
  if (!isObject(value)) throw wrongType(name, 'of type object', value, hint);
}

function validateFunction(value, name, hint) {
  if (typeof value !== 'function') {
    throw wrongType(name, 'of type function', value, hint);
  }
}

function validateUndefined(value, name, hint) {
  if (value !== undefined) throw wrongType(name, 'undefined', value, hint);
}

function validateString(value, name, hint) {
  if (typeof value !== 'string')
    throw wrongType(name, 'of type string', value, hint);
}

function validateBoolean(value, name) {
  if (typeof value !== 'boolean') {
    throw wrongType(name, 'of type boolean', value);
  }
}

function validateArray(value, name) {
  if (!Array.isArray(value))
    throw wrongType(name, 'an instance of Array', value);
}

/** A descriptor is a non-negative int32. */
function validateDescriptor(value, name) {
  if (typeof value !== 'number') throw wrongType(name, 'of type number', value);
  if (!Number.isInteger(value)) throw outOfRange(name, 'an integer', value);
  if (value < 0 || value > 2 ** 31 - 1) {
    throw outOfRange(name, '>= 0 && <= 2147483647', value);
  }
}

/** A hint to a caller who gave this value instead of an instance, or ''. */
function hintOfInstance(value) {
  if (types.isPromise(value)) return '. Await the promise';
  if (value instanceof WebAssembly.Module) {
    return '. Instantiate the module, with the imports of getImportObject()';
  }
  if (isObject(value.instance)) return '. Pass its property "instance"';
  return value.memory === undefined
    ? ''
    : '. Pass the instance, not its exports';
}

function validateInstance(instance) {
  validateObject(instance, 'instance');
  const { exports } = instance;
  if (isObject(exports)) return;
  validateObject(exports, 'instance.exports', hintOfInstance(instance));
}

const VERSIONS = ". The versions are 'preview1' and 'unstable'";

/** The name of the module that guests of `options.version` import. */
function bindingName(version) {
  validateString(version, 'options.version', VERSIONS);
  if (version === 'preview1') return 'wasi_snapshot_preview1';
  if (version === 'unstable') return 'wasi_unstable';
  throw withCode(
    new TypeError(
      "The property 'options.version' unsupported WASI version. " +
        `Received ${inspect(version)}${VERSIONS}`,
    ),
    'ERR_INVALID_ARG_VALUE',
  );
}

module.exports = {
  bindingName,
  validateArray,
  validateBoolean,
  validateDescriptor,
  validateFunction,
  validateInstance,
  validateObject,
  validateUndefined,
};
