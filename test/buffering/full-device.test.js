'use strict';

// A flush to a device that is always full.

const assert = require('node:assert/strict');
const { ERRNO } = require('../../lib/preview1');
const { describeWithFull } = require('../helpers/full');
const { useHostFiles } = require('../helpers/host-files');
const { inChild } = require('../helpers/in-child');
const { THROUGH, useOutputs } = require('../helpers/outputs');
const { replaceDescriptor } = require('../helpers/replace-descriptor');
const { assertHeld } = require('../helpers/held');

const STDOUT = 1;

describeWithFull('A flush to /dev/full', () => {
  const open = useOutputs();
  const host = useHostFiles();

  for (const through of THROUGH) {
    it(`keeps all bytes until its number is that of a file, under ${through}`, () => {
      const hostFd = host.open('/dev/full', 'w');
      const output = open(through, { [STDOUT]: hostFd }, { buffered: true });
      const held = { fd: STDOUT, pending: 8, errno: ERRNO.NOSPC };
      output.write(STDOUT, ['one, ', 'two']);
      assertHeld(output.flush, held);
      assert.equal(output.tryWrite(STDOUT, 'three'), ERRNO.NOSPC);
      assertHeld(output.flush, held);

      replaceDescriptor(host, hostFd, 'file');
      output.write(STDOUT, ', four');
      output.flush();
      assert.equal(host.read('file'), 'one, two, four');
    });
  }
});

describeWithFull('Guests that cannot write out what is buffered', () => {
  /**
   * Runs 50 guests to `end`. Returns how many stay in memory, and stderr at the
   * exit.
   */
  function leftOf(end) {
    const { stderr, stdout } = inChild(
      async (how) => {
        const fs = require('node:fs');
        const { countAlive } = require('./alive');
        const { withWASI } = require('./guest');
        const { Session } = require('./session');
        const stdout = fs.openSync('/dev/full', 'w');
        const count = await countAlive(() => {
          const session = new Session(withWASI({ stdout, buffered: true }));
          session.write(1, 'text');
          try {
            session.wasi[how]();
          } catch {
            // ENOSPC
          }
          return session.wasi;
        });
        fs.writeSync(1, String(count));
      },
      [end],
      ['--expose-gc'],
    );
    return { count: Number(stdout), stderr };
  }

  it('have their bytes kept after a flush, and told of at the exit', () => {
    const { stderr } = leftOf('flush');
    assert.equal(stderr.match(/4 bytes for guest fd 1 could not/g).length, 50);
  });

  it('are let go once it was given up', () => {
    const { count, stderr } = leftOf('discard');
    assert.ok(count <= 5, `${count} of 50 are alive`);
    assert.equal(stderr, '');
  });
});

describeWithFull('A run that a trap ends, on a full device', () => {
  // Prints the error.
  function trap(args) {
    const fs = require('node:fs');
    const { runSync } = require('../..');
    try {
      runSync('../guests/toolbox.wasm', {
        args,
        buffered: true,
        stdout: fs.openSync('/dev/full', 'w'),
      });
    } catch ({ name, code }) {
      console.log(name, code);
    }
  }

  it('reports the lost bytes on stderr, since the caller gets the trap', () => {
    const { stdout, stderr } = inChild(trap, [['trap', 'text', 'more']]);
    assert.equal(stdout, 'RuntimeError undefined\n');
    assert.equal(
      stderr,
      'wasi-writev: 4 bytes for guest fd 1 could not be written: ENOSPC\n',
    );
  });

  it('reports nothing there if the caller gets the flush error', () => {
    const { stdout, stderr } = inChild(trap, [['say', 'text']]);
    assert.equal(stdout, 'Error ENOSPC\n');
    assert.equal(stderr, '');
  });
});
