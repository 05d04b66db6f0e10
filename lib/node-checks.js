'use strict';

// The checks of Node's WASI on its options and arguments, with Node's codes and
// messages. Source: lib/wasi.js, lib/internal/validators.js and
// lib/internal/errors.js of Node.

const { inspect } = require('node:util');
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

function wrongType(name, expected, value) {
  const what = name.includes('.') ? 'property' : 'argument';
  return withCode(
    new TypeError(
      `The "${name}" ${what} must be ${expected}. ${received(value)}`,
    ),
    'ERR_INVALID_ARG_TYPE',
  );
}

function validateObject(value, name) {
  if (!isObject(value)) throw wrongType(name, 'of type object', value);
}

function validateFunction(value, name) {
  if (typeof value !== 'function') {
    throw wrongType(name, 'of type function', value);
  }
}

function validateUndefined(value, name) {
  if (value !== undefined) throw wrongType(name, 'undefined', value);
}

function validateString(value, name) {
  if (typeof value !== 'string') throw wrongType(name, 'of type string', value);
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

/** The name of the module that guests import, by `options.version`. */
function bindingName(version) {
  validateString(version, 'options.version');
  if (version === 'preview1') return 'wasi_snapshot_preview1';
  if (version === 'unstable') return 'wasi_unstable';
  throw withCode(
    new TypeError(
      "The property 'options.version' unsupported WASI version. " +
        `Received ${inspect(version)}`,
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
  validateObject,
  validateUndefined,
};
