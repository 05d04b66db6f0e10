;; A reactor that does nothing.
(module
  (memory (export "memory") 1)
  (func (export "_initialize"))
)
