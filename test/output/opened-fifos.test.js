'use strict';

// FIFOs that the guest opens.

const assert = require('node:assert/strict');
const { execFileSync, spawn } = require('node:child_process');
const { once } = require('node:events');
const fs = require('node:fs');
const { engine } = require('../..');
const { ERRNO, FDFLAGS } = require('../../lib/preview1');
const { assertSameBytes, pattern } = require('../helpers/bytes');
const { readAvailable } = require('../helpers/host-files');
const { assertWrites, useGuests } = require('../helpers/opened-files');
const { RIGHTS } = require('../helpers/session');

const { FD_FDSTAT_SET_FLAGS, FD_SEEK, FD_WRITE } = RIGHTS;
const { NONBLOCK } = FDFLAGS;

describe('A FIFO that the guest opens', () => {
  const { dir, start } = useGuests();

  let held;

  // Opened for reading and writing, so that no other open waits.
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

  it('is written to', () => {
    const session = start();
    const fd = openFifo(session);
    session.write(fd, 'one ');
    session.write(fd, ['two ', 'three']);
    assert.equal(readAvailable(held).toString(), 'one two three');
    session.close(fd);
    assertWrites(session, 2);
  });

  // node:wasi drops FD_SEEK for a FIFO, and then requires it.
  it('refuses fd_pwrite', () => {
    const session = start();
    const fd = openFifo(session, { rights: FD_WRITE | FD_SEEK });
    assert.equal(
      session.tryPwrite(fd, 'x', 0n),
      engine === 'native' ? ERRNO.SPIPE : ERRNO.NOTCAPABLE,
    );
    session.close(fd);
    assert.equal(readAvailable(held).toString(), '');
  });

  it('is kept apart from another, and may be open twice', () => {
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
    assertWrites(session, 4);
  });

  it('waits for its reader when it is full', async () => {
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
    assertWrites(session, 1);
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
    });
  }

  it('gives PIPE when its reader is gone', () => {
    const session = start();
    const fd = openFifo(session);
    session.write(fd, 'x');
    letGo();
    assert.equal(session.tryWrite(fd, 'x'), ERRNO.PIPE);
    assert.equal(session.tryWrite(fd, 'x'), ERRNO.PIPE);
    session.close(fd);
    assertWrites(session, 1);
  });

  it('gives NXIO to a guest that opens it without a reader', () => {
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
  });
});
