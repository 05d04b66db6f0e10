;; A command for wasi_unstable, before preview1.
(module
  (import "wasi_unstable" "fd_write"
    (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 16) "\20\00\00\00\04\00\00\00")
  (data (i32.const 32) "old\n")
  (func (export "_start")
    (drop (call $fd_write
      (i32.const 1) (i32.const 16) (i32.const 1) (i32.const 8))))
)
