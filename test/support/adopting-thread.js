'use strict';

// A thread whose guest opens, writes, moves and closes files of every kind, until it
// has written to `files` of them. Each write has to be where it belongs.
//
// directory  the guest's, beside which there may be others
// seed       of what it does
// exact      whether nobody else moves its offsets

const assert = require('node:assert/strict');
const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { parentPort, workerData } = require('node:worker_threads');
const { ERRNO, FDFLAGS } = require('../../lib/preview1');
const { withWASI } = require('./guest');
const { readAvailable } = require('./host-files');
const { Random } = require('./random');
const { OFLAGS, PREOPEN, RIGHTS, Session } = require('./session');

const { directory, files: wanted, seed, exact } = workerData;
const { FD_READ, FD_SEEK, FD_TELL, FD_WRITE } = RIGHTS;
const { O_NONBLOCK, O_RDWR } = fs.constants;

const FILES = 6; // of a kind
const MOST_OPEN = 24;
const DEV = PREOPEN + 1;
const PROC = PREOPEN + 2;

// Without the right to seek, NONBLOCK tells which descriptor it is.
const FILE_RIGHTS = [
  RIGHTS.FILE,
  FD_WRITE,
  FD_WRITE | FD_SEEK,
  FD_READ | FD_WRITE | FD_SEEK | FD_TELL,
];

const random = new Random(seed);
const file = (name) => path.join(directory, name);

/** What is in a file, whoever moves the offset meanwhile. */
function text(name) {
  const fd = fs.openSync(name);
  const bytes = Buffer.alloc(fs.fstatSync(fd).size);
  fs.readSync(fd, bytes, 0, bytes.length, 0);
  fs.closeSync(fd);
  return bytes.toString('latin1');
}

/** Files that the guest appends to, by all their names, and what is in each. */
const appended = Array.from({ length: FILES }, (_, i) => {
  fs.writeFileSync(file(`file ${i}`), '');
  fs.linkSync(file(`file ${i}`), file(`hard ${i}`));
  fs.symlinkSync(`file ${i}`, file(`soft ${i}`));
  return {
    path: file(`file ${i}`),
    text: '',
    fd: fs.openSync(file(`file ${i}`)),
  };
});
const outside = { path: `${directory} outside`, text: '' };
fs.writeFileSync(outside.path, '');
fs.symlinkSync(outside.path, file('out'));

const fifos = Array.from({ length: FILES }, (_, i) => {
  execFileSync('mkfifo', [file(`fifo ${i}`)]);
  return fs.openSync(file(`fifo ${i}`), O_RDWR | O_NONBLOCK);
});

const session = new Session(
  withWASI({ preopens: { '/': directory, '/dev': '/dev', '/proc': '/proc' } }),
);
const { guest, wasi } = session;
const open = [];
let opened = 0;
let refused = 0;
let written = 0;

// Each kind: how it is opened, and how a write is checked.

const append = (name, target) => ({
  name,
  fdflags: FDFLAGS.APPEND,
  onWrite(record) {
    target.text += record;
  },
});

const overwrite = (i) => ({
  name: `own ${i}`,
  oflags: OFLAGS.CREAT | OFLAGS.TRUNC,
  alone: true,
  text: '',
  onWrite(record) {
    this.text += record;
  },
  onClose() {
    if (exact) assert.equal(text(file(this.name)), this.text);
  },
});

const kinds = {
  file: (i) => append(`file ${i}`, appended[i]),
  hardLink: (i) => append(`hard ${i}`, appended[i]),
  symbolicLink: (i) => append(`soft ${i}`, appended[i]),
  // Node opens these or refuses to. It is the file that it has opened.
  linkOutside: () => append('out', outside),
  descriptor: (i) => ({
    ...append(`self/fd/${appended[i].fd}`, appended[i]),
    dirfd: PROC,
    oflags: 0,
  }),
  overwrite,
  fifo: (i) => ({
    name: `fifo ${i}`,
    oflags: 0,
    rights: FD_WRITE,
    onWrite(record) {
      assert.equal(readAvailable(fifos[i]).toString(), record);
    },
  }),
  device: () => ({
    name: random.pick(['null', 'zero']),
    dirfd: DEV,
    oflags: 0,
    rights: FD_WRITE,
    onWrite() {},
  }),
  fullDevice: () => ({
    name: 'full',
    dirfd: DEV,
    oflags: 0,
    rights: FD_WRITE,
    errno: ERRNO.NOSPC,
  }),
};

function openOne() {
  const entry = kinds[random.pick(Object.keys(kinds))](random.below(FILES));
  if (entry.alone && open.some(({ name }) => name === entry.name)) return;
  const { name, rights = random.pick(FILE_RIGHTS), ...options } = entry;
  const errno = session.tryOpen(name, { ...options, rights });
  if (errno !== ERRNO.SUCCESS) {
    assert.ok([ERRNO.NOTCAPABLE, ERRNO.NOENT].includes(errno), `${errno}`);
    refused++;
    return;
  }
  opened++;
  open.push(Object.assign(entry, { fd: session.lastFd(), fresh: true }));
  if (random.oneIn(2)) writeTo(entry);
}

function writeTo(entry) {
  const record = `${entry.name} ${written}\n`;
  const cut = random.below(record.length);
  const bytes = random.oneIn(2)
    ? record
    : [record.slice(0, cut), record.slice(cut)];
  const errno = session.tryWrite(entry.fd, bytes);
  assert.equal(errno, entry.errno ?? ERRNO.SUCCESS, entry.name);
  entry.onWrite?.(record);
  if (entry.fresh) written++;
  entry.fresh = false;
}

function remove(entry) {
  open.splice(open.indexOf(entry), 1);
  entry.onClose?.();
}

function closeOne() {
  const entry = random.pick(open);
  session.close(entry.fd);
  remove(entry);
}

function renumberOne() {
  const [from, to] = [random.pick(open), random.pick(open)];
  assert.equal(guest.fd_renumber(from.fd, to.fd), ERRNO.SUCCESS);
  if (from === to) return;
  remove(to);
  from.fd = to.fd;
}

function checkAppended() {
  for (const target of [...appended, outside]) {
    assert.equal(text(target.path), target.text, target.path);
    fs.truncateSync(target.path);
    target.text = '';
  }
}

parentPort.postMessage('ready');
for (let step = 1; written < wanted; step++) {
  if (open.length === 0 || (open.length < MOST_OPEN && random.oneIn(3))) {
    openOne();
  } else if (random.oneIn(2)) {
    writeTo(random.pick(open));
  } else if (random.oneIn(4)) {
    renumberOne();
  } else {
    closeOne();
  }
  if (step % 1000 === 0) checkAppended();
}
while (open.length > 0) closeOne();
checkAppended();
session.close(PREOPEN, DEV, PROC);
for (const fd of [...fifos, ...appended.map((target) => target.fd)]) {
  fs.closeSync(fd);
}
const { adopted, delegated } = wasi.stats;
parentPort.postMessage({ opened, refused, written, adopted, delegated });
