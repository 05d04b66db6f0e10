'use strict';

// The tools of `--spawn`, as WebAssembly; spawn-tool.c has the same loops. One of
//
//   hello   prints a line
//   writes  `count` blocks of `size` bytes to standard output, each with its number
//   cat     copies standard input to standard output

const HELLO = 'hello\n';

const BLOCK = 65536; // bytes that cat reads at once
const START = 65536; // of the block, in the guest's memory

const MAIN = {
  hello: () => `
    i32.const ${HELLO.length}
    call $write`,

  writes: ({ size, count }) => `
    (local $i i32)
    loop $more
      i32.const ${START}
      local.get $i
      i32.store
      i32.const ${size}
      call $write
      local.get $i
      i32.const 1
      i32.add
      local.tee $i
      i32.const ${count}
      i32.lt_u
      br_if $more
    end`,

  cat: () => `
    loop $more
      i32.const 4
      i32.const ${BLOCK}
      i32.store
      (call $fd_read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8))
      if unreachable end
      i32.const 8
      i32.load
      if
        i32.const 8
        i32.load
        call $write
        br $more
      end
    end`,
};

/**
 * @param {'hello' | 'writes' | 'cat'} what
 * @param {object} [sizes]
 * @param {number} [sizes.size] bytes of a block, at least 4
 * @param {number} [sizes.count] of blocks
 */
const source = (what, sizes) => `(module
  (import "wasi_snapshot_preview1" "fd_write"
    (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read"
    (func $fd_read (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 2)
  (data (i32.const 0) "\\00\\00\\01\\00")
  (data (i32.const ${START}) ${JSON.stringify(HELLO)})

  (func $write (param $length i32)
    i32.const 4
    local.get $length
    i32.store
    (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8))
    if unreachable end
    i32.const 8
    i32.load
    local.get $length
    i32.ne
    if unreachable end)

  (func (export "_start")${MAIN[what](sizes)}))
`;

/** What `writes` prints, block by block. */
function* blocks({ size, count }) {
  for (let i = 0; i < count; i++) {
    const block = Buffer.alloc(size);
    block.write(HELLO);
    block.writeUInt32LE(i);
    yield block;
  }
}

module.exports = { BLOCK, HELLO, blocks, source };
