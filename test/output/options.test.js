'use strict';

// The options of outputs.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const { WASI, createWrites } = require('../..');
const {
  assertNoneLeft,
  countDescriptors,
  itWithProc,
} = require('../helpers/descriptors');
const { withWrites } = require('../helpers/guest');
const { Session } = require('../helpers/session');
const { useTempDir } = require('../helpers/temp');

const textOf = (chunk) => Buffer.from(chunk).toString();

describe('Options of outputs', () => {
  const dir = useTempDir();
  const EXPECTED = "a file descriptor, 'capture', a function or a Writable";
  const { MAX_LENGTH } = require('node:buffer').constants;

  const WRONG_TARGETS = {
    "'Capture'": 'Capture',
    "''": '',
    null: null,
    true: true,
    '{}': {},
    '[]': [],
    '[Object: null prototype] {}': Object.create(null),
    '{ write: [Function: write] }': { write() {} },
    '1n': 1n,
    'Symbol(stdout)': Symbol('stdout'),
  };

  for (const [given, target] of Object.entries(WRONG_TARGETS)) {
    const refuses = (action, name) =>
      assert.throws(action, {
        name: 'TypeError',
        code: 'ERR_INVALID_ARG_TYPE',
        message: `${name} must be ${EXPECTED}. Received ${given}`,
      });

    itWithProc(`refuse ${given} as a stream, and leave nothing open`, () => {
      const before = countDescriptors();
      for (const name of ['stdout', 'stderr']) {
        refuses(
          () =>
            new WASI({
              version: 'preview1',
              stdout: 'capture',
              stderr: 'capture',
              [name]: target,
            }),
          `options.${name}`,
        );
      }
      assertNoneLeft(before);
    });

    it(`refuse ${given} as a target of createWrites`, () => {
      refuses(() => createWrites({ fds: { 7: target } }), 'options.fds[7]');
      refuses(
        () => createWrites({ fds: new Map([[7, target]]) }),
        'options.fds[7]',
      );
      refuses(() => createWrites().map(7, target), 'target');
    });
  }

  for (const name of ['stdout', 'stderr']) {
    for (const [value, code] of [
      [-1, 'ERR_OUT_OF_RANGE'],
      [1.5, 'ERR_OUT_OF_RANGE'],
      [NaN, 'ERR_OUT_OF_RANGE'],
      [2 ** 31, 'ERR_OUT_OF_RANGE'],
    ]) {
      itWithProc(`refuse ${value} as ${name}, as node:wasi does`, () => {
        const before = countDescriptors();
        const other = name === 'stdout' ? 'stderr' : 'stdout';
        assert.throws(
          () =>
            new WASI({
              version: 'preview1',
              [name]: value,
              [other]: 'capture',
            }),
          { code, message: new RegExp(`"options\\.${name}"`) },
        );
        assertNoneLeft(before);
      });
    }
  }

  itWithProc('refuse a capture as stdin, and leave nothing open', () => {
    const before = countDescriptors();
    assert.throws(
      () =>
        new WASI({ version: 'preview1', stdin: 'capture', stdout: 'capture' }),
      { code: 'ERR_INVALID_ARG_TYPE', message: /"options\.stdin"/ },
    );
    assertNoneLeft(before);
  });

  const INTEGERS = {
    bufferSize: [1, 2 ** 30],
    captureLimit: [0, MAX_LENGTH],
  };
  for (const [name, [min, max]] of Object.entries(INTEGERS)) {
    const WRONG = [
      ['1', 'ERR_INVALID_ARG_TYPE', `options.${name} must be a number.`, "'1'"],
      [null, 'ERR_INVALID_ARG_TYPE', `options.${name} must be a number.`],
      [1n, 'ERR_INVALID_ARG_TYPE', `options.${name} must be a number.`, '1n'],
      ...[1.5, NaN, Infinity].map((value) => [
        value,
        'ERR_OUT_OF_RANGE',
        `The value of "options.${name}" is out of range. ` +
          'It must be an integer.',
      ]),
      ...[min - 1, max + 1].map((value) => [
        value,
        'ERR_OUT_OF_RANGE',
        `The value of "options.${name}" is out of range. ` +
          `It must be >= ${min} && <= ${max}.`,
      ]),
    ];
    for (const [value, code, message, given = String(value)] of WRONG) {
      it(`refuse ${given} as ${name}`, () => {
        const error = { code, message: `${message} Received ${given}` };
        const options = { [name]: value };
        assert.throws(
          () => new WASI({ version: 'preview1', ...options }),
          error,
        );
        assert.throws(() => createWrites(options), error);
      });
    }

    it(`take ${min} as ${name}`, () => {
      createWrites({ [name]: min });
      new WASI({ version: 'preview1', [name]: min });
    });
  }

  for (const value of [1, 0, 'true', 'Auto', '', null]) {
    const given = typeof value === 'string' ? `'${value}'` : String(value);
    it(`refuse ${given} as buffered`, () => {
      const error = {
        name: 'TypeError',
        code: 'ERR_INVALID_ARG_VALUE',
        message:
          "options.buffered must be true, false or 'auto'. " +
          `Received ${given}`,
      };
      assert.throws(
        () => new WASI({ version: 'preview1', buffered: value }),
        error,
      );
      assert.throws(() => createWrites({ buffered: value }), error);
    });
  }

  it('are checked for misspellings by createWrites', () => {
    for (const name of ['buffersize', 'captureSize', 'capture', 'buffer']) {
      assert.throws(() => createWrites({ [name]: 1 }), {
        code: 'ERR_INVALID_ARG_VALUE',
        message: new RegExp(`^options\\.${name} is not an option`),
      });
    }
  });

  for (const fd of [-1, 1.5, 2 ** 20, '1', undefined]) {
    it(`refuse ${String(fd)} as an fd of captured()`, () => {
      const code =
        typeof fd === 'number' ? 'ERR_OUT_OF_RANGE' : 'ERR_INVALID_ARG_TYPE';
      assert.throws(() => createWrites().captured(fd), { code });
    });
  }

  it('leave an fd unchanged if a target is refused', () => {
    const out = fs.openSync(dir.path('file'), 'w');
    const started = withWrites({ fds: { 1: out, 2: 'capture' } });
    const session = new Session(started);
    session.write(2, 'before, ');
    for (const fd of [1, 2]) {
      for (const target of ['bogus', -1]) {
        assert.throws(() => started.writes.map(fd, target));
      }
    }
    session.write(1, 'to the file');
    session.write(2, 'after');
    assert.equal(dir.read('file'), 'to the file');
    assert.equal(textOf(started.writes.captured(2)), 'before, after');
    fs.closeSync(out);
  });
});
