'use strict';

/**
 * @param {[boolean, string][]} checks pairs of a condition and a fault
 * @returns {string[]} the faults whose condition is false
 */
const faultsIn = (checks) =>
  checks.flatMap(([good, fault]) => (good ? [] : [fault]));

module.exports = { faultsIn };
