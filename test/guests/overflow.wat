;; A command that calls itself until the stack overflows.
(module
  (memory (export "memory") 1)
  (func $call (export "_start") (call $call))
)
