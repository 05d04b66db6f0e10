;; The plain case of buffered fd_write and fd_pwrite, without leaving
;; WebAssembly: copies the guest's bytes to the memory of the buffer.
;;
;; That memory begins with a header, which src/buffer.h shares:
;;
;;    0  i64  the fd whose fd_write is buffered, or -1, which is no u32
;;    8  i64  the fd whose fd_pwrite is buffered, or -1
;;   16  i64  the offset at which the next fd_pwrite continues
;;   24  i32  bytes buffered
;;   28  i32  bytes that may be buffered
;;   32  i32  calls buffered since the start, modulo 2^32
;;   64       the data
;;
;; In the plain case the fd is the one being buffered, all pointers are good, and
;; the data fits. All other calls, including every error, go to the host with
;; nothing changed. No access here can trap, since the bounds are checked before.
(module
  (import "host" "fd_write"
    (func $host_fd_write (param i32 i32 i32 i32) (result i32)))
  (import "host" "fd_pwrite"
    (func $host_fd_pwrite (param i32 i32 i32 i64 i32) (result i32)))
  (import "guest" "memory" (memory $guest 0))
  (import "host" "memory" (memory $buffer 1))

  ;; Appends the guest's buffers to the data and stores their size at $nwritten.
  ;; Returns the size, or -1 if nothing was buffered. Small enough for the engine
  ;; to inline it.
  ;;
  ;; Reads each element of the list once: another thread may rewrite a shared
  ;; memory after the check. The data after the buffered bytes is scratch until
  ;; the header counts it.
  (func $add (param $iovs i32) (param $iovs_len i32) (param $nwritten i32)
    (result i32)
    (local $size i64) (local $from i32) (local $len i32)
    (local $begin i32) (local $to i32) (local $end i32)
    (local.set $size (i64.shl
      (i64.extend_i32_u (memory.size $guest)) (i64.const 16)))
    (if (i64.gt_u
          (i64.add (i64.extend_i32_u (local.get $nwritten)) (i64.const 4))
          (local.get $size))
      (then (return (i32.const -1))))
    (if (i64.gt_u
          (i64.add
            (i64.extend_i32_u (local.get $iovs))
            (i64.shl (i64.extend_i32_u (local.get $iovs_len)) (i64.const 3)))
          (local.get $size))
      (then (return (i32.const -1))))
    (local.set $begin
      (i32.add (i32.load $buffer offset=24 (i32.const 0)) (i32.const 64)))
    (local.set $to (local.get $begin))
    (local.set $end
      (i32.add (i32.load $buffer offset=28 (i32.const 0)) (i32.const 64)))
    ;; The host sets the capacity to 0 to see each call. Without this check the
    ;; subtraction below would wrap.
    (if (i32.gt_u (local.get $begin) (local.get $end))
      (then (return (i32.const -1))))
    (block $done
      (loop $next
        (br_if $done (i32.eqz (local.get $iovs_len)))
        (local.set $len (i32.load $guest offset=4 (local.get $iovs)))
        (if (local.get $len)
          (then
            (local.set $from (i32.load $guest (local.get $iovs)))
            (if (i64.gt_u
                  (i64.add
                    (i64.extend_i32_u (local.get $from))
                    (i64.extend_i32_u (local.get $len)))
                  (local.get $size))
              (then (return (i32.const -1))))
            (if (i32.gt_u (local.get $len)
                  (i32.sub (local.get $end) (local.get $to)))
              (then (return (i32.const -1))))
            (block $copied
              (if (i32.gt_u (local.get $len) (i32.const 16))
                (then
                  (memory.copy $buffer $guest
                    (local.get $to) (local.get $from) (local.get $len))
                  (br $copied)))
              ;; Up to 16 bytes, two loads and stores, which may overlap, are
              ;; faster than memory.copy, which calls into the engine.
              (if (i32.ge_u (local.get $len) (i32.const 8))
                (then
                  (i64.store $buffer (local.get $to)
                    (i64.load $guest (local.get $from)))
                  (i64.store $buffer
                    (i32.sub (i32.add (local.get $to) (local.get $len))
                      (i32.const 8))
                    (i64.load $guest
                      (i32.sub (i32.add (local.get $from) (local.get $len))
                        (i32.const 8))))
                  (br $copied)))
              (if (i32.ge_u (local.get $len) (i32.const 4))
                (then
                  (i32.store $buffer (local.get $to)
                    (i32.load $guest (local.get $from)))
                  (i32.store $buffer
                    (i32.sub (i32.add (local.get $to) (local.get $len))
                      (i32.const 4))
                    (i32.load $guest
                      (i32.sub (i32.add (local.get $from) (local.get $len))
                        (i32.const 4))))
                  (br $copied)))
              ;; First, middle and last of 1 to 3 bytes.
              (i32.store8 $buffer (local.get $to)
                (i32.load8_u $guest (local.get $from)))
              (i32.store8 $buffer
                (i32.add (local.get $to)
                  (i32.shr_u (local.get $len) (i32.const 1)))
                (i32.load8_u $guest
                  (i32.add (local.get $from)
                    (i32.shr_u (local.get $len) (i32.const 1)))))
              (i32.store8 $buffer
                (i32.sub (i32.add (local.get $to) (local.get $len))
                  (i32.const 1))
                (i32.load8_u $guest
                  (i32.sub (i32.add (local.get $from) (local.get $len))
                    (i32.const 1)))))
            (local.set $to (i32.add (local.get $to) (local.get $len)))))
        (local.set $iovs (i32.add (local.get $iovs) (i32.const 8)))
        (local.set $iovs_len (i32.sub (local.get $iovs_len) (i32.const 1)))
        (br $next)))
    (local.set $len (i32.sub (local.get $to) (local.get $begin)))
    ;; A write of no bytes: the host checks that the fd is still open.
    (if (i32.eqz (local.get $len)) (then (return (i32.const -1))))
    (i32.store $buffer offset=24 (i32.const 0)
      (i32.sub (local.get $to) (i32.const 64)))
    (i32.store $guest (local.get $nwritten) (local.get $len))
    (local.get $len))

  (func (export "fd_write")
    (param $fd i32) (param $iovs i32) (param $iovs_len i32)
    (param $nwritten i32) (result i32)
    (if (i64.eq (i64.extend_i32_u (local.get $fd))
          (i64.load $buffer offset=0 (i32.const 0)))
      (then
        (if (i32.ne
              (call $add (local.get $iovs) (local.get $iovs_len)
                (local.get $nwritten))
              (i32.const -1))
          (then
            (i32.store $buffer offset=32 (i32.const 0)
              (i32.add (i32.load $buffer offset=32 (i32.const 0))
                (i32.const 1)))
            (return (i32.const 0))))))
    (call $host_fd_write (local.get $fd) (local.get $iovs)
      (local.get $iovs_len) (local.get $nwritten)))

  (func (export "fd_pwrite")
    (param $fd i32) (param $iovs i32) (param $iovs_len i32)
    (param $offset i64) (param $nwritten i32) (result i32)
    (local $len i32)
    ;; An offset of 2^63 or more is negative here: INVAL, from the host.
    (if (i32.and
          (i32.and
            (i64.eq (i64.extend_i32_u (local.get $fd))
              (i64.load $buffer offset=8 (i32.const 0)))
            (i64.ge_s (local.get $offset) (i64.const 0)))
          (i64.eq (local.get $offset)
            (i64.load $buffer offset=16 (i32.const 0))))
      (then
        (local.set $len
          (call $add (local.get $iovs) (local.get $iovs_len)
            (local.get $nwritten)))
        (if (i32.ne (local.get $len) (i32.const -1))
          (then
            (i64.store $buffer offset=16 (i32.const 0)
              (i64.add (local.get $offset)
                (i64.extend_i32_u (local.get $len))))
            (i32.store $buffer offset=32 (i32.const 0)
              (i32.add (i32.load $buffer offset=32 (i32.const 0))
                (i32.const 1)))
            (return (i32.const 0))))))
    (call $host_fd_pwrite (local.get $fd) (local.get $iovs)
      (local.get $iovs_len) (local.get $offset) (local.get $nwritten))))
