'use strict';

// The targets of the prebuilt addons. Each has the `name` of its file; `isReleased`,
// whether prebuilds/ and the package have it, or whether it is built only for the tests;
// what it `needs`, files; `build(output)`; and `faultsOf(file)`, what is wrong with an
// addon that was built.

const darwin = require('./darwin');
const linux = require('./linux');

const targets = [...darwin.targets, ...linux.targets];

module.exports = {
  targets,
  released: targets.filter(({ isReleased }) => isReleased),
};
