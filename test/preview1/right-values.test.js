'use strict';

// Values of POSIX or the specification where node:wasi has others.

const assert = require('node:assert/strict');
const { execFileSync, spawn } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { engine } = require('../..');
const { ERRNO } = require('../../lib/preview1');
const {
  ALL_RIGHTS,
  FOLLOW,
  OFLAGS,
  READ_WRITE,
  RESULT,
  pathsGuest,
} = require('../helpers/paths-guest');
const { useTempDir } = require('../helpers/temp');

const READ = 2n;
const WRITE = 1n << 6n;
const NONBLOCK = 4;

describe('The calls of preview1', function () {
  before(function () {
    if (engine !== 'native') this.skip(); // Node has other values: docs/platforms.md
  });

  const temp = useTempDir();
  let g;
  const start = (options) => {
    g = pathsGuest({ preopens: { '/': temp.path('.') }, ...options });
    return g;
  };
  afterEach(() => g?.wasi.close());

  it('have no arguments and no variables to get, and succeed', () => {
    start();
    assert.equal(g.calls.args_get(RESULT, RESULT), 0);
    assert.equal(g.calls.environ_get(RESULT, RESULT), 0);
    assert.equal(g.calls.args_sizes_get(RESULT, RESULT + 4), 0);
    assert.deepEqual([g.u32(), g.u32(RESULT + 4)], [0, 0]);
  });

  for (const name of ['fixtures', './a', 'a/b', '/', '.', '/deep/er']) {
    it(`follow links in a preopen that is named ${name}`, () => {
      temp.write('file', 'text');
      fs.symlinkSync('file', temp.path('link'));
      start({ preopens: { [name]: temp.path('.') } });
      assert.equal(g.open('link', { rights: READ }), 0);
      assert.equal(g.read(g.u32()), 'text');
      assert.equal(g.stat('link'), 0);
    });
  }

  it('list . and .. in a directory', () => {
    temp.write('file', '');
    start();
    assert.equal(g.calls.fd_readdir(3, 8192, 4096, 0n, RESULT), 0);
    const names = [];
    for (let at = 8192; at < 8192 + g.u32();) {
      const length = new DataView(g.memory.buffer).getUint32(at + 16, true);
      names.push(Buffer.from(g.memory.buffer, at + 24, length).toString());
      at += 24 + length;
    }
    assert.deepEqual(names.sort(), ['.', '..', 'file']);
  });

  it('do not remove a directory as a file', () => {
    start();
    assert.equal(g.mkdir('directory'), 0);
    assert.equal(g.unlink('directory'), ERRNO.ISDIR);
    assert.ok(fs.existsSync(temp.path('directory')));
  });

  it('find that the null device is ready', () => {
    start({ preopens: { '/dev': '/dev' } });
    assert.equal(g.open('null'), 0);
    const fd = g.u32();
    const [subscriptions, events] = [8192, 16384];
    const data = new DataView(g.memory.buffer);
    for (const [number, tag] of [1, 2].entries()) {
      const at = subscriptions + number * 48;
      data.setUint8(at + 8, tag);
      data.setUint32(at + 16, fd, true);
    }
    assert.equal(g.calls.poll_oneoff(subscriptions, events, 2, RESULT), 0);
    assert.equal(g.u32(), 2);
    for (const at of [events, events + 32]) {
      assert.equal(data.getUint16(at + 8, true), 0);
    }
  });

  it('keep the nanoseconds of times', () => {
    temp.write('file', '');
    start();
    const time = 1234567890123456789n;
    const set = (fstflags) =>
      g.calls.path_filestat_set_times(
        3,
        FOLLOW,
        ...g.at(1024, 'file'),
        time,
        time + 1n,
        fstflags,
      );
    assert.equal(set(1 | 4), 0);
    assert.equal(g.stat('file'), 0);
    assert.deepEqual(
      [g.u64(RESULT + 40), g.u64(RESULT + 48)],
      [time, time + 1n],
    );
  });

  it('have times after 2038, and set them or say OVERFLOW', () => {
    temp.write('file', '');
    execFileSync('touch', ['-d', '2106-02-07T06:28:16Z', temp.path('file')]);
    start();
    const timesOfFile = () => {
      assert.equal(g.stat('file'), 0);
      return [g.u64(RESULT + 40), g.u64(RESULT + 48)];
    };
    const before = 2n ** 32n * 1_000_000_000n;
    assert.deepEqual(timesOfFile(), [before, before]);
    const time = before + 1_000_000_001n;
    assert.equal(g.open('file', { rights: ALL_RIGHTS }), 0);
    const fd = g.u32();
    const setters = [
      () =>
        g.calls.path_filestat_set_times(
          ...[3, FOLLOW, ...g.at(1024, 'file'), time, time, 1 | 4],
        ),
      () => g.calls.fd_filestat_set_times(fd, time, time, 1 | 4),
    ];
    // With 32 bits the system counts to 2038.
    const isShort = process.arch === 'arm';
    for (const set of setters) {
      assert.equal(set(), isShort ? ERRNO.OVERFLOW : ERRNO.SUCCESS);
      const after = isShort ? before : time;
      assert.deepEqual(timesOfFile(), [after, after]);
    }
  });

  it('refuse contradicting and unknown fstflags', () => {
    temp.write('file', '');
    start();
    for (const fstflags of [3, 12, 15, 16, 0x100, 0xffff, -1]) {
      assert.equal(g.setTimes('file', FOLLOW, 3, fstflags), ERRNO.INVAL);
      assert.equal(
        g.calls.fd_filestat_set_times(3, 0n, 0n, fstflags),
        ERRNO.INVAL,
      );
    }
    assert.equal(g.calls.fd_fdstat_get(3, RESULT), 0);
  });

  it('cut the target of a link to the room for it', () => {
    fs.symlinkSync('a-long-target', temp.path('link'));
    start();
    assert.equal(g.readlink('link', { size: 6 }), 'a-long');
    assert.equal(g.readlink('link', { size: 0 }), '');
    assert.equal(g.readlink('link'), 'a-long-target');
  });

  it('open no link without FOLLOW', () => {
    fs.symlinkSync('nothing', temp.path('dangling'));
    fs.symlinkSync('.', temp.path('directory'));
    start();
    for (const name of ['dangling', 'directory']) {
      assert.equal(g.open(name, { flags: 0, rights: READ }), ERRNO.LOOP);
      assert.equal(
        g.open(name, { flags: 0, oflags: OFLAGS.DIRECTORY, rights: READ }),
        ERRNO.NOTDIR,
      );
    }
  });

  it('say that the name of a preopen does not fit', () => {
    start({ preopens: { '/name': temp.path('.') } });
    assert.equal(g.calls.fd_prestat_dir_name(3, RESULT, 4), ERRNO.NAMETOOLONG);
    assert.equal(g.calls.fd_prestat_dir_name(3, RESULT, 5), 0);
    assert.equal(g.calls.fd_prestat_get(0, RESULT), ERRNO.BADF);
  });

  it('reject a NUL in a path, and an empty path', () => {
    start();
    for (const call of [g.open, g.stat, g.mkdir, g.unlink, g.rmdir]) {
      assert.equal(call('a\0b'), ERRNO.INVAL);
      assert.equal(call(''), ERRNO.NOENT);
      assert.equal(call('x'.repeat(5000)), ERRNO.NAMETOOLONG);
      assert.equal(call('x'.repeat(256)), ERRNO.NAMETOOLONG);
    }
    assert.deepEqual(fs.readdirSync(temp.path('.')), []);
  });

  it('make no link where a file stands, or with an absolute target', () => {
    temp.write('file', '');
    start();
    assert.equal(g.symlink('x', 'file/'), ERRNO.NOTDIR);
    assert.equal(g.symlink('/x', 'link'), ERRNO.PERM);
    assert.equal(g.symlink('x', 'file'), ERRNO.EXIST);
  });

  it('give NOTDIR for a dirfd that is not a directory', () => {
    temp.write('file', '');
    start();
    g.open('file');
    const dir = g.u32();
    assert.equal(g.open('x', { dir }), ERRNO.NOTDIR);
    assert.equal(g.stat('x', 0, dir), ERRNO.NOTDIR);
    assert.equal(g.mkdir('x', dir), ERRNO.NOTDIR);
    assert.equal(g.stat('x', 0, 1), ERRNO.NOTDIR);
    assert.equal(g.stat('x', 0, 77), ERRNO.BADF);
    assert.equal(g.calls.fd_readdir(dir, 0, 100, 0n, RESULT), ERRNO.NOTDIR);
  });

  it('write to no file opened for reading, and read none opened for writing', () => {
    temp.write('file', 'text');
    start();
    g.open('file', { rights: READ });
    assert.equal(g.write(g.u32(), 'x'), ERRNO.BADF);
    g.open('file', { rights: WRITE });
    assert.equal(g.read(g.u32()), ERRNO.BADF);
    assert.equal(temp.read('file'), 'text');
  });

  it('give up a right for good', () => {
    temp.write('file', 'text');
    start();
    g.open('file');
    const fd = g.u32();
    assert.equal(g.calls.fd_fdstat_set_rights(fd, READ_WRITE & ~WRITE, 0n), 0);
    assert.equal(g.write(fd, 'x'), ERRNO.NOTCAPABLE);
    assert.equal(
      g.calls.fd_fdstat_set_rights(fd, READ_WRITE, 0n),
      ERRNO.NOTCAPABLE,
    );
    assert.equal(g.calls.fd_fdstat_set_rights(3, ALL_RIGHTS, READ), 0);
    assert.equal(g.open('file', { rights: READ }), 0);
    assert.equal(g.open('file', { rights: WRITE }), ERRNO.NOTCAPABLE);
    assert.equal(g.calls.fd_fdstat_set_rights(3, 0n, READ), 0);
    assert.equal(
      g.open('file', { oflags: OFLAGS.TRUNC, rights: READ }),
      ERRNO.NOTCAPABLE,
    );
    assert.equal(temp.read('file'), 'text');
  });

  it('raise no signal', () => {
    start();
    for (const signal of [0, 1, 2, 6, 9, 11, 15, 19, 30, 255, -1]) {
      assert.equal(g.calls.proc_raise(signal), ERRNO.NOTSUP);
    }
  });

  it('give NOTSOCK for an fd that is not a socket', () => {
    temp.write('file', '');
    start({ stdout: 'capture' });
    g.open('file');
    for (const fd of [1, 3, g.u32()]) {
      assert.equal(g.calls.sock_shutdown(fd, 1), ERRNO.NOTSOCK);
      assert.equal(g.wasi.wasiImport.sock_accept(fd, 0, RESULT), ERRNO.NOTSOCK);
      assert.equal(g.calls.sock_send(fd, 0, 0, 0, RESULT), ERRNO.NOTSOCK);
      assert.equal(
        g.calls.sock_recv(fd, 0, 0, 0, RESULT, RESULT + 4),
        ERRNO.NOTSOCK,
      );
    }
  });

  it('renumber only to what is open, and may replace a preopen', () => {
    temp.write('file', 'text');
    start();
    g.open('file');
    const fd = g.u32();
    assert.equal(g.calls.fd_renumber(fd, 50), ERRNO.BADF);
    assert.equal(g.calls.fd_renumber(50, fd), ERRNO.BADF);
    assert.equal(g.calls.fd_renumber(fd, fd), 0);
    assert.equal(g.calls.fd_renumber(fd, 3), 0);
    assert.equal(g.read(3), 'text');
    assert.equal(g.close(fd), ERRNO.BADF);
    assert.equal(g.calls.fd_prestat_get(3, RESULT), ERRNO.BADF);
  });

  it('keep NONBLOCK for the guest, and change no flag of a caller', () => {
    const fd = fs.openSync(temp.path('log'), 'w');
    start({ stdout: fd });
    const set = (flags) => g.calls.fd_fdstat_set_flags(1, flags);
    assert.equal(set(NONBLOCK), 0);
    assert.equal(g.calls.fd_fdstat_get(1, RESULT), 0);
    assert.equal(g.u32() >>> 16, NONBLOCK);
    const info = fs.readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8');
    assert.equal(parseInt(/flags:\s*(\d+)/.exec(info)[1], 8) & 0o4000, 0);
    for (const flags of [1, 2, 16]) assert.equal(set(flags), ERRNO.NOTSUP);
    for (const flags of [32, -1]) assert.equal(set(flags), ERRNO.INVAL);
    assert.equal(set(0), 0);
    fs.closeSync(fd);
  });

  it('turn APPEND on and off for a file of the guest', () => {
    start();
    g.open('file', { oflags: OFLAGS.CREAT, fdflags: 1 });
    const fd = g.u32();
    g.write(fd, 'one');
    g.calls.fd_seek(fd, 0n, 0, RESULT);
    g.write(fd, 'two');
    assert.equal(g.calls.fd_fdstat_set_flags(fd, 0), 0);
    g.calls.fd_seek(fd, 0n, 0, RESULT);
    g.write(fd, 'ONE');
    assert.equal(temp.read('file'), 'ONEtwo');
  });

  it('read a FIFO as if it was opened without O_NONBLOCK', () => {
    execFileSync('mkfifo', [temp.path('fifo')]);
    const writer = path.join(__dirname, '../fixtures/fifo-writer.sh');
    start();
    assert.equal(g.open('fifo', { rights: READ }), 0);
    const child = spawn('sh', [writer, temp.path('fifo')]);
    assert.equal(g.read(g.u32()), 'late');
    child.unref();
  });

  it('wait for a stdin that the host made non-blocking, unless NONBLOCK is set', () => {
    execFileSync('mkfifo', [temp.path('fifo')]);
    const { O_NONBLOCK, O_RDONLY } = fs.constants;
    const stdin = fs.openSync(temp.path('fifo'), O_RDONLY | O_NONBLOCK);
    const writer = fs.openSync(temp.path('fifo'), 'w');
    start({ stdin });
    // The child stays alive: at its end a read would return 0, whatever the flags.
    const child = spawn('sh', ['-c', 'sleep 0.2; printf late; sleep 60'], {
      stdio: ['ignore', writer, 'ignore'],
    });
    assert.equal(g.read(0), 'late');
    assert.equal(g.calls.fd_fdstat_set_flags(0, NONBLOCK), 0);
    assert.equal(g.read(0), ERRNO.AGAIN);
    fs.writeSync(writer, 'more');
    assert.equal(g.read(0), 'more');
    child.kill();
    fs.closeSync(writer);
    fs.closeSync(stdin);
  });

  it('give the sizes and types of what there is', () => {
    temp.write('file', 'text');
    fs.symlinkSync('file', temp.path('link'));
    execFileSync('mkfifo', [temp.path('fifo')]);
    start({ stdout: 'capture' });
    const type = (name, flags) => {
      assert.equal(g.stat(name, flags), 0);
      return new Uint8Array(g.memory.buffer)[RESULT + 16];
    };
    assert.deepEqual(
      [type('file'), type('link'), type('link', 0), type('.'), type('fifo')],
      [4, 4, 7, 3, 6],
    );
    assert.equal(g.calls.fd_filestat_get(1, RESULT), 0);
    assert.equal(new Uint8Array(g.memory.buffer)[RESULT + 16], 6);
  });
});
