// Run under the preload: Ruby's parser. Prints, as JSON, what it makes of a
// program.

import { loadPrism } from '@ruby/prism';

const parse = await loadPrism();
const good = parse('def double(x) = x * 2');
const bad = parse('def double(');
const [definition] = good.value.statements.body;
process.stdout.write(
  JSON.stringify({
    node: definition.constructor.name,
    name: definition.name,
    errors: [good.errors.length > 0, bad.errors.length > 0],
  }),
);
