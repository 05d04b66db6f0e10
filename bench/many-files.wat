;; A command that creates 5,000 files of 100 bytes in its directory, reads,
;; renames and removes each; all exist at the same time. It prints "done", or
;; exits with the errno of a failed call.
(module
  (import "wasi_snapshot_preview1" "fd_write"
    (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read"
    (func $fd_read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_close"
    (func $fd_close (param i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_open"
    (func $path_open
      (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_rename"
    (func $path_rename (param i32 i32 i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_unlink_file"
    (func $path_unlink_file (param i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  (memory (export "memory") 1)

  ;; Two names of five bytes; a list with one buffer of 100 bytes, and one for
  ;; "done".
  (data (i32.const 0) "a0000")
  (data (i32.const 16) "b0000")
  (data (i32.const 32) "\00\04\00\00\64\00\00\00")
  (data (i32.const 40) "\30\00\00\00\04\00\00\00")
  (data (i32.const 48) "done")

  (global $result i32 (i32.const 64))
  (global $directory i32 (i32.const 3))

  (func $check (param $errno i32)
    (if (local.get $errno) (then (call $proc_exit (local.get $errno)))))

  ;; Writes the four digits of both names.
  (func $name (param $i i32) (local $at i32)
    (local.set $at (i32.const 4))
    (loop $digit
      (i32.store8 (local.get $at)
        (i32.add (i32.const 48) (i32.rem_u (local.get $i) (i32.const 10))))
      (i32.store8 offset=16 (local.get $at)
        (i32.add (i32.const 48) (i32.rem_u (local.get $i) (i32.const 10))))
      (local.set $i (i32.div_u (local.get $i) (i32.const 10)))
      (br_if $digit
        (local.tee $at (i32.sub (local.get $at) (i32.const 1))))))

  ;; Asks for the rights to read, write, seek and tell.
  (func $open (param $oflags i32) (result i32)
    (call $check (call $path_open (global.get $directory) (i32.const 0)
      (i32.const 0) (i32.const 5) (local.get $oflags)
      (i64.const 0x66) (i64.const 0) (i32.const 0) (global.get $result)))
    (i32.load (global.get $result)))

  (func $create (param $i i32) (local $fd i32)
    (call $name (local.get $i))
    (local.set $fd (call $open (i32.const 9)))
    (call $check (call $fd_write (local.get $fd) (i32.const 32) (i32.const 1)
      (global.get $result)))
    (call $check (call $fd_close (local.get $fd))))

  (func $read (param $i i32) (local $fd i32)
    (call $name (local.get $i))
    (local.set $fd (call $open (i32.const 0)))
    (call $check (call $fd_read (local.get $fd) (i32.const 32) (i32.const 1)
      (global.get $result)))
    (call $check (i32.ne (i32.load (global.get $result)) (i32.const 100)))
    (call $check (call $fd_close (local.get $fd))))

  (func $rename (param $i i32)
    (call $name (local.get $i))
    (call $check (call $path_rename (global.get $directory) (i32.const 0)
      (i32.const 5) (global.get $directory) (i32.const 16) (i32.const 5))))

  (func $remove (param $i i32)
    (call $name (local.get $i))
    (call $check (call $path_unlink_file (global.get $directory)
      (i32.const 16) (i32.const 5))))

  (table funcref (elem $create $read $rename $remove))
  (type $step (func (param i32)))

  (func (export "_start") (local $step i32) (local $i i32)
    (loop $steps
      (local.set $i (i32.const 0))
      (loop $files
        (call_indirect (type $step) (local.get $i) (local.get $step))
        (br_if $files (i32.lt_u
          (local.tee $i (i32.add (local.get $i) (i32.const 1)))
          (i32.const 5000))))
      (br_if $steps (i32.lt_u
        (local.tee $step (i32.add (local.get $step) (i32.const 1)))
        (i32.const 4))))
    (call $check (call $fd_write (i32.const 1) (i32.const 40) (i32.const 1)
      (global.get $result)))))
