'use strict';

// Makes src/abi.h and src/calls.h from the table of calls and the numbers of
// lib/native/abi.js: `npm run build:calls`. The results are committed.

const fs = require('node:fs');
const path = require('node:path');
const {
  CONTROL,
  NUMBERS,
  OPS,
  OWN_CALLS,
  abiHash,
} = require('../lib/native/abi');
const { CALLS, flushOf } = require('../lib/preview1');

const SRC = path.join(__dirname, '..', 'src');

const C_TYPES = { i: 'uint32_t', I: 'uint64_t' };

/**
 * `wv_fd_seek(guest, A(0), W(0), A(1), A(2))`, with the macros A and W of
 * src/dispatch.c.
 */
function invocation(name, types) {
  const next = { i: 0, I: 0 };
  const macro = { i: 'A', I: 'W' };
  const values = [...types].map((type) => `${macro[type]}(${next[type]++})`);
  return `wv_${name}(${['guest', ...values].join(', ')})`;
}

/** The case labels of the calls that flush in the same way. */
function labels(macro, names, how) {
  return [
    `#define ${macro} \\`,
    ...names
      .filter((name) => flushOf(name) === how)
      .map((name) => `  case WV_OP_${name.toUpperCase()}: \\`),
    '  /* end */',
  ];
}

const macrosOf = ([prefix, numbers]) =>
  Object.entries(numbers).map(
    ([name, number]) => `#define WV_${prefix}_${name} ${number}u`,
  );

/** lib/native/abi.js describes each number. */
function abi() {
  return [
    '/* The numbers of lib/native/abi.js. Made by scripts/build-calls.js. */',
    '#ifndef WV_ABI_H',
    '#define WV_ABI_H',
    '',
    '/* clang-format off */',
    `#define WV_ABI_HASH "${abiHash()}"`,
    '',
    ...Object.entries(NUMBERS).flatMap(macrosOf),
    '/* clang-format on */',
    '',
    '#endif',
    '',
  ].join('\n');
}

function calls() {
  const all = Object.entries(CALLS);
  const done = all.filter(([name]) => name !== 'proc_exit');
  return [
    '/* The calls of preview1. Made by scripts/build-calls.js. */',
    '#ifndef WV_CALLS_H',
    '#define WV_CALLS_H',
    '',
    '#include "abi.h"',
    '#include "guest.h"',
    '',
    '/* clang-format off */',
    'enum wv_op {',
    ...all.map(([name]) => `  WV_OP_${name.toUpperCase()} = ${OPS[name]},`),
    ...[...OWN_CALLS, ...CONTROL].map(
      (name) => `  WV_OP_${name.toUpperCase()} = ${OPS[name]},`,
    ),
    '};',
    '',
    ...done.map(
      ([name, types]) =>
        `wv_errno wv_${name}(${['wv_guest *', ...[...types].map((type) => C_TYPES[type])].join(', ')});`,
    ),
    '',
    '/* The dispatch: A(n) and W(n) are the n-th argument of 32 and of 64 bits. */',
    '#define WV_DISPATCH_CALLS \\',
    ...done.map(
      ([name, types]) =>
        `  case WV_OP_${name.toUpperCase()}: return ${invocation(name, types)}; \\`,
    ),
    '  /* end */',
    '',
    '/* The calls that have what is buffered written first, and those where the',
    ' * errno of that takes their place: for one fd, and for two. */',
    ...labels('WV_CALLS_THAT_FLUSH', Object.keys(CALLS), 'all'),
    ...labels('WV_CALLS_THAT_FLUSH_ONE', Object.keys(CALLS), 'fd'),
    ...labels('WV_CALLS_THAT_FLUSH_TWO', Object.keys(CALLS), 'both'),
    '/* clang-format on */',
    '',
    '#endif',
    '',
  ].join('\n');
}

/** The generated files of src/, with their contents. */
const headers = () => ({ 'abi.h': abi(), 'calls.h': calls() });

if (require.main === module) {
  for (const [name, text] of Object.entries(headers())) {
    fs.writeFileSync(path.join(SRC, name), text);
  }
}

module.exports = { headers };
