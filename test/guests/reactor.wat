;; A reactor with nothing to do.
(module
  (memory (export "memory") 1)
  (func (export "_initialize"))
)
