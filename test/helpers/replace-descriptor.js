'use strict';

const assert = require('node:assert/strict');

/**
 * Has the number of an open descriptor stand for another file. What was opened
 * is closed by `host`.
 *
 * @param {object} host of `useHostFiles`
 * @param {number} hostFd
 * @param {string} name of a file, as for `host.open`
 */
function replaceDescriptor(host, hostFd, name) {
  host.close(hostFd);
  // An open gives the lowest number that is free.
  let fd;
  do fd = host.open(name, 'w');
  while (fd < hostFd);
  assert.equal(fd, hostFd);
}

module.exports = { replaceDescriptor };
