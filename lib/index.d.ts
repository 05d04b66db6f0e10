import { WASI as NodeWASI, WASIOptions as NodeWASIOptions } from 'node:wasi';

/**
 * Which engine does the writes: the C addon, or `node:fs` where no addon loads.
 * The environment variable `WASI_WRITEV_ENGINE`, set to one of the two before
 * this package is loaded, forces one; forcing `native` where it cannot load
 * throws `ERR_WASI_WRITEV_NO_NATIVE`.
 */
export const engine: 'native' | 'fallback';

export interface WriteOptions {
  /**
   * How long, in milliseconds, a write to a full pipe, socket or terminal may
   * wait before the guest gets `AGAIN`, or a short count if part of it went out.
   * 0 to 2^31 - 1, or `Infinity`.
   * @default Infinity
   */
  waitTimeout?: number | undefined;
}

/** The options of Node's own `WASI`, and ours. */
export interface WASIOptions extends NodeWASIOptions, WriteOptions {}

/** What was written so far. */
export interface WASIStats {
  /** `fd_write` and `fd_pwrite` calls that our engine did and that succeeded. */
  calls: number;
  /** Bytes that they wrote. */
  bytes: number;
  /** Files opened by the guest whose host descriptor was found and copied. */
  adopted: number;
  /** Writes that went to Node's own `fd_write` and `fd_pwrite`. */
  delegated: number;
}

/**
 * `WASI` of `node:wasi` with `fd_write` and `fd_pwrite` of our own, for the
 * standard streams and for the files that the guest opens. All else is Node's:
 * options, members, errors, and the sandbox of `preopens`.
 *
 * What differs from Node's:
 * - every import is safe to call at any rate and at any memory size;
 * - a bad pointer in a list of buffers is `FAULT` (21), as write(2) has it;
 * - `fd_fdstat_get` gives the flags that the guest set, in WASI's numbers;
 * - `NONBLOCK` on stdout and stderr is kept for the guest alone.
 *
 * @throws what Node's constructor throws; `ERR_OUT_OF_RANGE` or
 *   `ERR_INVALID_ARG_TYPE` for `waitTimeout`
 */
export class WASI extends NodeWASI {
  constructor(options: WASIOptions);

  /** The functions to import: a plain object that may be changed in place. */
  readonly wasiImport: Record<string, (...args: any[]) => any>;

  /** What was written so far. */
  readonly stats: WASIStats;

  /**
   * Binds an instance without starting it; on Node 20 too.
   * @param options.memory the guest's memory, if it does not export one
   * @throws `ERR_WASI_ALREADY_STARTED`
   */
  finalizeBindings(
    instance: object,
    options?: { memory?: WebAssembly.Memory | undefined },
  ): void;

  /**
   * Closes the descriptors copied for files that the guest opened. `start()`
   * does so when the guest ends. The guest can go on: later writes to those files
   * go through Node.
   */
  close(): void;
}

/** `fd_write` of WASI preview1. Returns an errno of WASI; never throws. */
export type FdWrite = (
  fd: number,
  iovs: number,
  iovsLen: number,
  nwritten: number,
) => number;

/** `fd_pwrite` of WASI preview1. Returns an errno of WASI; never throws. */
export type FdPwrite = (
  fd: number,
  iovs: number,
  iovsLen: number,
  offset: bigint,
  nwritten: number,
) => number;

/** A descriptor of this process. It is used by number and stays its owner's. */
export type WriteTarget = number;

export interface CreateWritesOptions extends WriteOptions {
  /**
   * Guest fd (0 to 2^20 - 1) to target.
   * @default {}
   */
  fds?: Record<number, WriteTarget> | Map<number, WriteTarget> | undefined;

  /** The guest's memory; `setMemory` gives it later. */
  memory?: WebAssembly.Memory | undefined;

  /**
   * The import functions of another WASI. Its `fd_write` and `fd_pwrite` get the
   * calls on fds that are not mapped; without it those are `BADF` (8).
   */
  fallback?: object | undefined;
}

export interface Writes {
  readonly fd_write: FdWrite;
  readonly fd_pwrite: FdPwrite;

  /** The functions of `fallback`, with our two in place of its own. */
  readonly wasiImport: Record<string, (...args: any[]) => any>;

  /** Gives the guest's memory. Before that, every pointer is `FAULT` (21). */
  setMemory(memory: WebAssembly.Memory): void;

  /** Maps a guest fd, in place of what it was mapped to. */
  map(fd: number, target: WriteTarget): void;

  /** Takes a guest fd off. */
  unmap(fd: number): void;

  /** Writes out what is held back. Nothing is, since writes are not buffered. */
  flush(): void;

  /** Takes every guest fd off. Host descriptors stay open. */
  close(): void;
}

/**
 * `fd_write` and `fd_pwrite` alone, for any import object.
 *
 * @throws `ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE` (an option that does
 *   not exist) or `ERR_OUT_OF_RANGE`, with what was given
 */
export function createWrites(options?: CreateWritesOptions): Writes;
