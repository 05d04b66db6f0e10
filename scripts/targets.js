'use strict';

// The targets of the prebuilt addons. Each has the `name` of its file; `isReleased`,
// whether prebuilds/ and the package have it, or whether it is built only for the tests;
// what it `needs`, files; `build(settings, output)`, with the settings of
// src/binding.gyp; and `faultsOf(file)`, what is wrong with an addon that was built.

const linux = require('./linux');

const targets = [...linux.targets];

module.exports = {
  targets,
  released: targets.filter(({ isReleased }) => isReleased),
};
