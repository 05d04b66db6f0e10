// Run under the preload: the binding of snappy, which has threads of its own. The
// argument: `sound`, or how bytes are given that make it panic, `here` or
// `in a thread`.

import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const snappy = require('snappy');

// Claims to have 2^32 - 1 bytes in it.
const PANIC = Buffer.from([0xff, 0xff, 0xff, 0xff, 0x0f, 0]);

const texts = Array.from({ length: 12 }, (_, i) =>
  Buffer.alloc(100_000 + i, `text ${i} `),
);

async function roundTrip(text) {
  const compressed = await snappy.compress(text);
  const back = await snappy.uncompress(compressed);
  return {
    smaller: compressed.length < text.length / 10,
    sameHere: snappy.compressSync(text).equals(compressed),
    back: back.equals(text),
  };
}

const told = {};
if (process.argv[2] === 'sound') {
  told.trips = await Promise.all(texts.map(roundTrip));
  try {
    snappy.uncompressSync(Buffer.from('not compressed'));
  } catch (error) {
    told.refused = error.message;
  }
} else if (process.argv[2] === 'here') {
  try {
    snappy.uncompressSync(PANIC);
  } catch (error) {
    told.thrown = error.name;
  }
} else {
  await snappy.uncompress(PANIC);
}
process.stdout.write(JSON.stringify(told));
