'use strict';

/** The own symbol of an object that has this description, as hosts find it. */
function symbolOf(object, description) {
  return Object.getOwnPropertySymbols(object).find(
    (symbol) => symbol.description === description,
  );
}

module.exports = { symbolOf };
