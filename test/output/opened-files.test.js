'use strict';

// Files that the guest opens: which file a call reads or writes, and at which
// offset.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const { ERRNO, FDFLAGS } = require('../../lib/preview1');
const { assertWrites, useGuests } = require('../helpers/opened-files');
const { OFLAGS, RIGHTS, WHENCE } = require('../helpers/session');

const { FD_WRITE } = RIGHTS;

describe('A file that the guest opens', () => {
  const { dir, start } = useGuests();

  describe('alone', () => {
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
      assertWrites(session, 3);
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
      assertWrites(session, 3);
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
      assertWrites(session, 1);
    });

    it('makes a hole where the guest seeks past the end', () => {
      const session = start();
      const fd = session.open('file');
      session.seek(fd, 3n);
      session.write(fd, 'x');
      session.close(fd);
      assert.equal(dir.read('file'), '\0\0\0x');
      assertWrites(session, 1);
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
      assertWrites(session, 3);
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
      assertWrites(session, 3);
    });

    it('has the size that the guest gives it', () => {
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
      assertWrites(session, 2);
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
      assertWrites(session, 3);
    });

    it('truncates what the guest opens with TRUNC', () => {
      dir.write('file', 'long enough');
      const session = start();
      const fd = session.open('file', { oflags: OFLAGS.TRUNC });
      session.write(fd, 'short');
      session.close(fd);
      assert.equal(dir.read('file'), 'short');
      assertWrites(session, 1);
    });

    it('writes a file that is open for writing alone', () => {
      const session = start();
      const fd = session.open('file', { rights: FD_WRITE });
      session.write(fd, 'one ');
      session.write(fd, 'two');
      session.close(fd);
      assert.equal(dir.read('file'), 'one two');
      assertWrites(session, 2);
    });

    it('gives the errno of a full device', () => {
      const session = start({ preopens: { '/': '/dev' } });
      const fd = session.open('full', { oflags: 0, rights: FD_WRITE });
      assert.equal(session.tryWrite(fd, 'x'), ERRNO.NOSPC);
      assert.equal(session.tryWrite(fd, 'x'), ERRNO.NOSPC);
      session.close(fd);
      assertWrites(session, 0);
    });
  });

  describe('among others', () => {
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
        const a = session.open(first, { follow: true });
        const b = session.open(second, { follow: true });
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
        assertWrites(session, 4);
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
      assertWrites(session, 6);
    });

    it('is written by its own descriptor among those of the host on it', () => {
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
      // The offset of each host descriptor is still 0.
      for (const host of hosts) fs.writeSync(host, 'h');
      session.write(fd, 'g');
      session.close(fd);
      for (const host of hosts) fs.closeSync(host);
      assert.equal(dir.read('file'), 'h1234567gg');
      assertWrites(session, 2);
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
        assertWrites(session, 3);
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
      assertWrites(session, 1000);
    });
  });
});
