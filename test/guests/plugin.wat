;; A plugin of Extism: it has no start, and the host calls its functions one by
;; one.
(module
  (import "wasi_snapshot_preview1" "fd_write"
    (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_open"
    (func $path_open
      (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 16) "\40\00\00\00\0e\00\00\00")
  (data (i32.const 32) "saved.txt")
  (data (i32.const 64) "from a plugin\n")
  (func $write (param $fd i32) (result i32)
    (call $fd_write
      (local.get $fd) (i32.const 16) (i32.const 1) (i32.const 8)))
  ;; Writes to stdout.
  (func (export "greet") (result i32) (call $write (i32.const 1)))
  ;; Writes to a file in the directory.
  (func (export "save") (result i32)
    (local $errno i32)
    (local.set $errno (call $path_open
      (i32.const 3) (i32.const 0) (i32.const 32) (i32.const 9) (i32.const 1)
      (i64.const 0x40) (i64.const 0) (i32.const 0) (i32.const 12)))
    (if (local.get $errno) (then (return (local.get $errno))))
    (call $write (i32.load (i32.const 12))))
)
