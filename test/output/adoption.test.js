'use strict';

// Which descriptor a write of the drop-in goes to. With the addon a file that
// the guest opened is adopted at its first write; the fallback leaves its writes
// to node:wasi. The bytes are the same.

const assert = require('node:assert/strict');
const { execFileSync, spawn } = require('node:child_process');
const { once } = require('node:events');
const fs = require('node:fs');
const path = require('node:path');
const { setImmediate } = require('node:timers/promises');
const v8 = require('node:v8');
const vm = require('node:vm');
const { WASI, engine } = require('../..');
const { ERRNO, FDFLAGS } = require('../../lib/preview1');
const { assertSameBytes, pattern } = require('../helpers/bytes');
const {
  assertNoneLeft,
  countDescriptors,
  descriptorsOf,
  hostFlags,
  itWithProc,
} = require('../helpers/descriptors');
const { canPreload } = require('../helpers/faults');
const { compile, withWASI } = require('../helpers/guest');
const { readAvailable } = require('../helpers/host-files');
const {
  OFLAGS,
  PREOPEN,
  RIGHTS,
  Session,
  WHENCE,
} = require('../helpers/session');
const { useTempDir } = require('../helpers/temp');

const native = engine === 'native';

const { FD_FDSTAT_SET_FLAGS, FD_READ, FD_SEEK, FD_WRITE } = RIGHTS;

/** Asserts that `files` were adopted with the addon, or `writes` delegated. */
function assertAdopted({ wasi }, files, writes) {
  const { adopted, delegated } = wasi.stats;
  assert.deepEqual(
    { adopted, delegated },
    native
      ? { adopted: files, delegated: 0 }
      : { adopted: 0, delegated: writes },
  );
}

describe('adoption', () => {
  const dir = useTempDir();
  let sessions;

  beforeEach(() => {
    sessions = [];
  });
  afterEach(() => {
    for (const { guest } of sessions) guest.fd_close(PREOPEN);
  });

  function start(options) {
    const session = new Session(
      withWASI({ preopens: { '/': dir.path('') }, ...options }),
    );
    sessions.push(session);
    return session;
  }

  describe('of a file', () => {
    it('writes, seeks back, writes over it and reads it', () => {
      const session = start();
      const fd = session.open('file');
      assert.equal(session.write(fd, 'hello, world'), 12);
      assert.equal(session.tell(fd), 12n);
      assert.equal(session.seek(fd, -5n, WHENCE.CUR), 7n);
      assert.equal(session.write(fd, ['WO', 'RL']), 4);
      assert.equal(session.read(fd, 10), 'd');
      assert.equal(session.seek(fd, 0n), 0n);
      assert.equal(session.read(fd, 100), 'hello, WORLd');
      assert.equal(session.write(fd, '!'), 1);
      session.close(fd);
      assert.equal(dir.read('file'), 'hello, WORLd!');
      assertAdopted(session, 1, 3);
    });

    it('leaves the offset where it was when fd_pwrite comes first', () => {
      const session = start();
      const fd = session.open('file');
      assert.equal(session.pwrite(fd, 'at five', 5n), 7);
      assert.equal(session.tell(fd), 0n);
      assert.equal(session.write(fd, 'zero '), 5);
      assert.equal(session.pwrite(fd, 'A', 5n), 1);
      assert.equal(session.read(fd, 100), 'At five');
      session.close(fd);
      assert.equal(dir.read('file'), 'zero At five');
      assertAdopted(session, 1, 3);
    });

    it('writes a TiB into a file, and leaves the offset there', () => {
      const TIB = 2 ** 40;
      const session = start();
      const fd = session.open('file');
      session.seek(fd, BigInt(TIB));
      session.write(fd, 'far');
      assert.equal(session.tell(fd), BigInt(TIB) + 3n);
      session.seek(fd, -3n, WHENCE.CUR);
      assert.equal(session.read(fd, 10), 'far');
      session.close(fd);
      assert.equal(fs.statSync(dir.path('file')).size, TIB + 3);
      assertAdopted(session, 1, 1);
    });

    it('makes a hole where the guest seeks past the end', () => {
      const session = start();
      const fd = session.open('file');
      session.seek(fd, 3n);
      session.write(fd, 'x');
      session.close(fd);
      assert.equal(dir.read('file'), '\0\0\0x');
      assertAdopted(session, 1, 1);
    });

    it('appends, wherever the guest seeks', () => {
      dir.write('file', 'head ');
      const session = start();
      const fd = session.open('file', { fdflags: FDFLAGS.APPEND });
      session.write(fd, 'one ');
      session.seek(fd, 0n);
      session.write(fd, 'two ');
      assert.equal(session.tell(fd), 13n);
      session.seek(fd, 5n);
      assert.equal(session.read(fd, 4), 'one ');
      session.write(fd, ['th', 'ree']);
      session.close(fd);
      assert.equal(dir.read('file'), 'head one two three');
      assertAdopted(session, 1, 3);
    });

    it('begins to append, and ends it, when the guest sets the flag', () => {
      const session = start();
      const fd = session.open('file');
      session.write(fd, '0123456789');
      session.seek(fd, 0n);
      assert.equal(
        session.guest.fd_fdstat_set_flags(fd, FDFLAGS.APPEND),
        ERRNO.SUCCESS,
      );
      session.write(fd, 'end');
      session.seek(fd, 0n);
      assert.equal(session.guest.fd_fdstat_set_flags(fd, 0), ERRNO.SUCCESS);
      session.write(fd, 'start');
      session.close(fd);
      assert.equal(dir.read('file'), 'start56789end');
      assertAdopted(session, 1, 3);
    });

    it('sees the size that node:wasi gives the file', () => {
      const session = start();
      const { guest } = session;
      const fd = session.open('file');
      session.write(fd, '0123456789');
      assert.equal(guest.fd_filestat_set_size(fd, 4n), ERRNO.SUCCESS);
      session.write(fd, 'x');
      assert.equal(guest.fd_sync(fd), ERRNO.SUCCESS);
      assert.equal(guest.fd_datasync(fd), ERRNO.SUCCESS);
      session.close(fd);
      assert.equal(dir.read('file'), '0123\0\0\0\0\0\0x');
      assertAdopted(session, 1, 2);
    });

    it('goes on when the file is renamed or removed', () => {
      const session = start();
      const renamed = session.open('renamed');
      const removed = session.open('removed');
      session.write(renamed, 'one ');
      fs.renameSync(dir.path('renamed'), dir.path('other'));
      fs.unlinkSync(dir.path('removed'));
      dir.write('renamed', 'not this');
      dir.write('removed', 'nor this');
      session.write(renamed, 'two');
      session.write(removed, 'gone');
      session.seek(removed, 0n);
      assert.equal(session.read(removed, 100), 'gone');
      session.close(renamed, removed);
      assert.equal(dir.read('other'), 'one two');
      assert.equal(dir.read('renamed'), 'not this');
      assert.equal(dir.read('removed'), 'nor this');
      assertAdopted(session, 2, 3);
    });

    it('truncates what the guest opens with TRUNC', () => {
      dir.write('file', 'long enough');
      const session = start();
      const fd = session.open('file', { oflags: OFLAGS.TRUNC });
      session.write(fd, 'short');
      session.close(fd);
      assert.equal(dir.read('file'), 'short');
      assertAdopted(session, 1, 1);
    });

    it('writes a file that is open for writing alone', () => {
      const session = start();
      const fd = session.open('file', { rights: FD_WRITE });
      session.write(fd, 'one ');
      session.write(fd, 'two');
      session.close(fd);
      assert.equal(dir.read('file'), 'one two');
      assertAdopted(session, 1, 2);
    });

    it('gives the errno of a full device', () => {
      const session = start({ preopens: { '/': '/dev' } });
      const fd = session.open('full', { oflags: 0, rights: FD_WRITE });
      assert.equal(session.tryWrite(fd, 'x'), ERRNO.NOSPC);
      assert.equal(session.tryWrite(fd, 'x'), ERRNO.NOSPC);
      session.close(fd);
      assertAdopted(session, 1, 2);
    });
  });

  describe('of several descriptors', () => {
    const sameFile = {
      'opened twice': () => ['file', 'file'],
      'of two names': () => {
        fs.linkSync(dir.path('file'), dir.path('hard link'));
        return ['file', 'hard link'];
      },
      'behind a symbolic link': () => {
        fs.symlinkSync('file', dir.path('symbolic link'));
        return ['symbolic link', 'file'];
      },
    };
    for (const [what, prepare] of Object.entries(sameFile)) {
      it(`keeps their offsets apart on one file ${what}`, () => {
        dir.write('file', '0123456789');
        const [first, second] = prepare();
        const session = start();
        const a = session.open(first);
        const b = session.open(second);
        session.seek(b, 5n);
        session.write(b, 'B');
        session.write(a, 'aa');
        session.write(b, 'B');
        assert.equal(session.tell(a), 2n);
        assert.equal(session.tell(b), 7n);
        session.close(a);
        session.write(b, 'B');
        session.close(b);
        assert.equal(dir.read('file'), 'aa234BBB89');
        assertAdopted(session, 2, 4);
      });
    }

    it('keeps apart what one appends and the other overwrites', () => {
      dir.write('file', '0123');
      const session = start();
      const appending = session.open('file', { fdflags: FDFLAGS.APPEND });
      const writing = session.open('file');
      for (const text of ['a', 'b', 'c']) {
        session.write(appending, text);
        session.write(writing, text.toUpperCase());
      }
      session.close(appending, writing);
      assert.equal(dir.read('file'), 'ABC3abc');
      assertAdopted(session, 2, 6);
    });

    it('finds its own among descriptors of the host on the same file', () => {
      dir.write('file', '0123456789');
      const hosts = Array.from({ length: 20 }, () =>
        fs.openSync(dir.path('file'), 'r+'),
      );
      const session = start();
      const fd = session.open('file');
      for (let i = 0; i < 20; i++) {
        hosts.push(fs.openSync(dir.path('file'), 'r+'));
      }
      session.seek(fd, 8n);
      session.write(fd, 'g');
      // Each of the host's stands at its beginning yet.
      for (const host of hosts) fs.writeSync(host, 'h');
      session.write(fd, 'g');
      session.close(fd);
      for (const host of hosts) fs.closeSync(host);
      assert.equal(dir.read('file'), 'h1234567gg');
      assertAdopted(session, 1, 2);
    });

    it('keeps two guests apart that have the same fd', () => {
      const sessions = [start(), start(), start()];
      const fds = sessions.map((session, i) => session.open(`file ${i}`));
      assert.equal(new Set(fds).size, 1);
      for (const text of ['one ', 'two ', 'three']) {
        sessions.forEach((session, i) => session.write(fds[i], text));
      }
      sessions.forEach((session, i) => {
        session.close(fds[i]);
        assert.equal(dir.read(`file ${i}`), 'one two three');
        assertAdopted(session, 1, 3);
      });
    });

    it('writes 500 files that are open at once', () => {
      const session = start();
      const names = Array.from({ length: 500 }, (_, i) => `file ${i}`);
      const fds = names.map((name) => session.open(name));
      for (const i of names.keys()) {
        const last = names.length - 1 - i;
        session.write(fds[last], `${names[last]}: `);
      }
      names.forEach((name, i) => session.write(fds[i], `${name}.`));
      session.close(...fds);
      for (const name of names) {
        assert.equal(dir.read(name), `${name}: ${name}.`);
      }
      assertAdopted(session, 500, 1000);
    });
  });

  describe('of descriptors that move', () => {
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
      assertAdopted(session, 2, 3);
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
      assertAdopted(session, 2, 2);
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
      assertAdopted(session, 1, 2);
    });

    it('forgets a file when fd_renumber puts a directory there', () => {
      const session = start();
      const directory = session.fdstat(PREOPEN);
      const fd = session.open('file', { rights: FD_WRITE });
      session.write(fd, 'text');
      assert.equal(session.guest.fd_renumber(PREOPEN, fd), ERRNO.SUCCESS);
      assert.equal(session.tryWrite(fd, 'x'), ERRNO.NOTCAPABLE);
      assert.equal(session.tryPwrite(fd, 'x', 0n), ERRNO.NOTCAPABLE);
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
      assertAdopted(session, 1, 2);
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
      assert.equal(session.wasi.stats.adopted, native ? 3 : 0);
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

  // node:wasi closes the host's descriptor with the guest's, so that each of
  // these has one of its own, and closes it no more.
  describe('of standard streams', () => {
    const STDOUT = 1;

    function startWithStdout() {
      return start({ stdout: fs.openSync(dir.path('stdout'), 'w') });
    }

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
      assert.equal(session.wasi.stats.adopted, native ? 1 : 0);
    });

    it('swaps stdout and a file, and back', () => {
      const session = startWithStdout();
      const { guest } = session;
      const file = session.open('file');
      const spare = session.open('spare');
      const swap = () => {
        assert.equal(guest.fd_renumber(STDOUT, spare), ERRNO.SUCCESS);
        // The number of the spare file is the only one left to move to.
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
      assertAdopted(session, 1, 3);
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
      assert.equal(session.wasi.stats.adopted, native ? 1 : 0);
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
      assert.equal(out, 'to stdout\n');
      assert.equal(dir.read('file'), 'to the file\n');
      assert.equal(dir.read('after'), 'fd 1 again\n');
    });
  });

  describe('and the rights of the guest', () => {
    const WITHOUT_SET_FLAGS = FD_READ | FD_SEEK | FD_WRITE;

    /** Runs a check before the first write to a file, and after it. */
    function aroundFirstWrite(session, fd, check) {
      check();
      session.write(fd, 'text');
      check();
    }

    it('adopts a file that was opened without the right to set flags', () => {
      const session = start();
      const fd = session.open('file', { rights: WITHOUT_SET_FLAGS });
      session.write(fd, 'one ');
      session.seek(fd, 0n);
      assert.equal(session.read(fd, 100), 'one ');
      session.write(fd, 'two');
      session.close(fd);
      assert.equal(dir.read('file'), 'one two');
      assertAdopted(session, 1, 2);
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
      assertAdopted(session, 1, 1);
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
      it(`refuses to use or regain the right to set flags that ${how}`, () => {
        const session = start();
        const fd = open(session);
        aroundFirstWrite(session, fd, () => {
          for (const fdflags of [0, FDFLAGS.APPEND, FDFLAGS.NONBLOCK]) {
            assert.equal(
              session.guest.fd_fdstat_set_flags(fd, fdflags),
              ERRNO.NOTCAPABLE,
            );
          }
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
        assertAdopted(session, 1, 2);
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
        assert.equal(session.wasi.stats.adopted, native ? 1 : 0);
      });
    }

    it('refuses writes to a file that was opened for reading', () => {
      dir.write('file', 'text');
      const session = start();
      const fd = session.open('file', { oflags: 0, rights: FD_READ | FD_SEEK });
      assert.equal(session.tryWrite(fd, 'x'), ERRNO.NOTCAPABLE);
      assert.equal(session.tryPwrite(fd, 'x', 0n), ERRNO.NOTCAPABLE);
      assert.equal(session.read(fd, 100), 'text');
      session.close(fd);
      assert.equal(dir.read('file'), 'text');
      assert.equal(session.wasi.stats.adopted, 0);
    });

    it('misses the right to write before it looks at pointers', () => {
      dir.write('file', '');
      const session = start();
      const { guest } = session;
      const fd = session.open('file', { oflags: 0, rights: FD_READ });
      const OUTSIDE = 0x7fffffff;
      for (const missing of [fd, PREOPEN]) {
        assert.equal(
          guest.fd_write(missing, OUTSIDE, 1, OUTSIDE),
          ERRNO.NOTCAPABLE,
        );
        assert.equal(
          guest.fd_pwrite(missing, OUTSIDE, 1, 0n, OUTSIDE),
          ERRNO.NOTCAPABLE,
        );
      }
      session.close(fd);
    });

    describe('in a directory that does not hand the right to set flags on', () => {
      function startRestricted() {
        const session = start();
        const { rights, inheriting } = session.fdstat(PREOPEN);
        const rest = inheriting & ~FD_FDSTAT_SET_FLAGS;
        assert.equal(
          session.guest.fd_fdstat_set_rights(PREOPEN, rights, rest),
          ERRNO.SUCCESS,
        );
        return session;
      }

      it('opens no file with that right', () => {
        const session = startRestricted();
        assert.equal(session.tryOpen('file'), ERRNO.NOTCAPABLE);
        assert.equal(fs.existsSync(dir.path('file')), false);
      });

      for (const [title, dropped, files] of [
        ['finds a file by its offset', 0n, native ? 1 : 0],
        ['leaves a file that cannot be moved either to node:wasi', FD_SEEK, 0],
      ]) {
        it(title, () => {
          const session = startRestricted();
          const rights = WITHOUT_SET_FLAGS & ~dropped;
          const fd = session.open('file', { rights });
          aroundFirstWrite(session, fd, () => {
            assert.equal(session.fdstat(fd).rights, rights);
            assert.equal(
              session.guest.fd_fdstat_set_flags(fd, FDFLAGS.APPEND),
              ERRNO.NOTCAPABLE,
            );
          });
          session.close(fd);
          assert.equal(dir.read('file'), 'text');
          const { adopted, delegated } = session.wasi.stats;
          const expected = { adopted: files, delegated: 1 - files };
          assert.deepEqual({ adopted, delegated }, expected);
        });
      }

      it('lets the guest give other rights up', () => {
        const session = startRestricted();
        const fd = session.open('file', { rights: WITHOUT_SET_FLAGS });
        for (const rights of [FD_READ | FD_WRITE, FD_WRITE]) {
          assert.equal(
            session.guest.fd_fdstat_set_rights(fd, rights, 0n),
            ERRNO.SUCCESS,
          );
          assert.equal(session.fdstat(fd).rights, rights);
        }
        session.write(fd, 'text');
        session.close(fd);
        assert.equal(dir.read('file'), 'text');
      });
    });
  });

  describe('and the flags of the guest', () => {
    const { APPEND, NONBLOCK } = FDFLAGS;
    const DSYNC = 2;
    const SYNC = 16;
    const { O_APPEND, O_NONBLOCK } = fs.constants;

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
        assertAdopted(session, 1, 2);
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
        assertAdopted(session, 1, 2);
      });

      itWithProc(
        `leaves the host with the flags ${fdflags} after the proof`,
        () => {
          const session = start();
          const fd = session.open('file', { fdflags });
          session.write(fd, 'text');
          const descriptors = descriptorsOf(dir.path('file'));
          assert.equal(descriptors.length, native ? 2 : 1);
          for (const descriptor of descriptors) {
            const flags = hostFlags(descriptor);
            assert.equal((flags & O_APPEND) !== 0, (fdflags & APPEND) !== 0);
            assert.equal(
              (flags & O_NONBLOCK) !== 0,
              (fdflags & NONBLOCK) !== 0,
            );
          }
          session.close(fd);
        },
      );
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
      const modes = ['r+', 'a', fs.constants.O_WRONLY | O_NONBLOCK];
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
      assertAdopted(session, 3, 3);
    });
  });

  describe('of FIFOs', () => {
    const { NONBLOCK } = FDFLAGS;
    let held;

    // Opened for both, so that nobody who opens it waits.
    beforeEach(() => {
      execFileSync('mkfifo', [dir.path('fifo')]);
      held = fs.openSync(
        dir.path('fifo'),
        fs.constants.O_RDWR | fs.constants.O_NONBLOCK,
      );
    });
    afterEach(() => {
      if (held >= 0) fs.closeSync(held);
    });

    function letGo() {
      fs.closeSync(held);
      held = -1;
    }

    const openFifo = (session, options) =>
      session.open('fifo', { oflags: 0, rights: FD_WRITE, ...options });

    it('writes to a FIFO', () => {
      const session = start();
      const fd = openFifo(session);
      session.write(fd, 'one ');
      session.write(fd, ['two ', 'three']);
      assert.equal(readAvailable(held).toString(), 'one two three');
      session.close(fd);
      assertAdopted(session, 1, 2);
    });

    // node:wasi takes FD_SEEK from a FIFO, and then misses it.
    it('refuses fd_pwrite on a FIFO', () => {
      const session = start();
      const fd = openFifo(session, { rights: FD_WRITE | FD_SEEK });
      assert.equal(
        session.tryPwrite(fd, 'x', 0n),
        native ? ERRNO.SPIPE : ERRNO.NOTCAPABLE,
      );
      session.close(fd);
      assert.equal(readAvailable(held).toString(), '');
    });

    it('keeps two FIFOs apart, and a FIFO that is open twice', () => {
      execFileSync('mkfifo', [dir.path('other')]);
      const other = fs.openSync(
        dir.path('other'),
        fs.constants.O_RDWR | fs.constants.O_NONBLOCK,
      );
      const session = start();
      const fds = ['fifo', 'other', 'fifo'].map((name) =>
        session.open(name, { oflags: 0, rights: FD_WRITE }),
      );
      fds.forEach((fd, i) => session.write(fd, `${i}`));
      session.close(fds[0]);
      session.write(fds[2], '2');
      assert.equal(readAvailable(held).toString(), '022');
      assert.equal(readAvailable(other).toString(), '1');
      session.close(fds[1], fds[2]);
      fs.closeSync(other);
      assertAdopted(session, 3, 4);
    });

    it('waits for the reader of a full FIFO', async () => {
      const bytes = pattern(1000000);
      const out = fs.openSync(dir.path('out'), 'w');
      const reader = spawn('cat', [dir.path('fifo')], {
        stdio: ['ignore', out, 'inherit'],
      });
      const exit = once(reader, 'exit');
      fs.closeSync(out);
      const session = start();
      const fd = openFifo(session);
      assert.equal(session.write(fd, bytes), bytes.length);
      session.close(fd);
      letGo();
      assert.deepEqual(await exit, [0, null]);
      assertSameBytes(fs.readFileSync(dir.path('out')), bytes);
      assertAdopted(session, 1, 1);
    });

    const askings = {
      'when it opened the FIFO': (session) =>
        openFifo(session, { fdflags: NONBLOCK }),
      'before its first write': (session) => {
        const fd = openWithFlags(session);
        setNonblock(session, fd);
        return fd;
      },
      'after its first write': (session) => {
        const fd = openWithFlags(session);
        session.write(fd, 'first');
        assert.equal(readAvailable(held).toString(), 'first');
        setNonblock(session, fd);
        return fd;
      },
    };
    const openWithFlags = (session) =>
      openFifo(session, { rights: FD_WRITE | FD_FDSTAT_SET_FLAGS });
    const setNonblock = (session, fd) =>
      assert.equal(
        session.guest.fd_fdstat_set_flags(fd, NONBLOCK),
        ERRNO.SUCCESS,
      );

    for (const [when, open] of Object.entries(askings)) {
      it(`gives AGAIN to a guest that asked for NONBLOCK ${when}`, () => {
        const session = start();
        const fd = open(session);
        const bytes = pattern(4096);
        const sent = [];
        let errno;
        while ((errno = session.tryWrite(fd, bytes)) === ERRNO.SUCCESS) {
          sent.push(bytes);
          assert.ok(sent.length < 10000);
        }
        assert.equal(errno, ERRNO.AGAIN);
        assert.ok(sent.length > 0);
        assertSameBytes(readAvailable(held), Buffer.concat(sent));
        session.write(fd, 'more');
        assert.equal(readAvailable(held).toString(), 'more');
        session.close(fd);
        assert.equal(session.wasi.stats.adopted, native ? 1 : 0);
      });
    }

    it('gives PIPE when the reader of a FIFO is gone', () => {
      const session = start();
      const fd = openFifo(session);
      session.write(fd, 'x');
      letGo();
      assert.equal(session.tryWrite(fd, 'x'), ERRNO.PIPE);
      assert.equal(session.tryWrite(fd, 'x'), ERRNO.PIPE);
      session.close(fd);
      assertAdopted(session, 1, 3);
    });

    it('gives NXIO to a guest that opens a FIFO without a reader', () => {
      letGo();
      const session = start();
      assert.equal(
        session.tryOpen('fifo', {
          oflags: 0,
          rights: FD_WRITE,
          fdflags: NONBLOCK,
        }),
        ERRNO.NXIO,
      );
      assert.equal(session.wasi.stats.adopted, 0);
    });
  });

  describe('and the descriptors of the process', () => {
    // node:wasi has one for each open file, and the addon a copy of those that
    // were written.
    const ADOPTED = native ? 2 : 1;

    const countOf = (name) => descriptorsOf(dir.path(name)).length;

    itWithProc('copies the descriptor of a file at its first write', () => {
      dir.write('read', 'text');
      const session = start();
      const reading = session.open('read', { oflags: 0, rights: FD_READ });
      const writing = session.open('written');
      session.read(reading, 10);
      assert.equal(countOf('read'), 1);
      assert.equal(countOf('written'), 1);
      session.write(writing, 'x');
      assert.equal(countOf('written'), ADOPTED);
      session.write(writing, 'x');
      session.pwrite(writing, 'x', 0n);
      assert.equal(countOf('written'), ADOPTED);
      session.close(reading, writing);
      assert.equal(countOf('read'), 0);
      assert.equal(countOf('written'), 0);
    });

    itWithProc('closes both when fd_renumber puts another file there', () => {
      const session = start();
      const a = session.open('a');
      const b = session.open('b');
      session.write(a, 'x');
      session.write(b, 'x');
      session.guest.fd_renumber(a, b);
      assert.equal(countOf('a'), ADOPTED);
      assert.equal(countOf('b'), 0);
      session.close(b);
      assert.equal(countOf('a'), 0);
    });

    itWithProc(
      'closes the copies with close(), and the guest writes on',
      () => {
        const session = start();
        const written = session.open('written');
        const fresh = session.open('fresh');
        session.write(written, 'one ');
        session.wasi.close();
        assert.equal(countOf('written'), 1);
        session.write(written, 'two');
        session.write(fresh, 'text');
        assert.equal(countOf('written'), 1);
        const next = session.open('next');
        session.write(next, 'text');
        assert.equal(countOf('next'), ADOPTED);
        session.wasi.close();
        session.wasi.close();
        assert.equal(countOf('next'), 1);
        session.close(written, fresh, next);
        assert.equal(dir.read('written'), 'one two');
        assert.equal(dir.read('fresh'), 'text');
        assert.equal(dir.read('next'), 'text');
        const { adopted, delegated } = session.wasi.stats;
        assert.deepEqual(
          { adopted, delegated },
          native ? { adopted: 2, delegated: 2 } : { adopted: 0, delegated: 4 },
        );
      },
    );

    itWithProc('closes the copies when the guest calls proc_exit', () => {
      const session = start();
      const fd = session.open('file');
      session.write(fd, 'x');
      assert.equal(countOf('file'), ADOPTED);
      let thrown = false;
      try {
        session.guest.proc_exit(3);
      } catch {
        thrown = true; // by node:wasi, for start() to catch
      }
      assert.equal(thrown, true);
      assert.equal(countOf('file'), 1);
      session.close(fd);
    });

    // What start() gives, or throws, for each end of a guest that leaves three
    // files open.
    const ends = {
      return: (run) => assert.equal(run(), 0),
      exit: (run) => assert.equal(run(), 7),
      _exit: (run) => assert.equal(run(), 8),
      trap: (run) => assert.throws(run, WebAssembly.RuntimeError),
    };
    for (const [end, check] of Object.entries(ends)) {
      itWithProc(`closes the copies when start() ends by ${end}`, () => {
        const wasi = new WASI({
          version: 'preview1',
          args: ['leave-open', end],
          preopens: { '/': dir.path('') },
        });
        const instance = new WebAssembly.Instance(
          compile('leave-open'),
          wasi.getImportObject(),
        );
        check(() => wasi.start(instance));
        for (const name of ['one', 'two', 'three']) {
          assert.equal(dir.read(name), `/${name}`);
          assert.equal(countOf(name), 1);
        }
        assertAdopted({ wasi }, 3, 3);
        for (const fd of [3, 4, 5, 6]) wasi.wasiImport.fd_close(fd);
      });
    }

    itWithProc('keeps the copies when initialize() returns', () => {
      const wasi = new WASI({
        version: 'preview1',
        preopens: { '/': dir.path('') },
      });
      const { exports } = new WebAssembly.Instance(
        compile('calls'),
        wasi.getImportObject(),
      );
      const session = new Session({
        guest: exports,
        memory: exports.memory,
        wasi,
      });
      let fd;
      wasi.initialize({
        exports: {
          ...exports,
          _initialize() {
            fd = session.open('file');
            session.write(fd, 'one ');
          },
        },
      });
      assert.equal(countOf('file'), ADOPTED);
      session.write(fd, 'two');
      session.close(fd, PREOPEN);
      assert.equal(dir.read('file'), 'one two');
      assertAdopted(session, 1, 2);
    });

    // That of node:wasi is left: it closes no file of a guest that is collected.
    itWithProc('closes the copies when the WASI is collected', async () => {
      v8.setFlagsFromString('--expose-gc');
      const collect = vm.runInNewContext('gc');
      v8.setFlagsFromString('--no-expose-gc');

      (() => {
        const session = new Session(
          withWASI({ preopens: { '/': dir.path('') } }),
        );
        session.write(session.open('file'), 'x');
        session.close(PREOPEN);
      })();
      assert.equal(countOf('file'), ADOPTED);
      for (let i = 0; i < 100 && countOf('file') > 1; i++) {
        collect();
        await setImmediate();
      }
      assert.equal(countOf('file'), 1);
      fs.closeSync(descriptorsOf(dir.path('file'))[0]);
    });

    it('leaves writes to node:wasi where there is no descriptor for a copy', () => {
      const { opened, adopted, delegated } = JSON.parse(
        execFileSync(
          'sh',
          [
            '-c',
            'ulimit -n 80 && exec "$0" "$@"',
            process.execPath,
            '--no-warnings',
            path.join(__dirname, '..', 'fixtures', 'few-descriptors.js'),
            dir.path(''),
          ],
          { encoding: 'utf8' },
        ),
      );
      assert.ok(opened > 10);
      // All of the first round; then half the files are closed, and as many
      // opened and written.
      const half = Math.floor(opened / 2);
      for (let i = 0; i < opened; i++) {
        assert.equal(dir.read(`file ${i}`), `file ${i}`);
      }
      for (let i = 0; i < half; i++) {
        assert.equal(dir.read(`again ${i}`), `again ${i}`);
      }
      assert.equal(adopted + delegated, opened + half);
      if (!native) assert.equal(adopted, 0);
    });
  });

  describe('under load', () => {
    const ROUNDS = 250;
    const FILES = 20; // of the guest, opened twice a round
    const HOST_OPENS = 4; // for each open of the guest

    itWithProc(
      'finds the right descriptor 10,000 times while the thread pool ' +
        'opens and closes host files',
      async () => {
        const hostText = 'the host';
        const hostFiles = Array.from({ length: FILES * HOST_OPENS }, (_, i) =>
          dir.path(`host ${i}`),
        );
        for (const file of hostFiles) fs.writeFileSync(file, hostText);
        const session = start();
        const before = countDescriptors();
        const expected = Array.from({ length: FILES }, () => '');

        // Each open of the guest comes right after some work for the pool. The
        // first written is the last opened.
        function guestRound(text, poolWork) {
          const work = [];
          const fds = expected.map((_, i) => {
            for (let j = 0; j < HOST_OPENS; j++) {
              work.push(poolWork(i * HOST_OPENS + j));
            }
            return session.open(`guest ${i}`, { fdflags: FDFLAGS.APPEND });
          });
          for (let i = FILES - 1; i >= 0; i--) {
            const record = `${text} ${i}\n`;
            session.write(fds[i], record);
            expected[i] += record;
          }
          session.close(...fds);
          return Promise.all(work);
        }

        for (let round = 0; round < ROUNDS; round++) {
          const handles = await guestRound(`while opening ${round}`, (i) =>
            fs.promises.open(hostFiles[i], 'r+'),
          );
          await guestRound(`while closing ${round}`, (i) => handles[i].close());
        }

        for (const [i, text] of expected.entries()) {
          assert.equal(dir.read(`guest ${i}`), text);
        }
        for (const file of hostFiles) {
          assert.equal(fs.readFileSync(file, 'utf8'), hostText);
        }
        assertAdopted(session, 10000, 10000);
        assertNoneLeft(before);
      },
    );
  });

  // To close any descriptor of a file takes the locks that the process has on it.
  describe('with a lock on a file of the host', () => {
    let environment;

    before(function build() {
      if (!canPreload || !native) this.skip();
    });
    beforeEach(() => {
      const library = dir.path('lock.so');
      const source = path.join(__dirname, '..', 'fixtures', 'lock-stdin.c');
      execFileSync('cc', ['-shared', '-fPIC', '-o', library, source]);
      const preload = [process.env.LD_PRELOAD, library].filter(Boolean);
      environment = { LD_PRELOAD: preload.join(' '), LOCK_STDIN: '1' };
    });

    /** Runs `body(directory)` where stdin is locked; what others then say of it. */
    function lockAfter(body) {
      const script = (run, file) => {
        const { execFileSync } = require('node:child_process');
        const { dirname } = require('node:path');
        const probe = () =>
          execFileSync('python3', ['../fixtures/locked.py', file], {
            encoding: 'utf8',
            env: { PATH: process.env.PATH },
            stdio: ['ignore', 'pipe', 'inherit'],
          }).trim();
        const before = probe();
        run(dirname(file));
        require('node:fs').writeSync(1, JSON.stringify([before, probe()]));
      };
      const file = dir.path('locked');
      dir.write('locked', 'of the host');
      const stdin = fs.openSync(file, 'r+');
      const stdout = execFileSync(
        process.execPath,
        [
          '--no-warnings',
          '-e',
          `(${script})(${body}, ${JSON.stringify(file)})`,
        ],
        {
          cwd: path.join(__dirname, '..', 'helpers'),
          encoding: 'utf8',
          env: { ...process.env, ...environment },
          stdio: [stdin, 'pipe', 'inherit'],
        },
      );
      fs.closeSync(stdin);
      return JSON.parse(stdout);
    }

    it('leaves it when the guest opens, writes and closes files', () => {
      const locks = lockAfter((directory) => {
        const { withWASI } = require('./guest');
        const { Session } = require('./session');
        const session = new Session(withWASI({ preopens: { '/': directory } }));
        for (let i = 0; i < 3; i++) {
          const fd = session.open(`file ${i}`);
          session.write(fd, 'text');
          session.close(fd);
        }
        if (session.wasi.stats.adopted !== 3) throw new Error('not adopted');
      });
      assert.deepEqual(locks, ['locked', 'locked']);
    });

    it('leaves it when that file has the number which was expected', () => {
      const locks = lockAfter(() => {
        const { createEngine } = require('../../lib/engine');
        const engine = createEngine(-1);
        const elsewhere = {
          move: () => true,
          setNonblock: () => false,
          nonblock: false,
        };
        if (engine.adopt(4, 0, elsewhere, 0)) throw new Error('adopted');
      });
      assert.deepEqual(locks, ['locked', 'locked']);
    });
  });
});
