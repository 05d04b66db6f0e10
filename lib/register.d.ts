/**
 * Puts the `WASI` of this package in the place of Node's, for the whole process:
 * `node --import wasi-writev/register`. It exports nothing.
 *
 * @module
 */
export {};
