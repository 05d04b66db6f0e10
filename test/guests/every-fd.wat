;; A command that tries to write to the fds 0 to 4,096 and to 20,000 random ones
;; above. Its exit code is the number of successful writes.
(module
  (import "wasi_snapshot_preview1" "fd_pwrite"
    (func $fd_pwrite (param i32 i32 i32 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write"
    (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  (import "wasi_snapshot_preview1" "random_get"
    (func $random_get (param i32 i32) (result i32)))
  (memory (export "memory") 1)
  ;; A list of one buffer.
  (data (i32.const 16) "\40\00\00\00\05\00\00\00")
  (data (i32.const 64) "guest")
  (func $try (param $fd i32) (result i32)
    (i32.add
      (i32.eqz (call $fd_write
        (local.get $fd) (i32.const 16) (i32.const 1) (i32.const 0)))
      (i32.eqz (call $fd_pwrite
        (local.get $fd) (i32.const 16) (i32.const 1) (i64.const 0)
        (i32.const 0)))))
  (func (export "_start")
    (local $fd i32) (local $left i32) (local $written i32)
    (loop $low
      (local.set $written
        (i32.add (local.get $written) (call $try (local.get $fd))))
      (local.set $fd (i32.add (local.get $fd) (i32.const 1)))
      (br_if $low (i32.le_u (local.get $fd) (i32.const 4096))))
    (local.set $left (i32.const 20000))
    (loop $random
      (drop (call $random_get (i32.const 8) (i32.const 4)))
      (local.set $written
        (i32.add (local.get $written)
          (call $try (i32.or (i32.load (i32.const 8)) (i32.const 0x2000)))))
      (local.set $left (i32.sub (local.get $left) (i32.const 1)))
      (br_if $random (local.get $left)))
    (call $proc_exit (local.get $written)))
)
