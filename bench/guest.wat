;; The guest of every measurement, which repeats one call.
;;
;; The host puts lists of buffers, the path and data in its memory. If a call
;; returns how many bytes it wrote, they are added to $written.
(module
  (import "wasi_snapshot_preview1" "fd_write"
    (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_pwrite"
    (func $fd_pwrite (param i32 i32 i32 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_open"
    (func $path_open
      (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_close"
    (func $fd_close (param i32) (result i32)))
  (memory (export "memory") 320)
  (global $written (export "written") (mut i64) (i64.const 0))

  ;; A reactor: some hosts require this export.
  (func (export "_initialize"))

  (func $add (param $errno i32) (param $nwritten i32)
    (if (i32.eqz (local.get $errno))
      (then (global.set $written (i64.add (global.get $written)
        (i64.load32_u (local.get $nwritten)))))))

  (func $last (param $errno i32) (param $before i32) (result i32)
    (select (local.get $errno) (local.get $before) (local.get $errno)))

  ;; Writes the list $count times. Returns the last errno other than 0.
  (func $write (export "write")
    (param $fd i32) (param $iovs i32) (param $iovs_len i32)
    (param $nwritten i32) (param $count i32) (result i32)
    (local $errno i32) (local $errnos i32)
    (loop $again
      (local.set $errno
        (call $fd_write (local.get $fd) (local.get $iovs)
          (local.get $iovs_len) (local.get $nwritten)))
      (call $add (local.get $errno) (local.get $nwritten))
      (local.set $errnos (call $last (local.get $errno) (local.get $errnos)))
      (br_if $again
        (local.tee $count (i32.sub (local.get $count) (i32.const 1)))))
    (local.get $errnos))

  ;; Writes the list $count times, after growing the memory by 128 KiB each
  ;; time. Returns the last errno other than 0.
  (func (export "writeGrowing")
    (param $fd i32) (param $iovs i32) (param $iovs_len i32)
    (param $nwritten i32) (param $count i32) (result i32)
    (local $errnos i32)
    (loop $again
      (drop (memory.grow (i32.const 2)))
      (local.set $errnos (call $last
        (call $write (local.get $fd) (local.get $iovs) (local.get $iovs_len)
          (local.get $nwritten) (i32.const 1))
        (local.get $errnos)))
      (br_if $again
        (local.tee $count (i32.sub (local.get $count) (i32.const 1)))))
    (local.get $errnos))

  ;; $count times, writes each element of the list with its own fd_pwrite, one
  ;; after the other, from 0 again at 1 MiB. Returns the last errno other than
  ;; 0.
  (func (export "pwrite")
    (param $fd i32) (param $iovs i32) (param $iovs_len i32)
    (param $nwritten i32) (param $count i32) (result i32)
    (local $errno i32) (local $errnos i32) (local $at i32) (local $left i32)
    (local $offset i64)
    (loop $again
      (if (i64.ge_u (local.get $offset) (i64.const 1048576))
        (then (local.set $offset (i64.const 0))))
      (local.set $at (local.get $iovs))
      (local.set $left (local.get $iovs_len))
      (loop $next
        (local.set $errno
          (call $fd_pwrite (local.get $fd) (local.get $at) (i32.const 1)
            (local.get $offset) (local.get $nwritten)))
        (call $add (local.get $errno) (local.get $nwritten))
        (local.set $errnos (call $last (local.get $errno) (local.get $errnos)))
        (local.set $offset (i64.add (local.get $offset)
          (i64.load32_u offset=4 (local.get $at))))
        (local.set $at (i32.add (local.get $at) (i32.const 8)))
        (br_if $next
          (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))
      (br_if $again
        (local.tee $count (i32.sub (local.get $count) (i32.const 1)))))
    (local.get $errnos))

  ;; Does the same at one of 1,024 pages of 4 KiB, chosen by a linear
  ;; congruential generator that floor.c and workloads.js have too.
  (func (export "pwriteRandom")
    (param $fd i32) (param $iovs i32) (param $iovs_len i32)
    (param $nwritten i32) (param $count i32) (result i32)
    (local $errno i32) (local $errnos i32) (local $at i32) (local $left i32)
    (local $random i32)
    (loop $again
      (local.set $at (local.get $iovs))
      (local.set $left (local.get $iovs_len))
      (loop $next
        (local.set $random (i32.add
          (i32.mul (local.get $random) (i32.const 1664525))
          (i32.const 1013904223)))
        (local.set $errno
          (call $fd_pwrite (local.get $fd) (local.get $at) (i32.const 1)
            (i64.extend_i32_u (i32.shl
              (i32.and (i32.shr_u (local.get $random) (i32.const 16))
                (i32.const 1023))
              (i32.const 12)))
            (local.get $nwritten)))
        (call $add (local.get $errno) (local.get $nwritten))
        (local.set $errnos (call $last (local.get $errno) (local.get $errnos)))
        (local.set $at (i32.add (local.get $at) (i32.const 8)))
        (br_if $next
          (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))
      (br_if $again
        (local.tee $count (i32.sub (local.get $count) (i32.const 1)))))
    (local.get $errnos))

  ;; Opens a file in the directory for writing, with the rights that wasi-libc
  ;; requests. Stores its fd at $result.
  (func $open (export "open")
    (param $directory i32) (param $path i32) (param $path_len i32)
    (param $oflags i32) (param $result i32) (result i32)
    (call $path_open (local.get $directory) (i32.const 0) (local.get $path)
      (local.get $path_len) (local.get $oflags)
      (i64.const 0x8e001fd) (i64.const 0) (i32.const 0) (local.get $result)))

  (func (export "close") (param $fd i32) (result i32)
    (call $fd_close (local.get $fd)))

  ;; $count times, opens, writes and closes 200 files, f000 to f199. $path holds
  ;; the four bytes of the name. Returns the last errno other than 0.
  (func (export "files")
    (param $directory i32) (param $iovs i32) (param $iovs_len i32)
    (param $nwritten i32) (param $path i32) (param $count i32) (result i32)
    (local $errno i32) (local $errnos i32) (local $i i32) (local $fd i32)
    (loop $again
      (local.set $i (i32.const 0))
      (loop $next
        (i32.store8 (local.get $path) (i32.const 102))
        (i32.store8 offset=1 (local.get $path) (i32.add (i32.const 48)
          (i32.div_u (local.get $i) (i32.const 100))))
        (i32.store8 offset=2 (local.get $path) (i32.add (i32.const 48)
          (i32.rem_u (i32.div_u (local.get $i) (i32.const 10)) (i32.const 10))))
        (i32.store8 offset=3 (local.get $path) (i32.add (i32.const 48)
          (i32.rem_u (local.get $i) (i32.const 10))))
        (local.set $errno
          (call $open (local.get $directory) (local.get $path) (i32.const 4)
            (i32.const 9) (local.get $nwritten)))
        (local.set $errnos (call $last (local.get $errno) (local.get $errnos)))
        (if (i32.eqz (local.get $errno)) (then
          (local.set $fd (i32.load (local.get $nwritten)))
          (local.set $errno
            (call $fd_write (local.get $fd) (local.get $iovs)
              (local.get $iovs_len) (local.get $nwritten)))
          (call $add (local.get $errno) (local.get $nwritten))
          (local.set $errnos (call $last (local.get $errno) (local.get $errnos)))
          (local.set $errnos
            (call $last (call $fd_close (local.get $fd)) (local.get $errnos)))))
        (br_if $next (i32.lt_u
          (local.tee $i (i32.add (local.get $i) (i32.const 1)))
          (i32.const 200))))
      (br_if $again
        (local.tee $count (i32.sub (local.get $count) (i32.const 1)))))
    (local.get $errnos)))
