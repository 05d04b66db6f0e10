'use strict';

// `node --import wasi-writev/register` replaces the WASI of node:wasi in this
// process and its workers. The environment sets default options; the constructor's
// options override them.

const { syncBuiltinESMExports } = require('node:module');
const { invalidValue, isObject } = require('./errors');
const { loadModule } = require('./fallback/node-wasi');
const { readOptions } = require('./options');
const { WASI: OurWASI } = require('./wasi');

const BUFFERED = new Map([
  ['true', true],
  ['false', false],
  ['auto', 'auto'],
]);

/** The value of an environment variable, or undefined if it is not set. */
function variable(name, parse) {
  const text = process.env[name];
  if (text === undefined || text === '') return undefined;
  const value = parse(text);
  if (value === undefined || Number.isNaN(value)) {
    throw invalidValue(
      `The environment variable ${name}`,
      'is not valid',
      text,
    );
  }
  return value;
}

const defaults = Object.entries({
  buffered: variable('WASI_WRITEV_BUFFERED', (text) => BUFFERED.get(text)),
  bufferSize: variable('WASI_WRITEV_BUFFER_SIZE', Number),
  captureLimit: variable('WASI_WRITEV_CAPTURE_LIMIT', Number),
  waitTimeout: variable('WASI_WRITEV_WAIT_TIMEOUT', Number),
});

function withDefaults(given) {
  if (!isObject(given)) return given;
  const options = readOptions(given);
  for (const [name, value] of defaults) {
    if (options[name] === undefined) options[name] = value;
  }
  return options;
}

class WASI extends OurWASI {
  constructor(given) {
    super(withDefaults(given));
  }
}

loadModule().WASI = WASI;
syncBuiltinESMExports();
