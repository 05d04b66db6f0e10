'use strict';

// Every wait of a guest can be ended, and nothing is left open.

const { engine } = require('../..');
const { useTempDir } = require('../helpers/temp');
const { WaitingHost } = require('../helpers/waiting');
const { KINDS } = require('../fixtures/wait-kinds');

const WAYS = {
  terminate: 'worker.terminate() ends',
  exit: 'process.exit() ends, in a worker,',
  thread: 'A vm timeout ends, in a worker,',
  main: 'A vm timeout ends, in the main thread,',
};

describe('Waits', () => {
  const dir = useTempDir();
  const host = new WaitingHost();

  before(function () {
    // The fallback engine waits in Node.
    if (engine !== 'native' || process.platform !== 'linux') this.skip();
  });
  after(() => host.close());

  for (const [way, title] of Object.entries(WAYS)) {
    describe(title, () => {
      for (const kind of Object.keys(KINDS)) {
        it(kind, () => host.endsWait(way, kind, dir.path('')));
      }
    });
  }
});
