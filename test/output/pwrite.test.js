'use strict';

// fd_pwrite to targets that have no offset.

const assert = require('node:assert/strict');
const { Writable } = require('node:stream');
const { ERRNO } = require('../../lib/preview1');
const { useOutputs } = require('../helpers/outputs');
const { call, forEachMode } = require('../helpers/target-calls');

const STDOUT = 1;

const NWRITTEN = 0;
const UNTOUCHED = 0xfeedface;
const IOVS = 64;
const DATA = 65536;

const textOf = (chunk) => Buffer.from(chunk).toString();

const refused = (errno) => ({ errno, left: UNTOUCHED });

describe('fd_pwrite', () => {
  const open = useOutputs();

  const TARGETS = {
    'a capture': () => ({ target: 'capture', chunks: [] }),
    'a function'() {
      const chunks = [];
      return { target: (chunk) => chunks.push(chunk), chunks };
    },
    'a Writable'() {
      const chunks = [];
      const target = new Writable({
        write(chunk, encoding, done) {
          chunks.push(chunk);
          done();
        },
      });
      return { target, chunks };
    },
  };

  forEachMode((through, buffered, mode) => {
    for (const [name, create] of Object.entries(TARGETS)) {
      it(`to ${name} is SPIPE before the pointers are seen, ${mode}`, () => {
        const { target, chunks } = create();
        const output = open(through, { [STDOUT]: target }, { buffered });
        const pwrite = (list, offset) => call(output, STDOUT, list, offset);

        for (const offset of [0n, 1n, 6n, 2n ** 63n - 1n]) {
          for (const list of [[[DATA, 5]], [[DATA, 0]], []]) {
            assert.deepEqual(pwrite(list, offset), refused(ERRNO.SPIPE));
          }
          assert.deepEqual(
            pwrite([[DATA, 2 ** 31]], offset),
            refused(ERRNO.SPIPE),
          );
        }
        assert.deepEqual(
          pwrite([[DATA, 5]], -(2n ** 63n)),
          refused(ERRNO.SPIPE),
        );
        assert.deepEqual(pwrite([[0xffffffff, 5]], -1n), refused(ERRNO.SPIPE));
        assert.equal(
          output.guest.fd_pwrite(STDOUT, IOVS, 1, 0n, 0xfffffffe),
          ERRNO.SPIPE,
        );
        assert.equal(
          output.guest.fd_pwrite(STDOUT, 0xfffffff0, 1, 0n, NWRITTEN),
          ERRNO.SPIPE,
        );
        output.write(STDOUT, 'waited');
        assert.deepEqual(pwrite([[DATA, 5]], 6n), refused(ERRNO.SPIPE));
        output.flush();
        const kept = output.captured(STDOUT) ?? Buffer.concat(chunks);
        assert.equal(textOf(kept), 'waited');
      });
    }
  });
});
