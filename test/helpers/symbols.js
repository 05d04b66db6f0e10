'use strict';

/** Finds an object's own symbol by its description, as hosts do. */
function symbolOf(object, description) {
  return Object.getOwnPropertySymbols(object).find(
    (symbol) => symbol.description === description,
  );
}

module.exports = { symbolOf };
