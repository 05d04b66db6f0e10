;; A command that grows its memory page by page, and does not end.
(module
  (memory (export "memory") 1)
  (func (export "_start")
    (loop (drop (memory.grow (i32.const 1))) (br 0))))
