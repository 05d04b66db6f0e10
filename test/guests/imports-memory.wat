;; A command that imports its memory and its exit code. It writes the text that
;; the host has put at 64, whose length is at 60.
(module
  (import "wasi_snapshot_preview1" "fd_write"
    (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  (import "env" "memory" (memory 1))
  (import "host" "exit_code" (func $exit_code (result i32)))
  (func (export "_start")
    (i32.store (i32.const 16) (i32.const 64))
    (i32.store (i32.const 20) (i32.load (i32.const 60)))
    (drop (call $fd_write
      (i32.const 1) (i32.const 16) (i32.const 1) (i32.const 8)))
    (call $proc_exit (call $exit_code)))
)
