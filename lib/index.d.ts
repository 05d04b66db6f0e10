/// <reference types="node" />
import type { Readable, Writable } from 'node:stream';
import type { WASIOptions as NodeWASIOptions } from 'node:wasi';

// Nothing but what says so is exported.
export {};

/** `WebAssembly.Memory`, where its type is known: it comes with `DOM`. */
type Memory = typeof globalThis extends {
  WebAssembly: { Memory: { prototype: infer M } };
}
  ? M
  : object;

/** `WebAssembly.Imports`, likewise. */
type Imports = typeof globalThis extends {
  WebAssembly: { Instance: new (module: any, imports?: infer I) => any };
}
  ? NonNullable<I>
  : Record<string, Record<string, any>>;

/**
 * `WebAssembly.Module`, whose type has no members. One optional member makes
 * TypeScript refuse all that has others: promises, numbers, arrays, options.
 */
interface Module {
  then?: never;
}

/** A `Buffer` over an `ArrayBuffer`: before TypeScript 5.7, any `Buffer`. */
type Bytes = ReturnType<typeof Buffer.alloc>;

/** A `Uint8Array`, likewise. */
type Chunk = ReturnType<Uint8Array['slice']>;

/**
 * Which engine serves the guests: the C addon, or `node:wasi` and `node:fs` where
 * no addon loads.
 * The environment variable `WASI_WRITEV_ENGINE`, set to one of the two before
 * the first use of this package, forces one. The path of a `.node` file forces that
 * addon. Where it cannot load, that use throws `ERR_WASI_WRITEV_NO_NATIVE`.
 */
export const engine: 'native' | 'fallback';

/** Why `engine` is `'fallback'`, in words; undefined where it is `'native'`. */
export const fallbackReason: string | undefined;

export interface WriteOptions {
  /**
   * How long, in milliseconds, a write to a full pipe, socket or terminal may
   * wait in all before the guest gets `AGAIN`, or a short count if part of it went
   * out. `worker.terminate()`, `process.exit()` and a `vm` timeout end a wait at any
   * time; in the main thread that of a write to a pipe that blocks only with this.
   * 0 to 2^31 - 1, or `Infinity`.
   * @default Infinity
   */
  waitTimeout?: number | undefined;

  /**
   * Whether writes are buffered, and flushed together, in the order in which the
   * guest made them and before it could see that they were not written:
   * - `false`: no;
   * - `true`: all but those to stderr (fd 2);
   * - `'auto'`: those to regular files, and to pipes of `spawn` and `run`.
   *
   * Writes to a capture are buffered in any case. Of a guest with threads (a shared
   * memory) only a thread's own standard streams are. The fallback engine buffers
   * nothing.
   * @default false; `'auto'` for `spawn`, `run` and `runSync`
   */
  buffered?: boolean | 'auto' | undefined;

  /**
   * How many bytes are buffered at the most, 1 to 2^30: for all fds of a guest
   * together, unflushed ones among them.
   * @default 65536
   * @throws `ERR_MEMORY_ALLOCATION_FAILED` where there is no memory for it
   */
  bufferSize?: number | undefined;

  /**
   * How many bytes a capture keeps; after that the guest gets `NOSPC`.
   * @default 67108864
   */
  captureLimit?: number | undefined;
}

/**
 * Where output goes.
 * - A descriptor of this process, by number. It stays the caller's: a guest that
 *   closes its fd does not close it. It must stay open as long as the guest runs.
 * - `'capture'`: the bytes are kept.
 * - A function: called with a copy of the bytes of each write, or of each flush
 *   where writes are buffered. What it throws is thrown by `start()` or `flush()`,
 *   or is an uncaught exception where a microtask flushed; the guest gets `IO`,
 *   and the function is not called again.
 * - A `Writable`: written to in order. `process.stdout` and `process.stderr` are
 *   written through their descriptor while they have nothing queued.
 */
export type WriteTarget =
  number | 'capture' | ((chunk: Chunk) => void) | Writable;

/**
 * What the channels `wasi-writev:fd_write` and `wasi-writev:fd_pwrite` of
 * `node:diagnostics_channel` publish after each call.
 */
export interface WriteMessage {
  /** The guest's fd. */
  fd: number;
  /** Elements of the list. */
  iovsLen: number;
  /** Bytes written; 0 where the call failed. */
  nwritten: number;
  /** The errno of WASI that the guest got. */
  errno: number;
  /** Its name: `'SUCCESS'`, `'BADF'`, and so on. */
  errnoName: string;
  /** Of `fd_pwrite` alone. */
  offset?: bigint;
}

/** The options of Node's own `WASI`, and ours. */
export interface WASIOptions
  extends Omit<NodeWASIOptions, 'stdout' | 'stderr'>, WriteOptions {
  /**
   * Guest path to host path of each directory that the guest may see.
   * @default {}
   */
  preopens?: NodeWASIOptions['preopens'];

  /**
   * Where the guest's stdout goes.
   * @default 1
   */
  stdout?: WriteTarget | undefined;

  /**
   * Where the guest's stderr goes.
   * @default 2
   */
  stderr?: WriteTarget | undefined;

  /**
   * How many fds the guest may have open at once, its standard streams and
   * preopens among them; one more is `MFILE`. 0 to 2^20. Threads of one guest have
   * that of the first instance.
   * @default half of the soft limit of descriptors of the process; in the fallback
   * engine none
   */
  maxOpenFiles?: number | undefined;

  /**
   * Whether the guest waits while a `Writable` among its targets is full. Such a
   * guest is started by `startAsync` alone.
   * @default false
   * @throws `ERR_FEATURE_UNAVAILABLE_ON_PLATFORM` where there is no
   *   `WebAssembly.Suspending`, before Node 24
   */
  suspending?: boolean | undefined;
}

/** What was written so far. */
export interface WASIStats {
  /** `fd_write` and `fd_pwrite` calls that succeeded. */
  calls: number;
  /** Bytes that they wrote. */
  bytes: number;
  /** Those of `calls` that the engine wrote at once. */
  native: number;
  /** Those of `calls` that were buffered. */
  buffered: number;
  /** How many times bytes that were buffered were written out. */
  flushes: number;
  /** Whether there was more for the capture of stdout than `captureLimit`. */
  stdoutTruncated: boolean;
  /** The same of stderr. */
  stderrTruncated: boolean;
}

/**
 * What `flush()` and `start()` throw when bytes that were buffered cannot be
 * written. They are kept, but for a stream that has ended or was destroyed: a
 * later `flush()` tries again. Where a guest has ended and nobody reads its pipe or
 * socket any more, `start()` gives them up and throws nothing.
 */
export interface FlushError extends Error {
  /** `'ENOSPC'`, and so on. */
  code: string;
  /** The errno of WASI that `code` names. */
  errno: number;
  /** The guest's fd. */
  fd: number;
  /** Bytes still buffered for it. */
  pending: number;
  /** What the guest ended with, from `start()`. */
  exitCode?: number;
}

/**
 * The drop-in for `WASI` of `node:wasi`: the same options, members and errors, and
 * all calls of preview1 in C. A guest stays in its `preopens`. docs/api.md of the
 * repository has what differs from Node's.
 *
 * Instances over one shared memory with the same `preopens` are threads of one guest:
 * what one opens the others write, read and close, and the last to end closes it.
 * With the addon.
 *
 * It is no subclass: `instanceof` Node's class is false, but under the preload.
 *
 * @throws what Node's constructor throws, `UVWASI_ENOENT` and so on naming the
 *   path; `ERR_OUT_OF_RANGE`, `ERR_INVALID_ARG_TYPE` or `ERR_INVALID_ARG_VALUE` for
 *   an option of ours
 */
export class WASI {
  constructor(options: WASIOptions);

  /** The import object for `WebAssembly.instantiate` or `new WebAssembly.Instance`. */
  getImportObject(): Imports;

  /** The functions to import: a plain object that may be changed in place. */
  readonly wasiImport: Record<string, (...args: any[]) => any>;

  /** What was written so far. */
  readonly stats: WASIStats;

  /** A copy of what stdout captured so far; `null` if it is not captured. */
  readonly stdout: Bytes | null;

  /** A copy of what stderr captured so far; `null` if it is not captured. */
  readonly stderr: Bytes | null;

  /**
   * Runs the guest, and writes out what was buffered however it ends. It closes
   * nothing: the guest may go on.
   * @throws what Node's `start` throws; a `FlushError`; what a function target
   *   threw
   */
  start(instance: object): number;

  /**
   * `start` with a promise. The guest runs on the calling thread, but while
   * `suspending` has it wait.
   * @throws what `start` throws; `ERR_FEATURE_UNAVAILABLE_ON_PLATFORM` where there is
   *   no `WebAssembly.promising`, before Node 24
   */
  startAsync(instance: object): Promise<number>;

  /**
   * Calls `_initialize` of a reactor, if it has one.
   * @throws what Node's `initialize` throws
   */
  initialize(instance: object): void;

  /**
   * Binds an instance without starting it; on Node 20 too.
   * @param options.memory the guest's memory, if it does not export one
   * @throws `ERR_WASI_ALREADY_STARTED`
   */
  finalizeBindings(
    instance: object,
    options?: { memory?: Memory | undefined },
  ): void;

  /**
   * Writes out what is buffered. It also happens when the guest ends, in a
   * microtask after any other return to JS, and when the process exits.
   * @throws a `FlushError`; what a function target threw
   */
  flush(): void;

  /**
   * Writes out what is buffered, and gives up what cannot be written.
   * @returns how many bytes were given up
   */
  discard(): number;

  /**
   * Writes out what is buffered, and closes all that was opened for the guest: its
   * files and preopens. Each fd is `BADF` after it. A `WASI` that is collected, and
   * the end of its thread, close the same. Over a shared memory the files close with
   * the last instance, and the memory can go at once.
   * @throws a `FlushError`, and closes nothing then: see `discard()`
   */
  close(): void;
}

/**
 * `fd_write` of WASI preview1. Returns an errno of WASI. Where writes are buffered it
 * may be a WebAssembly function, which throws for arguments of other types.
 */
export type FdWrite = (
  fd: number,
  iovs: number,
  iovsLen: number,
  nwritten: number,
) => number;

/**
 * `fd_pwrite` of WASI preview1. Returns an errno of WASI. Where writes are buffered it
 * may be a WebAssembly function, which throws for arguments of other types.
 */
export type FdPwrite = (
  fd: number,
  iovs: number,
  iovsLen: number,
  offset: bigint,
  nwritten: number,
) => number;

export interface CreateWritesOptions extends WriteOptions {
  /**
   * Guest fd (0 to 2^20 - 1) to target.
   * @default {}
   */
  fds?: Record<number, WriteTarget> | Map<number, WriteTarget> | undefined;

  /** The guest's memory; `setMemory` gives it later. */
  memory?: Memory | undefined;

  /**
   * The import functions of another WASI. Its `fd_write` and `fd_pwrite` get the
   * calls on fds that are not mapped; without it those are `BADF` (8).
   */
  fallback?: object | undefined;
}

export interface Writes {
  readonly fd_write: FdWrite;
  readonly fd_pwrite: FdPwrite;

  /**
   * The functions of `fallback`, with our two in place of its own. Each of the
   * others flushes first: where writes are buffered, import these.
   */
  readonly wasiImport: Record<string, (...args: any[]) => any>;

  /** Gives the guest's memory. Before that, every pointer is `FAULT` (21). */
  setMemory(memory: Memory): void;

  /**
   * Maps a guest fd, in place of what it was mapped to, after a `flush()`.
   * @throws what `flush()` throws, and `ENOMEM`; then nothing has changed
   */
  map(fd: number, target: WriteTarget): void;

  /**
   * Takes a guest fd off, after a `flush()`.
   * @throws what `flush()` throws; then nothing has changed
   */
  unmap(fd: number): void;

  /** A copy of what an fd captured so far; `null` if it is no capture. */
  captured(fd: number): Bytes | null;

  /**
   * Writes out what is buffered. It also happens in a microtask after any return
   * to JS, and when the process exits.
   * @throws a `FlushError`; what a function target threw
   */
  flush(): void;

  /**
   * Writes out what is buffered, and gives up what cannot be written.
   * @returns how many bytes were given up
   */
  discard(): number;

  /**
   * Flushes, and takes every guest fd off. Host descriptors stay open.
   * @throws what `flush()` throws; then nothing has changed
   */
  close(): void;
}

/**
 * `fd_write` and `fd_pwrite` alone, for any import object.
 *
 * @throws `ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE` (an option that does
 *   not exist) or `ERR_OUT_OF_RANGE`, with what was given
 */
export function createWrites(options?: CreateWritesOptions): Writes;

/** What each way to run a command takes. */
interface CommandOptions
  extends WriteOptions, Pick<WASIOptions, 'maxOpenFiles'> {
  /**
   * The arguments, without the name of the program.
   * @default []
   */
  args?: readonly string[] | undefined;

  /**
   * The name of the program.
   * @default the file's base name, or `'wasm'`
   */
  argv0?: string | undefined;

  /**
   * The environment.
   * @default {}
   */
  env?: Record<string, string | undefined> | undefined;

  /**
   * Guest path to host path of each directory that the program may see.
   * @default {}
   */
  preopens?: Record<string, string> | undefined;

  /**
   * `'buffer'`, or the text encoding of the captured output.
   * @default 'buffer'
   */
  encoding?: 'buffer' | BufferEncoding | undefined;
}

export interface RunSyncOptions extends CommandOptions {
  /**
   * `'inherit'` is this process's own, `'ignore'` is empty. A number is a
   * descriptor; text and bytes are what the program reads.
   * @default 'inherit'
   */
  stdin?: 'inherit' | 'ignore' | number | string | Uint8Array | undefined;

  /**
   * Where the program's stdout goes. `'inherit'` is this process's own, `'ignore'`
   * is nowhere.
   * @default 'capture'
   */
  stdout?: 'inherit' | 'ignore' | WriteTarget | undefined;

  /**
   * Where the program's stderr goes, as for `stdout`.
   * @default 'capture'
   */
  stderr?: 'inherit' | 'ignore' | WriteTarget | undefined;

  /**
   * Further modules that the program imports.
   * @default {}
   */
  imports?: Imports | undefined;
}

/** A `ReadableStream`, of Node's types or those of `DOM`. */
interface WebReadable {
  getReader(): object;
}

/** A `WritableStream`, likewise. */
interface WebWritable {
  getWriter(): object;
}

/** What a tool can read besides a pipe of the caller's. */
type Input =
  | 'inherit'
  | 'ignore'
  | number
  | string
  | Uint8Array
  | WebReadable
  | Blob
  | Iterable<string | Uint8Array>
  | AsyncIterable<string | Uint8Array>;

/** Where a tool can write, besides a pipe of the caller's. */
type OutputTarget =
  | 'capture'
  | 'inherit'
  | 'ignore'
  | number
  | ((chunk: Chunk) => unknown)
  | Writable
  | WebWritable;

export interface RunOptions extends CommandOptions {
  /**
   * What the program reads. `'inherit'` is this process's own stdin, `'ignore'` is
   * empty, a number is a descriptor. All else is read as the program asks for it.
   * @default 'inherit'
   */
  stdin?: Input | undefined;

  /**
   * Where the program's stdout goes. `'inherit'` is this process's own, `'ignore'`
   * is nowhere, a number is a descriptor. A promise that a function returns is
   * waited for; a stream is not ended. The program waits for both.
   * @default 'capture'
   */
  stdout?: OutputTarget | undefined;

  /**
   * Where the program's stderr goes, as for `stdout`.
   * @default 'capture'
   */
  stderr?: OutputTarget | undefined;

  /**
   * Ends the program when it is aborted: the promise rejects with `ABORT_ERR`.
   * @default none
   */
  signal?: AbortSignal | undefined;

  /**
   * Milliseconds from the call on, after which the program is ended: the promise
   * rejects with `ETIMEDOUT`. 0 to 2^31 - 1; 0 is none.
   * @default none
   */
  timeout?: number | undefined;

  /**
   * How many bytes each capture keeps, in place of `captureLimit`. More end the
   * program: the promise rejects with `ERR_CHILD_PROCESS_STDIO_MAXBUFFER`.
   * @default none
   */
  maxBuffer?: number | undefined;

  /**
   * Milliseconds that a program which is to end has for its next call, before its
   * thread is terminated. 0 to 2^31 - 1.
   * @default 100
   */
  forceKillAfterDelay?: number | undefined;
}

export interface SpawnOptions extends Omit<
  RunOptions,
  'stdin' | 'stdout' | 'stderr'
> {
  /**
   * What the program reads. `'pipe'` is `tool.stdin`, `'inherit'` this process's own
   * stdin, `'ignore'` is empty, a number is a descriptor. All else is read as the
   * program asks for it.
   * @default 'pipe'
   */
  stdin?: 'pipe' | Input | undefined;

  /**
   * Where the program's stdout goes. `'pipe'` is `tool.stdout`, `'inherit'` this
   * process's own, `'ignore'` is nowhere, a number is a descriptor. A promise that a
   * function returns is waited for; a stream is not ended. The program waits for all
   * of them.
   * @default 'pipe'
   */
  stdout?: 'pipe' | OutputTarget | undefined;

  /**
   * Where the program's stderr goes, as for `stdout`.
   * @default 'pipe'
   */
  stderr?: 'pipe' | OutputTarget | undefined;
}

/** The type of an option, also where it was not given. */
type Option<O, Name extends string> = Name extends keyof O
  ? O[Name]
  : undefined;

type Decoded<Encoding> = Encoding extends BufferEncoding ? string : Bytes;

type Kept<Target, Output> = Target extends 'capture' | undefined
  ? Output
  : null;

export interface RunResult<Stdout, Stderr = Stdout> {
  /** What the program ended with. */
  exitCode: number;
  /** What it wrote to stdout; `null` if that was not captured. */
  stdout: Stdout;
  /** Whether there was more than `captureLimit`. */
  stdoutTruncated: boolean;
  /** What it wrote to stderr; `null` if that was not captured. */
  stderr: Stderr;
  /** Whether there was more than `captureLimit`. */
  stderrTruncated: boolean;
}

/** The result of a run with options of the type `O`. */
export type RunResultOf<O> = RunResult<
  Kept<Option<O, 'stdout'>, Decoded<Option<O, 'encoding'>>>,
  Kept<Option<O, 'stderr'>, Decoded<Option<O, 'encoding'>>>
>;

type KeptByTool<Target, Output> = Target extends 'capture' ? Output : null;

/** The result of a tool with options of the type `O`. */
export type SpawnResultOf<O> = RunResult<
  KeptByTool<Option<O, 'stdout'>, Decoded<Option<O, 'encoding'>>>,
  KeptByTool<Option<O, 'stderr'>, Decoded<Option<O, 'encoding'>>>
>;

type Piped<Target, Stream> = Target extends 'pipe' | undefined ? Stream : null;

/**
 * A program that runs in a thread of its own, and the promise of its result. The
 * promise settles when the program has ended, and functions and streams of the
 * caller's have all of its output; it does not wait for a reader of `stdout`.
 */
export interface Tool<O = {}> extends Promise<SpawnResultOf<O>> {
  /** What the program reads; `null` unless that is `'pipe'`. */
  readonly stdin: Piped<Option<O, 'stdin'>, Writable>;
  /** What it writes; `null` unless that is `'pipe'`. */
  readonly stdout: Piped<Option<O, 'stdout'>, Readable>;
  /** The same of stderr. */
  readonly stderr: Piped<Option<O, 'stderr'>, Readable>;

  /**
   * Ends the program: the promise rejects with `ERR_WASI_WRITEV_TERMINATED`.
   * @returns whether it was there to be ended
   */
  kill(): boolean;

  /** `kill()`; resolves when the program has ended. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** What the error of a program that was ended has, besides its `code`. */
export interface EndedError extends Error {
  code: string;
  /** By `signal`, whose reason is `cause`. */
  isCanceled: boolean;
  /** By `timeout`. */
  timedOut: boolean;
  /** By `kill()`. */
  isTerminated: boolean;
  /** By `maxBuffer`. */
  isMaxBuffer: boolean;
  exitCode: undefined;
  /** What was captured so far. */
  stdout: Bytes | string | null;
  stdoutTruncated: boolean;
  /** What was captured so far. */
  stderr: Bytes | string | null;
  stderrTruncated: boolean;
}

/** An editor takes the texts of options from here, and their types from `O`. */
type Shown<Options> = { [Name in keyof Options]?: unknown };

/** Options, of the type `O`, that have no names but those of `Options`. */
type Given<O, Options> = O &
  (Exclude<keyof O, keyof Options> extends never
    ? Shown<Options>
    : Shown<Options> & { [Name in Exclude<keyof O, keyof Options>]: never });

/** A WASI command: a path, a file URL, its bytes, or its module. */
export type RunSource =
  string | URL | ArrayBufferView | ArrayBufferLike | Module;

/** `spawn` without options: each stream is a pipe. */
export function spawn(source: RunSource): Tool<{}>;
/**
 * Runs a WASI command in a thread of its own, beside this program. With the addon.
 *
 * @throws `ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE` or `ERR_OUT_OF_RANGE` for
 *   an option, at once; `ERR_WASI_WRITEV_NO_NATIVE` without the addon. The promise
 *   rejects with all that `run` rejects with
 */
export function spawn<O extends SpawnOptions = SpawnOptions>(
  source: RunSource,
  options: Given<O, SpawnOptions> | undefined,
): Tool<O>;

/** `run` without options: the output is captured. */
export function run(source: RunSource): Promise<RunResult<Bytes>>;
/**
 * Runs a WASI command to its end in a thread of its own, and leaves no descriptor
 * open. In the fallback engine it runs on the calling thread.
 *
 * @throws `ERR_INVALID_ARG_TYPE`, `ERR_INVALID_ARG_VALUE` (an option that does
 *   not exist, a module that is no command) or `ERR_OUT_OF_RANGE`; what
 *   `WebAssembly.compile` and `WebAssembly.Instance` throw; the
 *   `WebAssembly.RuntimeError` of a trap, with `stdout` and `stderr` so far; an
 *   `EndedError`; what a function or stream of the caller's throws
 */
export function run<O extends RunOptions = RunOptions>(
  source: RunSource,
  options: Given<O, RunOptions> | undefined,
): Promise<RunResultOf<O>>;

/** `runSync` without options: the output is captured. */
export function runSync(source: RunSource): RunResult<Bytes>;
/** `run` on the calling thread, without a promise. It takes `imports`. */
export function runSync<O extends RunSyncOptions = RunSyncOptions>(
  source: RunSource,
  options: Given<O, RunSyncOptions> | undefined,
): RunResultOf<O>;

/**
 * How many idle threads are kept for the next tools, 0 to 1024. An idle one takes
 * 9 to 13 MiB, and keeps no process alive.
 *
 * @param size 1 until it is set
 */
export function setPoolSize(size: number): void;
