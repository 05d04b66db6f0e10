/**
 * The program of the threads that `spawn` and `run` start, as the second entry of a
 * bundle: docs/bundling.md of the repository. It exports nothing.
 *
 * @module
 */
export {};
