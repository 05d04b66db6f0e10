'use strict';

// Opens a file, writes it twice and closes it.

const { withWASI } = require('../helpers/guest');
const { PREOPEN, Session } = require('../helpers/session');
const { keepsSteady } = require('./steady');

module.exports = {
  count: 1_000_000,
  unit: 'files',

  async run({ count, directory, progress }) {
    const figures = {};
    for (const buffered of [false, true]) {
      const session = new Session(
        withWASI({ preopens: { '/': directory }, buffered }),
      );
      const once = () => {
        const fd = session.open('file');
        session.write(fd, 'some ');
        session.write(fd, 'bytes');
        session.close(fd);
      };
      figures[buffered ? 'buffered' : 'direct'] = keepsSteady(
        count,
        once,
        progress,
      );
      session.close(PREOPEN);
    }
    return figures;
  },
};
