'use strict';

const assert = require('node:assert/strict');

/**
 * Replaces the file behind an open descriptor number. `host` closes the new one.
 *
 * @param {object} host of `useHostFiles`
 * @param {number} hostFd
 * @param {string} name of a file, as for `host.open`
 */
function replaceDescriptor(host, hostFd, name) {
  host.close(hostFd);
  // An open takes the lowest free number.
  let fd;
  do fd = host.open(name, 'w');
  while (fd < hostFd);
  assert.equal(fd, hostFd);
}

module.exports = { replaceDescriptor };
