'use strict';

// Several threads, and several contexts.

const assert = require('node:assert/strict');
const { execFileSync, spawn } = require('node:child_process');
const { once } = require('node:events');
const fs = require('node:fs');
const path = require('node:path');
const { setImmediate } = require('node:timers/promises');
const vm = require('node:vm');
const { WASI, createWrites, engine } = require('../..');
const { assertSameBytes, pattern } = require('../helpers/bytes');
const { copyPackage } = require('../helpers/copy');
const {
  afterThreads,
  assertNoneLeft,
  countDescriptors,
  descriptorsOf,
  itWithProc,
} = require('../helpers/descriptors');
const { importsFor } = require('../helpers/guest');
const { readAvailable } = require('../helpers/host-files');
const { assertRecords } = require('../helpers/records');
const { PREOPEN, RIGHTS, Session } = require('../helpers/session');
const { useTempDir } = require('../helpers/temp');
const { Thread, runThreads } = require('../helpers/thread');

const native = engine === 'native';

const PAGE = 65536;
const STDOUT = 1;
const THREADS = 4;

/** The first bytes in a pipe, at most a page. */
async function readFirst(fd, thread) {
  const bytes = Buffer.alloc(4096);
  while (!thread.ended) {
    try {
      return bytes.subarray(0, fs.readSync(fd, bytes));
    } catch (error) {
      if (error.code !== 'EAGAIN') throw error;
      await setImmediate();
    }
  }
  return assert.fail('the thread wrote nothing');
}

const IDS = Array.from({ length: THREADS }, (_, id) => id);

/** A page for each thread, and the pages that a session needs. */
const sharedMemory = () =>
  new WebAssembly.Memory({ initial: THREADS, maximum: 65536, shared: true });

describe('workers', () => {
  const dir = useTempDir();

  /** `data` for each thread, with its own id and so on. */
  const each = (data) =>
    IDS.map((id) => ({
      ...data,
      id,
      base: data.memory && id * PAGE,
    }));

  /** Runs threads that write to a FIFO. Returns the bytes that come out. */
  async function throughFifo(list, nonblock) {
    const { O_NONBLOCK, O_RDWR, O_WRONLY } = fs.constants;
    execFileSync('mkfifo', [dir.path('fifo')]);
    const held = fs.openSync(dir.path('fifo'), O_RDWR | O_NONBLOCK);
    const stdout = fs.openSync(
      dir.path('fifo'),
      O_WRONLY | (nonblock ? O_NONBLOCK : 0),
    );
    const out = fs.openSync(dir.path('out'), 'w');
    const reader = spawn('cat', [dir.path('fifo')], {
      stdio: ['ignore', out, 'inherit'],
    });
    const exit = once(reader, 'exit');
    fs.closeSync(out);
    try {
      await runThreads(list.map((data) => ({ ...data, stdout })));
    } finally {
      fs.closeSync(stdout);
      fs.closeSync(held);
    }
    assert.deepEqual(await exit, [0, null]);
    return fs.readFileSync(dir.path('out'));
  }

  describe('with a memory for each', () => {
    it('write files of their own', async () => {
      const count = 200;
      const size = 5000;
      const results = await runThreads(
        IDS.map((id) => ({
          job: 'records',
          id,
          count,
          size,
          directory: dir.path(''),
          file: `file ${id}`,
        })),
      );
      for (const id of IDS) {
        assertRecords(
          fs.readFileSync(dir.path(`file ${id}`)),
          [id],
          count,
          size,
        );
        assert.equal(results[id].native, count);
      }
    });

    it('write whole records to one pipe', async () => {
      const count = 500;
      const size = 4096;
      const bytes = await throughFifo(each({ job: 'records', count, size }));
      assertRecords(bytes, IDS, count, size);
    });

    // Each thread opens the file by itself.
    it('write whole records to the end of one file', async () => {
      const count = 100;
      const size = 30000;
      await runThreads(
        each({
          job: 'records',
          count,
          size,
          directory: dir.path(''),
          file: 'file',
        }),
      );
      assertRecords(fs.readFileSync(dir.path('file')), IDS, count, size);
    });

    const rightsOfFiles = {
      'with every right': RIGHTS.FILE,
      'with the right to write alone': RIGHTS.FD_WRITE,
    };
    for (const [what, rights] of Object.entries(rightsOfFiles)) {
      itWithProc(`find their own files, opened ${what}, at once`, async () => {
        const count = 1500;
        const before = countDescriptors();
        const results = await runThreads(
          each({ job: 'opens', count, rights, directory: dir.path('') }),
        );
        const numbers = Array.from({ length: count }, (_, i) => `${i}\n`);
        for (const id of IDS) {
          assert.equal(dir.read(`file ${id}`), numbers.join(''));
          assert.equal(results[id].native, count);
        }
        await afterThreads(() => assertNoneLeft(before));
      });
    }
  });

  for (const host of ['WASI', 'createWrites']) {
    describe(`with one memory and a ${host} for each`, () => {
      for (const nonblock of [false, true]) {
        it(
          'write whole records to one ' +
            `${nonblock ? 'non-blocking' : 'blocking'} pipe`,
          async () => {
            const count = 500;
            const size = 4096;
            const bytes = await throughFifo(
              each({
                job: 'records',
                host,
                count,
                size,
                memory: sharedMemory(),
              }),
              nonblock,
            );
            assertRecords(bytes, IDS, count, size);
          },
        );
      }

      it('write whole records to one host descriptor that appends', async () => {
        const count = 100;
        const size = 30000;
        const stdout = fs.openSync(dir.path('file'), 'a');
        await runThreads(
          each({
            job: 'records',
            host,
            count,
            size,
            stdout,
            memory: sharedMemory(),
          }),
        );
        fs.closeSync(stdout);
        assertRecords(fs.readFileSync(dir.path('file')), IDS, count, size);
      });
    });
  }

  it('with one memory write files that each opens by itself', async () => {
    const count = 100;
    const size = 30000;
    const results = await runThreads(
      each({
        job: 'records',
        count,
        size,
        memory: sharedMemory(),
        directory: dir.path(''),
        file: 'file',
      }),
    );
    assertRecords(fs.readFileSync(dir.path('file')), IDS, count, size);
    for (const { native } of results) assert.equal(native, count);
  });

  it('load the addon one after the other', async () => {
    for (let id = 0; id < 6; id++) {
      await runThreads([
        {
          job: 'records',
          id,
          count: 10,
          size: 100,
          directory: dir.path(''),
          file: `file ${id}`,
        },
      ]);
      assertRecords(fs.readFileSync(dir.path(`file ${id}`)), [id], 10, 100);
    }
  });

  describe('that are terminated in the middle', () => {
    const ROUNDS = 6;

    // In the fallback node:wasi leaves the files and the directory of such a guest
    // open.
    function closeLeftByNode() {
      for (const name of ['', ...IDS.map((id) => `file ${id}`)]) {
        const file = dir.path(name);
        if (!fs.existsSync(file)) continue;
        for (const fd of descriptorsOf(file)) fs.closeSync(fd);
      }
    }
    afterEach(() => native || closeLeftByNode());

    const jobs = {
      writesOn: 'writing to an open file',
      opensOn: 'opening and closing files',
    };
    for (const [job, what] of Object.entries(jobs)) {
      itWithProc(`of ${what} leave no descriptor`, async () => {
        const before = countDescriptors();
        for (let round = 0; round < ROUNDS; round++) {
          const threads = each({ job, directory: dir.path('') }).map(
            (data) => new Thread(data),
          );
          await Promise.all(threads.map((thread) => thread.ready()));
          threads.forEach((thread) => thread.start());
          // Waits until each of them has written something.
          for (const id of IDS) {
            const file = dir.path(`file ${id}`);
            while (!fs.existsSync(file) || fs.statSync(file).size < 1) {
              assert.equal(threads[id].ended, false);
              await setImmediate();
            }
          }
          await Promise.all(threads.map((thread) => thread.terminate()));
          for (const id of IDS) {
            await afterThreads(() => {
              const { length } = descriptorsOf(dir.path(`file ${id}`));
              assert.ok(length <= (native ? 0 : 1), `${length} descriptors`);
            });
            assert.match(dir.read(`file ${id}`), /^\.+$/);
          }
          if (!native) closeLeftByNode();
          for (const id of IDS) fs.unlinkSync(dir.path(`file ${id}`));
        }
        await afterThreads(() => assertNoneLeft(before));
      });
    }

    itWithProc(
      'of a write to a full pipe leave a beginning of it',
      async () => {
        const { O_NONBLOCK, O_RDWR, O_WRONLY } = fs.constants;
        execFileSync('mkfifo', [dir.path('fifo')]);
        const before = countDescriptors();
        const bytes = pattern(1000000);
        for (const flags of [0, O_NONBLOCK]) {
          const held = fs.openSync(dir.path('fifo'), O_RDWR | O_NONBLOCK);
          const stdout = fs.openSync(dir.path('fifo'), O_WRONLY | flags);
          const thread = new Thread({ job: 'bytes', bytes, stdout });
          await thread.ready();
          thread.start();

          // Some bytes have come out, and the rest does not fit the pipe: the thread
          // is inside its write.
          const chunks = [await readFirst(held, thread)];
          const termination = thread.terminate();
          do {
            chunks.push(readAvailable(held));
            await setImmediate();
          } while (!thread.ended);
          await termination;
          chunks.push(readAvailable(held));

          const received = Buffer.concat(chunks);
          assertSameBytes(received, bytes.subarray(0, received.length));
          fs.closeSync(stdout);
          fs.closeSync(held);
        }
        await afterThreads(() => assertNoneLeft(before));
      },
    );
  });
});

describe('contexts', () => {
  const dir = useTempDir();
  let out;

  beforeEach(() => {
    out = fs.openSync(dir.path('out'), 'w');
  });
  afterEach(() => fs.closeSync(out));

  const binaries = {
    calls: fs.readFileSync(path.join(__dirname, '..', 'guests', 'calls.wasm')),
    'calls-imported-memory': fs.readFileSync(
      path.join(__dirname, '..', 'guests', 'calls-imported-memory.wasm'),
    ),
    'calls-shared-memory': fs.readFileSync(
      path.join(__dirname, '..', 'guests', 'calls-shared-memory.wasm'),
    ),
  };

  const createContext = () => vm.createContext({});

  /** An instance whose objects all belong to that context. */
  function instantiateIn(context, name, imports) {
    const build = vm.runInContext(
      `(bytes, imports) => new WebAssembly.Instance(
         new WebAssembly.Module(bytes), imports)`,
      context,
    );
    return build(binaries[name], imports);
  }

  function memoryIn(context, descriptor) {
    const build = vm.runInContext(
      '(descriptor) => new WebAssembly.Memory(descriptor)',
      context,
    );
    const memory = build(descriptor);
    assert.equal(memory instanceof WebAssembly.Memory, false);
    return memory;
  }

  /** Writes to stdout, grows the memory, and writes from the new part. */
  function assertWrites({ guest, memory }) {
    new Session({ guest, memory }).write(STDOUT, ['before ', 'and ']);
    const end = memory.buffer.byteLength;
    guest.grow(1);
    new Session({ guest, memory }, end).write(STDOUT, 'after');
    assert.equal(dir.read('out'), 'before and after');
  }

  it('have a WASI write for an instance of another one', () => {
    const wasi = new WASI({ version: 'preview1', stdout: out });
    const instance = instantiateIn(
      createContext(),
      'calls',
      wasi.getImportObject(),
    );
    wasi.finalizeBindings(instance);
    const { exports } = instance;
    assert.equal(exports.memory instanceof WebAssembly.Memory, false);
    assertWrites({ guest: exports, memory: exports.memory });
  });

  const memories = {
    'a memory': ['calls-imported-memory', { initial: 1 }],
    'a shared memory': [
      'calls-shared-memory',
      { initial: 1, maximum: 65536, shared: true },
    ],
  };
  for (const [what, [name, descriptor]] of Object.entries(memories)) {
    it(`have a WASI write from ${what} of another one`, () => {
      const context = createContext();
      const memory = memoryIn(context, descriptor);
      const wasi = new WASI({ version: 'preview1', stdout: out });
      const instance = instantiateIn(context, name, {
        ...wasi.getImportObject(),
        env: { memory },
      });
      wasi.finalizeBindings(instance, { memory });
      assertWrites({ guest: instance.exports, memory });
    });

    it(`have createWrites() write from ${what} of another one`, () => {
      const context = createContext();
      const memory = memoryIn(context, descriptor);
      const { wasiImport } = createWrites({ fds: { [STDOUT]: out }, memory });
      const { exports } = instantiateIn(
        context,
        name,
        importsFor(new WebAssembly.Module(binaries[name]), wasiImport, {
          env: { memory },
        }),
      );
      assertWrites({ guest: exports, memory });
    });
  }

  it('have createWrites() take a Map of another one', () => {
    const fds = vm.runInContext(
      '(fd, target) => new Map([[fd, target]])',
      createContext(),
    );
    const memory = new WebAssembly.Memory({ initial: 1 });
    const { wasiImport } = createWrites({ fds: fds(STDOUT, out), memory });
    new Session({ guest: wasiImport, memory }).write(STDOUT, 'text');
    assert.equal(dir.read('out'), 'text');
  });

  it('have several guests write in turn', () => {
    const wasis = Array.from({ length: 5 }, () => {
      const wasi = new WASI({ version: 'preview1', stdout: out });
      const instance = instantiateIn(
        createContext(),
        'calls',
        wasi.getImportObject(),
      );
      wasi.finalizeBindings(instance);
      const { exports } = instance;
      return new Session({ guest: exports, memory: exports.memory });
    });
    let expected = '';
    for (let round = 0; round < 3; round++) {
      for (const [i, session] of wasis.entries()) {
        session.write(STDOUT, `${round}/${i} `);
        expected += `${round}/${i} `;
      }
    }
    assert.equal(dir.read('out'), expected);
  });

  it('have two copies of the package work side by side', () => {
    const copies = [require('../..'), require(copyPackage())];
    assert.notEqual(copies[0].WASI, copies[1].WASI);
    const sessions = copies.map((copy) => {
      const wasi = new copy.WASI({
        version: 'preview1',
        stdout: out,
        preopens: { '/': dir.path('') },
      });
      const instance = new WebAssembly.Instance(
        new WebAssembly.Module(binaries.calls),
        wasi.getImportObject(),
      );
      wasi.initialize(instance);
      const { exports } = instance;
      return new Session({ guest: exports, memory: exports.memory, wasi });
    });
    const fds = sessions.map((session, i) => session.open(`file ${i}`));
    for (const text of ['one ', 'two']) {
      sessions.forEach((session, i) => {
        session.write(fds[i], text);
        session.write(STDOUT, `${i} ${text} `);
      });
    }
    sessions.forEach((session, i) => {
      session.close(fds[i], PREOPEN);
      assert.equal(dir.read(`file ${i}`), 'one two');
    });
    assert.equal(dir.read('out'), '0 one  1 one  0 two 1 two ');
  });
});
