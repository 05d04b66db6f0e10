;; A guest imports these functions before its memory is known. Once it is, the
;; table gets the functions of a combiner: combiner.wat.
(module
  (type $fd_write (func (param i32 i32 i32 i32) (result i32)))
  (type $fd_pwrite (func (param i32 i32 i32 i64 i32) (result i32)))
  (import "host" "table" (table 2 2 funcref))

  (func (export "fd_write") (type $fd_write)
    (call_indirect (type $fd_write)
      (local.get 0) (local.get 1) (local.get 2) (local.get 3) (i32.const 0)))

  (func (export "fd_pwrite") (type $fd_pwrite)
    (call_indirect (type $fd_pwrite)
      (local.get 0) (local.get 1) (local.get 2) (local.get 3) (local.get 4)
      (i32.const 1))))
