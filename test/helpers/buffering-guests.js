'use strict';

// Guests with a buffer, which write to files of their own or of the host.

const fs = require('node:fs');
const { withWASI, withWrites } = require('./guest');
const { useHostFiles } = require('./host-files');
const { Session } = require('./session');

const STDOUT = 1;
const STDERR = 2;

/** Call it in a `describe`: guests that write to files. */
function useGuests() {
  const ends = [];

  // Runs before the files are removed.
  afterEach(() => {
    for (const end of ends.splice(0)) end();
  });
  const host = useHostFiles();

  /**
   * A guest under `WASI` with a file as its stdout. Files among its standard streams
   * are the guest's to close.
   */
  function start({ file = 'out', stderr, ...options } = {}) {
    const started = withWASI({
      preopens: { '/': host.path('.') },
      stdout: fs.openSync(host.path(file), 'w+'),
      stderr: stderr && fs.openSync(host.path(stderr), 'w'),
      buffered: true,
      ...options,
    });
    const { wasi } = started;
    ends.push(() => {
      for (let fd = STDOUT; fd < 16; fd++) {
        if (fd !== STDERR || stderr) wasi.wasiImport.fd_close(fd);
      }
    });
    return Object.assign(new Session(started), {
      fd: STDOUT,
      flush: () => wasi.flush(),
    });
  }

  return {
    ...host,
    start,
    atEnd: (end) => ends.push(end),

    // Guests whose `fd` is the open file `out`.
    on: {
      stdout: start,

      'a file of its own'() {
        const session = start({ file: 'stdout' });
        return Object.assign(session, { fd: session.open('out') });
      },
    },

    // Guests whose stdout is the file `out`, under `WASI` and under `createWrites`.
    through: {
      WASI: start,

      createWrites(options) {
        const fds = { [STDOUT]: host.open('out', 'w+') };
        const started = withWrites({ fds, buffered: true, ...options });
        const { writes } = started;
        ends.push(() => writes.close());
        return Object.assign(new Session(started), {
          writes,
          flush: () => writes.flush(),
        });
      },
    },
  };
}

module.exports = { useGuests };
