;; The guest of every measurement: the same call over and over.
(module
  (import "wasi_snapshot_preview1" "fd_write"
    (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_pwrite"
    (func $fd_pwrite (param i32 i32 i32 i64 i32) (result i32)))
  (memory (export "memory") 64)

  ;; $count writes of the list. The errnos, or-ed.
  (func (export "write")
    (param $fd i32) (param $iovs i32) (param $iovs_len i32)
    (param $nwritten i32) (param $count i32) (result i32)
    (local $errno i32)
    (loop $again
      (local.set $errno (i32.or (local.get $errno)
        (call $fd_write (local.get $fd) (local.get $iovs)
          (local.get $iovs_len) (local.get $nwritten))))
      (br_if $again
        (local.tee $count (i32.sub (local.get $count) (i32.const 1)))))
    (local.get $errno))

  ;; $count times each element of the list in a write of its own, one behind the
  ;; other, from 0 again at 1 MiB. The errnos, or-ed.
  (func (export "pwrite")
    (param $fd i32) (param $iovs i32) (param $iovs_len i32)
    (param $nwritten i32) (param $count i32) (result i32)
    (local $errno i32) (local $at i32) (local $left i32) (local $offset i64)
    (loop $again
      (if (i64.ge_u (local.get $offset) (i64.const 1048576))
        (then (local.set $offset (i64.const 0))))
      (local.set $at (local.get $iovs))
      (local.set $left (local.get $iovs_len))
      (loop $next
        (local.set $errno (i32.or (local.get $errno)
          (call $fd_pwrite (local.get $fd) (local.get $at) (i32.const 1)
            (local.get $offset) (local.get $nwritten))))
        (local.set $offset (i64.add (local.get $offset)
          (i64.load32_u offset=4 (local.get $at))))
        (local.set $at (i32.add (local.get $at) (i32.const 8)))
        (br_if $next
          (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))
      (br_if $again
        (local.tee $count (i32.sub (local.get $count) (i32.const 1)))))
    (local.get $errno)))
