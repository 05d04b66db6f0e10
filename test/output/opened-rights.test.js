'use strict';

// The rights and flags of files that the guest opens.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const { ERRNO, FDFLAGS } = require('../../lib/preview1');
const { hostFlags, itWithProc } = require('../helpers/descriptors');
const { assertWrites, useGuests } = require('../helpers/opened-files');
const { OFLAGS, PREOPEN, RIGHTS } = require('../helpers/session');

const { FD_FDSTAT_SET_FLAGS, FD_READ, FD_SEEK, FD_WRITE } = RIGHTS;
const { APPEND, NONBLOCK } = FDFLAGS;

describe('A file of the guest', () => {
  const { dir, start } = useGuests();

  describe('and the rights of the guest', () => {
    const WITHOUT_SET_FLAGS = FD_READ | FD_SEEK | FD_WRITE;

    /** Runs a check before and after the first write to a file. */
    function aroundFirstWrite(session, fd, check) {
      check();
      session.write(fd, 'text');
      check();
    }

    it('is written where it was opened without the right to set flags', () => {
      const session = start();
      const fd = session.open('file', { rights: WITHOUT_SET_FLAGS });
      session.write(fd, 'one ');
      session.seek(fd, 0n);
      assert.equal(session.read(fd, 100), 'one ');
      session.write(fd, 'two');
      session.close(fd);
      assert.equal(dir.read('file'), 'one two');
      assertWrites(session, 2);
    });

    for (const rights of [WITHOUT_SET_FLAGS, RIGHTS.FILE, FD_WRITE]) {
      it(`reports the rights 0x${rights.toString(16)} as they were asked for`, () => {
        const session = start();
        const fd = session.open('file', { rights });
        aroundFirstWrite(session, fd, () => {
          const REGULAR_FILE = 4;
          assert.deepEqual(session.fdstat(fd), {
            filetype: REGULAR_FILE,
            flags: 0,
            rights,
            inheriting: 0n,
          });
        });
        session.close(fd);
      });
    }

    it('reports the rights that are left when the guest gives some up', () => {
      const session = start();
      const fd = session.open('file');
      const drop = (rights) => {
        assert.equal(
          session.guest.fd_fdstat_set_rights(fd, rights, 0n),
          ERRNO.SUCCESS,
        );
        assert.equal(session.fdstat(fd).rights, rights);
      };
      drop(WITHOUT_SET_FLAGS | FD_FDSTAT_SET_FLAGS);
      drop(WITHOUT_SET_FLAGS);
      session.write(fd, 'text');
      drop(FD_WRITE | FD_READ);
      drop(0n);
      session.close(fd);
      assertWrites(session, 1);
    });

    const ways = {
      'was not asked for': (session) =>
        session.open('file', { rights: WITHOUT_SET_FLAGS }),
      'was given up': (session) => {
        const fd = session.open('file');
        assert.equal(
          session.guest.fd_fdstat_set_rights(fd, WITHOUT_SET_FLAGS, 0n),
          ERRNO.SUCCESS,
        );
        return fd;
      },
      'was given up before fd_renumber': (session) => {
        const to = session.open('other');
        const fd = session.open('file', { rights: WITHOUT_SET_FLAGS });
        assert.equal(session.guest.fd_renumber(fd, to), ERRNO.SUCCESS);
        return to;
      },
    };
    for (const [how, open] of Object.entries(ways)) {
      it(`does not regain the right to set flags that ${how}`, () => {
        const session = start();
        const fd = open(session);
        aroundFirstWrite(session, fd, () => {
          for (const rights of [
            FD_FDSTAT_SET_FLAGS,
            WITHOUT_SET_FLAGS | FD_FDSTAT_SET_FLAGS,
          ]) {
            assert.equal(
              session.guest.fd_fdstat_set_rights(fd, rights, 0n),
              ERRNO.NOTCAPABLE,
            );
          }
          const { flags, rights } = session.fdstat(fd);
          assert.deepEqual(
            { flags, rights },
            { flags: 0, rights: WITHOUT_SET_FLAGS },
          );
        });
        session.seek(fd, 0n);
        session.write(fd, 'T');
        session.close(fd);
        assert.equal(dir.read('file'), 'Text');
        assertWrites(session, 2);
      });
    }

    for (const written of [false, true]) {
      const when = `${written ? 'after' : 'before'} the first write`;

      it(`refuses writes when the guest gave FD_WRITE up ${when}`, () => {
        const session = start();
        const { guest } = session;
        const fd = session.open('file');
        if (written) session.write(fd, 'text');
        const rights = RIGHTS.FILE & ~FD_WRITE;
        assert.equal(guest.fd_fdstat_set_rights(fd, rights, 0n), ERRNO.SUCCESS);
        for (let i = 0; i < 2; i++) {
          assert.equal(session.tryWrite(fd, 'x'), ERRNO.NOTCAPABLE);
          assert.equal(session.tryPwrite(fd, 'x', 0n), ERRNO.NOTCAPABLE);
          assert.equal(
            guest.fd_fdstat_set_rights(fd, RIGHTS.FILE, 0n),
            ERRNO.NOTCAPABLE,
          );
        }
        session.close(fd);
        assert.equal(dir.read('file'), written ? 'text' : '');
      });

      it(`refuses fd_pwrite when the guest gave FD_SEEK up ${when}`, () => {
        const session = start();
        const fd = session.open('file');
        if (written) session.write(fd, 'one ');
        assert.equal(
          session.guest.fd_fdstat_set_rights(fd, RIGHTS.FILE & ~FD_SEEK, 0n),
          ERRNO.SUCCESS,
        );
        assert.equal(session.tryPwrite(fd, 'x', 0n), ERRNO.NOTCAPABLE);
        session.write(fd, 'two');
        session.close(fd);
        assert.equal(dir.read('file'), written ? 'one two' : 'two');
      });
    }

    it('refuses writes to a file that was opened for reading', () => {
      dir.write('file', 'text');
      const session = start();
      const fd = session.open('file', { oflags: 0, rights: FD_READ | FD_SEEK });
      assert.equal(session.tryWrite(fd, 'x'), ERRNO.BADF);
      assert.equal(session.tryPwrite(fd, 'x', 0n), ERRNO.BADF);
      assert.equal(session.read(fd, 100), 'text');
      session.close(fd);
      assert.equal(dir.read('file'), 'text');
    });

    it('misses the right to write before it looks at pointers', () => {
      dir.write('file', '');
      const session = start();
      const { guest } = session;
      const read = session.open('file', { oflags: 0, rights: FD_READ });
      const dropped = session.open('file');
      assert.equal(
        guest.fd_fdstat_set_rights(dropped, RIGHTS.FILE & ~FD_WRITE, 0n),
        ERRNO.SUCCESS,
      );
      const OUTSIDE = 0x7fffffff;
      for (const [fd, errno] of [
        [read, ERRNO.BADF],
        [PREOPEN, ERRNO.BADF],
        [dropped, ERRNO.NOTCAPABLE],
      ]) {
        assert.equal(guest.fd_write(fd, OUTSIDE, 1, OUTSIDE), errno);
        assert.equal(guest.fd_pwrite(fd, OUTSIDE, 1, 0n, OUTSIDE), errno);
      }
      session.close(read, dropped);
    });

    for (const [name, right] of [
      ['FD_READ', FD_READ],
      ['FD_WRITE', FD_WRITE],
    ]) {
      it(`is not opened with ${name} in a directory that does not hand it on`, () => {
        const session = start();
        const { rights, inheriting } = session.fdstat(PREOPEN);
        assert.equal(
          session.guest.fd_fdstat_set_rights(
            PREOPEN,
            rights,
            inheriting & ~right,
          ),
          ERRNO.SUCCESS,
        );
        assert.equal(session.tryOpen('file'), ERRNO.NOTCAPABLE);
        assert.equal(fs.existsSync(dir.path('file')), false);
        const fd = session.open('file', { rights: RIGHTS.FILE & ~right });
        assert.equal(session.fdstat(fd).rights, RIGHTS.FILE & ~right);
        session.close(fd);
      });
    }
  });

  describe('and the flags of the guest', () => {
    const DSYNC = 2;
    const SYNC = 16;

    for (const fdflags of [
      0,
      APPEND,
      NONBLOCK,
      APPEND | NONBLOCK,
      DSYNC,
      SYNC | APPEND,
    ]) {
      it(`reports the flags ${fdflags} that a file was opened with`, () => {
        const session = start();
        const fd = session.open('file', { fdflags });
        assert.equal(session.fdstat(fd).flags, fdflags);
        session.write(fd, 'one ');
        session.write(fd, 'two');
        assert.equal(session.fdstat(fd).flags, fdflags);
        session.close(fd);
        assert.equal(dir.read('file'), 'one two');
        assertWrites(session, 2);
      });
    }

    for (const fdflags of [0, APPEND, NONBLOCK, APPEND | NONBLOCK]) {
      it(`reports the flags ${fdflags} that the guest set`, () => {
        const session = start();
        const { guest } = session;
        const fd = session.open('file');
        const set = (flags) => {
          assert.equal(guest.fd_fdstat_set_flags(fd, flags), ERRNO.SUCCESS);
          assert.equal(session.fdstat(fd).flags, flags);
        };
        set(fdflags);
        session.write(fd, 'one ');
        assert.equal(session.fdstat(fd).flags, fdflags);
        set(0);
        set(fdflags);
        session.write(fd, 'two');
        session.close(fd);
        assert.equal(dir.read('file'), 'one two');
        assertWrites(session, 2);
      });
    }

    it('reports no flags of directories', () => {
      fs.mkdirSync(dir.path('directory'));
      const session = start();
      const fd = session.open('directory', {
        oflags: OFLAGS.DIRECTORY,
        rights: FD_READ,
      });
      assert.equal(session.fdstat(PREOPEN).flags, 0);
      assert.equal(session.fdstat(fd).flags, 0);
      session.close(fd);
    });

    itWithProc('touches no flag of any descriptor of the host', () => {
      dir.write('file', '');
      const modes = [
        'r+',
        'a',
        fs.constants.O_WRONLY | fs.constants.O_NONBLOCK,
      ];
      const hosts = [...modes, ...modes].map((mode) =>
        fs.openSync(dir.path('file'), mode),
      );
      const before = hosts.map(hostFlags);
      const session = start();
      for (const fdflags of [0, APPEND, NONBLOCK]) {
        const fd = session.open('file', { fdflags });
        session.write(fd, 'x');
        session.close(fd);
      }
      assert.deepEqual(hosts.map(hostFlags), before);
      hosts.forEach((host) => fs.closeSync(host));
      assertWrites(session, 3);
    });
  });
});
