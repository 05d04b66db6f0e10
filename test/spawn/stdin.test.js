'use strict';

// Where the input of a tool may come from.

const assert = require('node:assert/strict');
const { PassThrough, Readable } = require('node:stream');
const { text } = require('node:stream/consumers');
const { setImmediate: turn } = require('node:timers/promises');
const { run } = require('../..');
const { describeNative } = require('../helpers/buffering');
const { compile } = require('../helpers/guest');
const { resultOf } = require('../helpers/run-results');

const toolbox = (args, stdin) =>
  run(compile('toolbox'), { args, encoding: 'utf8', stdin });

const cat = (stdin) => toolbox(['cat'], stdin);

// once() would reject with the error of the end.
const isClosed = (source) =>
  new Promise((resolve) => {
    source.once('close', resolve);
  });

const silent = () => new Readable({ read() {} });

// Each gives 'one, two'.
const SOURCES = {
  'a string': () => 'one, two',
  'a Buffer': () => Buffer.from('one, two'),
  'bytes that threads share': () => {
    const shared = new Uint8Array(new SharedArrayBuffer(8));
    shared.set(Buffer.from('one, two'));
    return shared;
  },
  'a Readable': () => Readable.from([Buffer.from('one, '), Buffer.from('two')]),
  'a Readable of strings': () => Readable.from(['one', '', ', two']),
  'a Readable with an encoding': () => {
    const source = new PassThrough({ encoding: 'latin1' });
    source.end('one, two');
    return source;
  },
  'a ReadableStream': () =>
    new ReadableStream({
      start(controller) {
        controller.enqueue(new Uint8Array(Buffer.from('one, ')));
        controller.enqueue('two');
        controller.close();
      },
    }),
  'an array': () => ['one', ', ', new Uint8Array(), Buffer.from('two')],
  'a generator': () =>
    (function* () {
      yield 'one, ';
      yield 'two';
    })(),
  'an async generator': () =>
    (async function* () {
      yield 'one, ';
      await turn();
      yield 'two';
    })(),
  'a Blob': () => new Blob(['one, ', 'two']),
};

const EMPTY = {
  'a Readable that has ended': async () => {
    const ended = Readable.from(['text']);
    await text(ended);
    return ended;
  },
  'an empty Blob': () => new Blob([]),
  'no chunks': () => [],
};

// Each fails with `error` after a moment.
const FAILING = {
  'a Readable': (error) => {
    const source = silent();
    setImmediate(() => source.destroy(error));
    return source;
  },
  'a generator': (error) =>
    (function* () {
      yield 'text';
      throw error;
    })(),
  'a ReadableStream': (error) =>
    new ReadableStream({ pull: (controller) => controller.error(error) }),
};

describeNative('The stdin of a tool', () => {
  for (const [title, source] of Object.entries(SOURCES)) {
    it(`is ${title}`, async () => {
      assert.deepEqual(
        await cat(source()),
        resultOf({ stdout: 'one, two', stderr: '' }),
      );
    });
  }

  for (const [title, source] of Object.entries(EMPTY)) {
    it(`is ${title}: nothing`, async () => {
      assert.equal((await cat(await source())).stdout, '');
    });
  }

  for (const [title, chunk] of [
    ['a number', 1],
    ['an object', {}],
    ['an ArrayBuffer', new ArrayBuffer(1)],
  ]) {
    it(`has the tool reject where a chunk is ${title}`, () =>
      assert.rejects(cat(['text', chunk]), {
        code: 'ERR_INVALID_ARG_TYPE',
        message: /^A chunk of options\.stdin must be a string or a Uint8Array/,
      }));
  }

  for (const [title, source] of Object.entries(FAILING)) {
    it(`that is ${title} which fails rejects with its error`, async () => {
      // Not to be taken for the end of the tool.
      const error = Object.assign(new Error('of the source'), {
        name: 'AbortError',
        code: 'ABORT_ERR',
      });
      await assert.rejects(cat(source(error)), (thrown) => thrown === error);
    });
  }

  it('that was cut off rejects: the tool has not read all', () => {
    const source = silent();
    setImmediate(() => source.destroy());
    return assert.rejects(cat(source), { code: 'ERR_STREAM_PREMATURE_CLOSE' });
  });

  it('that is locked rejects', () => {
    const source = new ReadableStream();
    source.getReader();
    return assert.rejects(cat(source), { code: 'ERR_INVALID_STATE' });
  });

  it('may be left unread, and its source is given up', async () => {
    const source = silent();
    const closed = isClosed(source);
    assert.equal((await toolbox(['exit', '3'], source)).exitCode, 3);
    await closed;
    let cancel;
    const canceled = new Promise((resolve) => {
      cancel = resolve;
    });
    const web = new ReadableStream({ cancel });
    assert.equal((await toolbox(['exit', '4'], web)).exitCode, 4);
    await canceled;
  });

  it('may have more than the tool reads', async () => {
    const many = Array.from({ length: 64 }, () => Buffer.alloc(65536));
    assert.equal((await toolbox(['exit', '3'], many)).exitCode, 3);
  });

  it('may be of a source that does not compile, and is given up', async () => {
    const source = silent();
    const closed = isClosed(source);
    await assert.rejects(
      run(Buffer.from('no module'), { stdin: source, stdout: () => {} }),
      { name: 'CompileError' },
    );
    await closed;
  });
});
