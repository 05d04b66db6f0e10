;; Writes "text\n" to stdout 100,000 times, ignores all exceptions, and ends
;; with one of its own.
(module
  (import "wasi_snapshot_preview1" "fd_write"
    (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (tag $own)
  (data (i32.const 0) "\08\00\00\00\05\00\00\00text\0a")
  (func (export "_start")
    (local $left i32)
    (local.set $left (i32.const 100000))
    (loop $again
      (try
        (do
          (drop (call $fd_write
            (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 16))))
        (catch_all))
      (local.set $left (i32.sub (local.get $left) (i32.const 1)))
      (br_if $again (local.get $left)))
    (throw $own)))
