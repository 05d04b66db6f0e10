'use strict';

// Host descriptors given to a guest by number stay the caller's.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const { ERRNO } = require('../../lib/preview1');
const { describeNative } = require('../helpers/buffering');
const {
  descriptorsOf,
  hostFlags,
  itWithProc,
} = require('../helpers/descriptors');
const { withWASI, withWrites } = require('../helpers/guest');
const { fill, readAvailable, useHostFiles } = require('../helpers/host-files');
const { OFLAGS, PREOPEN, Session } = require('../helpers/session');

const STDOUT = 1;
const STDERR = 2;
const NONBLOCK = 4;
const FD_READDIR = 1n << 14n;
const RESULT = 128;
const SUBSCRIPTION = 1024;
const EVENT = 2048;

describeNative('A number of the caller', () => {
  const host = useHostFiles();

  const start = (options) =>
    new Session(withWASI({ preopens: { '/': host.path('') }, ...options }));

  const isOpen = (fd) => {
    try {
      fs.fstatSync(fd);
      return true;
    } catch {
      return false;
    }
  };

  /** Opens a file that must get the number `fd`. */
  function openAt(fd, name) {
    assert.equal(host.open(name, 'w'), fd);
  }

  for (const fd of [0, 1, 2]) {
    it(`stays open when the guest closes its fd ${fd}`, () => {
      const name = ['stdin', 'stdout', 'stderr'][fd];
      const number = host.open('file', 'w+');
      const session = start({ [name]: number });
      session.close(fd);
      assert.equal(isOpen(number), true);
      session.wasi.close();
      fs.writeSync(number, 'of the host');
      assert.equal(host.read('file'), 'of the host');
    });
  }

  it('stays open when the guest puts a file in its place, and closes that', () => {
    const number = host.open('out', 'w');
    const session = start({ stdout: number });
    const fd = session.open('file');
    assert.equal(session.guest.fd_renumber(fd, STDOUT), ERRNO.SUCCESS);
    session.write(STDOUT, 'text');
    session.close(STDOUT);
    fs.writeSync(number, 'of the host');
    assert.equal(host.read('out'), 'of the host');
    assert.equal(host.read('file'), 'text');
    session.wasi.close();
  });

  it('is out of reach once the guest has closed its fd', () => {
    const number = host.open('out', 'w');
    const session = start({ stdout: number });
    session.close(STDOUT);
    host.close(number);
    openAt(number, 'later');
    assert.equal(session.tryWrite(STDOUT, 'x'), ERRNO.BADF);
    assert.equal(host.read('later'), '');
    session.wasi.close();
  });

  it('shared by two streams stays with the other one', () => {
    const number = host.open('out', 'w');
    const session = start({ stdout: number, stderr: number });
    session.close(STDOUT);
    session.write(STDERR, 'text');
    assert.equal(host.read('out'), 'text');
    session.wasi.close();
    assert.equal(isOpen(number), true);
  });

  for (const way of ['WASI', 'createWrites']) {
    it(`that is not open at the start never is, for ${way}`, () => {
      const number = host.open('out', 'w');
      host.close(number);
      const session =
        way === 'WASI'
          ? start({ stdout: number, preopens: {} })
          : new Session(withWrites({ fds: { [STDOUT]: number } }));
      openAt(number, 'later');
      assert.equal(session.tryWrite(STDOUT, 'x'), ERRNO.BADF);
      assert.equal(host.read('later'), '');
      session.wasi?.close();
    });
  }

  it('is not duplicated: it must stay open as long as the guest runs', () => {
    const number = host.open('out', 'w');
    const session = start({ stdout: number });
    host.close(number);
    assert.equal(session.tryWrite(STDOUT, 'x'), ERRNO.BADF);
    openAt(number, 'later');
    session.write(STDOUT, 'to what it stands for');
    assert.equal(host.read('later'), 'to what it stands for');
    session.wasi.close();
  });

  itWithProc('has the flags that it had, whatever the guest does', () => {
    const { reader, writer, filler } = host.pipe({ blocking: true });
    const session = start({ stdout: writer, waitTimeout: 10 });
    const { guest, memory } = session;
    const before = hostFlags(writer);
    const setFlags = (flags) => guest.fd_fdstat_set_flags(STDOUT, flags);

    fill(filler);
    assert.equal(session.tryWrite(STDOUT, 'x'), ERRNO.AGAIN);
    const data = new DataView(memory.buffer);
    data.setUint8(SUBSCRIPTION + 8, 2); // FD_WRITE
    data.setUint32(SUBSCRIPTION + 16, STDOUT, true);
    data.setUint8(SUBSCRIPTION + 48 + 8, 0); // a clock, due at once
    assert.equal(guest.poll_oneoff(SUBSCRIPTION, EVENT, 2, RESULT), 0);
    assert.equal(setFlags(NONBLOCK), ERRNO.SUCCESS);
    assert.equal(session.tryWrite(STDOUT, 'x'), ERRNO.AGAIN);
    for (const flags of [1, 2, 8, 16]) {
      assert.equal(setFlags(flags), ERRNO.NOTSUP);
    }
    readAvailable(reader);
    session.write(STDOUT, 'x');
    assert.equal(hostFlags(writer), before);
    session.wasi.close();
    assert.equal(hostFlags(writer), before);
  });

  itWithProc('of a pipe may cost one descriptor, closed with the fd', () => {
    const { reader, writer, filler } = host.pipe({ blocking: true });
    host.close(filler);
    const session = start({ stdout: writer, waitTimeout: 1000 });
    const count = () => descriptorsOf(host.path('pipe')).length;
    assert.equal(count(), 2);
    for (let i = 0; i < 3; i++) {
      session.write(STDOUT, 'text');
      assert.equal(count(), 3);
    }
    // An open writer would keep the reader from seeing the end.
    host.close(writer);
    assert.equal(readAvailable(reader).toString(), 'text'.repeat(3));
    assert.throws(() => fs.readSync(reader, Buffer.alloc(1)), {
      code: 'EAGAIN',
    });
    session.close(STDOUT);
    assert.equal(fs.readSync(reader, Buffer.alloc(1)), 0);
    session.wasi.close();
  });
});

describeNative('A directory that a guest lists', () => {
  const host = useHostFiles();

  itWithProc('costs one more descriptor, closed with it', () => {
    const session = new Session(withWASI({ preopens: { '/': host.path('') } }));
    const fd = session.open('.', {
      oflags: OFLAGS.DIRECTORY,
      rights: FD_READDIR,
    });
    const count = () => descriptorsOf(host.path('')).length;
    const list = () => session.guest.fd_readdir(fd, 8192, 512, 0n, RESULT);
    const before = count();
    for (let i = 0; i < 3; i++) {
      assert.equal(list(), ERRNO.SUCCESS);
      assert.equal(count(), before + 1);
    }
    session.close(fd);
    assert.equal(count(), before - 1);
    session.close(PREOPEN);
    assert.equal(count(), 0);
    session.wasi.close();
  });
});
