'use strict';

// node --import wasi-writev/register: every WASI of node:wasi in this process and
// its workers is ours. Options come from the environment; what the caller of the
// constructor gives goes before them.

const { syncBuiltinESMExports } = require('node:module');
const wasi = require('node:wasi');
const { invalidValue } = require('./errors');
const { WASI: OurWASI } = require('./wasi');

const BUFFERED = new Map([
  ['true', true],
  ['false', false],
  ['auto', 'auto'],
]);

/** The value of a variable, or undefined where it is not set. */
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

const options = Object.fromEntries(
  Object.entries({
    buffered: variable('WASI_WRITEV_BUFFERED', (text) => BUFFERED.get(text)),
    bufferSize: variable('WASI_WRITEV_BUFFER_SIZE', Number),
    captureLimit: variable('WASI_WRITEV_CAPTURE_LIMIT', Number),
    waitTimeout: variable('WASI_WRITEV_WAIT_TIMEOUT', Number),
  }).filter(([, value]) => value !== undefined),
);

class WASI extends OurWASI {
  constructor(given) {
    const mergeable = typeof given === 'object' && given !== null;
    super(mergeable ? { ...options, ...given } : given);
  }
}

wasi.WASI = WASI;
syncBuiltinESMExports();
