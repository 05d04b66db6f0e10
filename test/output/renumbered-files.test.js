'use strict';

// fd_renumber and fd_close, on files that the guest opens and on its standard
// streams.

const assert = require('node:assert/strict');
const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { ERRNO } = require('../../lib/preview1');
const { assertWrites, useGuests } = require('../helpers/opened-files');
const { PREOPEN, RIGHTS } = require('../helpers/session');

const { FD_WRITE } = RIGHTS;

describe('The number of a file', () => {
  const { dir, start } = useGuests();

  describe('that moves', () => {
    it('follows fd_renumber over an open file', () => {
      const session = start();
      const a = session.open('a');
      const b = session.open('b');
      session.write(a, 'one ');
      session.write(b, 'before');
      assert.equal(session.guest.fd_renumber(a, b), ERRNO.SUCCESS);
      session.write(b, 'two');
      assert.equal(session.guest.fd_fdstat_get(a, 64), ERRNO.BADF);
      session.close(b);
      assert.equal(dir.read('a'), 'one two');
      assert.equal(dir.read('b'), 'before');
      assertWrites(session, 3);
    });

    it('follows fd_renumber of a file that was not yet written', () => {
      const session = start();
      const a = session.open('a');
      const b = session.open('b');
      session.write(b, 'before');
      assert.equal(session.guest.fd_renumber(a, b), ERRNO.SUCCESS);
      session.write(b, 'after');
      session.close(b);
      assert.equal(dir.read('a'), 'after');
      assert.equal(dir.read('b'), 'before');
      assertWrites(session, 2);
    });

    for (const written of [true, false]) {
      it(
        'refuses the number that fd_renumber took away from a file ' +
          `${written ? 'written' : 'not written'} before`,
        () => {
          const session = start();
          const a = session.open('a');
          const b = session.open('b');
          if (written) session.write(a, 'one');
          assert.equal(session.guest.fd_renumber(a, b), ERRNO.SUCCESS);
          assert.equal(session.tryWrite(a, 'x'), ERRNO.BADF);
          assert.equal(session.tryPwrite(a, 'x', 0n), ERRNO.BADF);
          session.close(b);
          assert.equal(dir.read('a'), written ? 'one' : '');
          assert.equal(dir.read('b'), '');
        },
      );
    }

    it('keeps a file that is renumbered to its own number', () => {
      const session = start();
      const fd = session.open('file');
      session.write(fd, 'one ');
      assert.equal(session.guest.fd_renumber(fd, fd), ERRNO.SUCCESS);
      session.write(fd, 'two');
      session.close(fd);
      assert.equal(dir.read('file'), 'one two');
      assertWrites(session, 2);
    });

    it('forgets a file when fd_renumber puts a directory there', () => {
      const session = start();
      const directory = session.fdstat(PREOPEN);
      const fd = session.open('file', { rights: FD_WRITE });
      session.write(fd, 'text');
      assert.equal(session.guest.fd_renumber(PREOPEN, fd), ERRNO.SUCCESS);
      assert.equal(session.tryWrite(fd, 'x'), ERRNO.BADF);
      assert.equal(session.tryPwrite(fd, 'x', 0n), ERRNO.BADF);
      assert.deepEqual(session.fdstat(fd), directory);
      session.close(fd);
      assert.equal(dir.read('file'), 'text');
    });

    it('keeps both files when fd_renumber fails', () => {
      const session = start();
      const fd = session.open('file');
      session.write(fd, 'one ');
      assert.equal(session.guest.fd_renumber(fd, 100), ERRNO.BADF);
      assert.equal(session.guest.fd_renumber(100, fd), ERRNO.BADF);
      session.write(fd, 'two');
      session.close(fd);
      assert.equal(dir.read('file'), 'one two');
      assertWrites(session, 2);
    });

    it('writes the next file under the number of one that was closed', () => {
      const session = start();
      const numbers = new Set();
      for (const name of ['a', 'b', 'c']) {
        const fd = session.open(name);
        numbers.add(fd);
        session.write(fd, name);
        session.write(fd, name);
        session.close(fd);
        assert.equal(session.tryWrite(fd, 'x'), ERRNO.BADF);
        assert.equal(session.guest.fd_close(fd), ERRNO.BADF);
      }
      assert.equal(numbers.size, 1);
      for (const name of ['a', 'b', 'c']) {
        assert.equal(dir.read(name), name + name);
      }
    });

    it('writes nothing to a file of the host that took a closed number', () => {
      const session = start();
      const fd = session.open('guest');
      session.write(fd, 'x');
      session.close(fd);
      const hosts = Array.from({ length: 10 }, (_, i) =>
        fs.openSync(dir.path(`host ${i}`), 'w'),
      );
      assert.equal(session.tryWrite(fd, 'x'), ERRNO.BADF);
      const next = session.open('next');
      session.write(next, 'y');
      session.close(next);
      hosts.forEach((host, i) => {
        fs.closeSync(host);
        assert.equal(dir.read(`host ${i}`), '');
      });
      assert.equal(dir.read('guest'), 'x');
      assert.equal(dir.read('next'), 'y');
    });
  });

  describe('of standard streams', () => {
    const STDOUT = 1;
    let stdout;

    beforeEach(() => {
      stdout = fs.openSync(dir.path('stdout'), 'w');
    });
    // The host's descriptor stays open, whatever the guest did with its own.
    afterEach(() => {
      const { ino } = fs.statSync(dir.path('stdout'));
      assert.equal(fs.fstatSync(stdout).ino, ino);
      fs.closeSync(stdout);
    });

    const startWithStdout = () => start({ stdout });

    for (const written of [true, false]) {
      it(
        'writes to stdout what goes to a file that was renumbered to it, ' +
          `${written ? 'written' : 'not written'} before`,
        () => {
          const session = startWithStdout();
          session.write(STDOUT, 'to stdout');
          const fd = session.open('file');
          if (written) session.write(fd, 'one ');
          assert.equal(session.guest.fd_renumber(fd, STDOUT), ERRNO.SUCCESS);
          session.write(STDOUT, 'two');
          assert.equal(session.tryWrite(fd, 'x'), ERRNO.BADF);
          session.close(STDOUT);
          assert.equal(dir.read('stdout'), 'to stdout');
          assert.equal(dir.read('file'), `${written ? 'one ' : ''}two`);
        },
      );
    }

    it('writes to the host what goes to stdout under another number', () => {
      const session = startWithStdout();
      const fd = session.open('file');
      session.write(fd, 'to the file');
      session.write(STDOUT, 'one ');
      assert.equal(session.guest.fd_renumber(STDOUT, fd), ERRNO.SUCCESS);
      session.write(fd, 'two');
      assert.equal(session.tryWrite(STDOUT, 'x'), ERRNO.BADF);
      session.close(fd);
      assert.equal(dir.read('stdout'), 'one two');
      assert.equal(dir.read('file'), 'to the file');
    });

    it('swaps stdout and a file, and back', () => {
      const session = startWithStdout();
      const { guest } = session;
      const file = session.open('file');
      const spare = session.open('spare');
      const swap = () => {
        assert.equal(guest.fd_renumber(STDOUT, spare), ERRNO.SUCCESS);
        // Only the number of the spare file is left to move to.
        const hole = session.open('hole');
        assert.equal(hole, STDOUT);
        assert.equal(guest.fd_renumber(file, STDOUT), ERRNO.SUCCESS);
        const next = session.open('hole');
        assert.equal(next, file);
        assert.equal(guest.fd_renumber(spare, file), ERRNO.SUCCESS);
        assert.equal(session.open('spare'), spare);
      };
      session.write(STDOUT, 'out ');
      session.write(file, 'file ');
      swap();
      session.write(STDOUT, 'file ');
      session.write(file, 'out ');
      swap();
      session.write(STDOUT, 'out');
      session.write(file, 'file');
      session.close(STDOUT, file, spare);
      assert.equal(dir.read('stdout'), 'out out out');
      assert.equal(dir.read('file'), 'file file file');
      assert.equal(dir.read('hole'), '');
      assert.equal(dir.read('spare'), '');
      assertWrites(session, 6);
    });

    it('writes to the file that is opened after stdout was closed', () => {
      const session = startWithStdout();
      session.write(STDOUT, 'to stdout');
      session.close(STDOUT);
      assert.equal(session.tryWrite(STDOUT, 'x'), ERRNO.BADF);
      assert.equal(session.open('file'), STDOUT);
      session.write(STDOUT, 'to the file');
      session.close(STDOUT);
      assert.equal(session.tryWrite(STDOUT, 'x'), ERRNO.BADF);
      assert.equal(dir.read('stdout'), 'to stdout');
      assert.equal(dir.read('file'), 'to the file');
    });

    it('writes to the real stdout of a process that a guest has redirected', () => {
      const out = execFileSync(
        process.execPath,
        [
          '--no-warnings',
          path.join(__dirname, '..', 'fixtures', 'redirect.js'),
          dir.path(''),
        ],
        { encoding: 'utf8' },
      );
      assert.equal(out, 'to stdout\nof the host\n');
      assert.equal(dir.read('file'), 'to the file\n');
      assert.equal(dir.read('after'), 'fd 1 again\n');
    });
  });
});
