/**
 * The program of the threads that `spawn` and `run` start, as the second entry of a
 * bundle: docs/bundling.md. It exports nothing.
 *
 * @module
 */
export {};
