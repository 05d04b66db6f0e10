// A guest removes each entry of a directory while it reads the next.

import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { report, startGuest, u32, withDirectory } from './guest.mjs';

const FILES = 200;
const BUFFER = 1024;
const SIZE = 256;
const USED = 64;
const HEADER = 24; // of an entry: cookie, inode, length of the name, type

// The complete entries in the buffer: [cookie, pointer to the name, its length].
function entriesOf(memory, used) {
  const data = new DataView(memory.buffer);
  const entries = [];
  for (let at = BUFFER; at + HEADER <= BUFFER + used;) {
    const length = data.getUint32(at + 16, true);
    if (at + HEADER + length > BUFFER + used) break;
    entries.push([data.getBigUint64(at, true), at + HEADER, length]);
    at += HEADER + length;
  }
  return entries;
}

withDirectory((directory) => {
  for (let i = 0; i < FILES; i++) writeFileSync(join(directory, `${i}`), '');
  const guest = startGuest(1, directory);
  const { memory } = guest;
  let cookie = 0n;
  for (;;) {
    guest.fd_readdir(3, BUFFER, SIZE, cookie, USED);
    const entries = entriesOf(memory, u32(memory, USED));
    if (entries.length === 0) break;
    for (const [next, name, length] of entries) {
      guest.path_unlink_file(3, name, length); // fails for . and ..
      cookie = next;
    }
  }
  const left = readdirSync(directory).length;
  report(left === 0, `${left} of ${FILES} files were never seen`);
});
