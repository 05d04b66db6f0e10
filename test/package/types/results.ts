// The exact type of each result. It is compiled, not run.

import { Readable, Writable } from 'node:stream';
import {
  WASI,
  createWrites,
  engine,
  run,
  runSync,
  setPoolSize,
  spawn,
  type EndedError,
  type FdPwrite,
  type FdWrite,
  type RunOptions,
  type RunResult,
  type RunResultOf,
  type RunSource,
  type RunSyncOptions,
  type SpawnOptions,
  type SpawnResultOf,
  type Tool,
  type WASIStats,
} from 'wasi-writev';
import 'wasi-writev/register';

type Same<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2
    ? true
    : false;

/** Takes only values of exactly the type `Expected`. */
declare function exactly<Expected>(): <Actual>(
  value: Actual,
  ...wrong: Same<Actual, Expected> extends true ? [] : [never]
) => void;

type Bytes = ReturnType<typeof Buffer.alloc>;
type Chunk = ReturnType<Uint8Array['slice']>;
declare const verbose: boolean;
declare const stream: Writable;
declare const options: RunSyncOptions;
declare const perhaps: RunSyncOptions | undefined;
declare const anything: any;

const bytes = exactly<RunResult<Bytes>>();
bytes(runSync('x'));
bytes(runSync('x', {}));
bytes(runSync(new URL('file:///x'), { args: ['--help'], env: process.env }));
bytes(runSync(new Uint8Array(), { stdout: 'capture' }));
bytes(runSync(new ArrayBuffer(8), { stdout: undefined, encoding: undefined }));
bytes(runSync(new SharedArrayBuffer(8), { encoding: 'buffer' }));
exactly<Promise<RunResult<Bytes>>>()(run('x'));
exactly<Promise<RunResult<string>>>()(run('x', { encoding: 'utf8' }));

exactly<RunResult<null, Bytes>>()(runSync('x', { stdout: 'inherit' }));
exactly<RunResult<null, Bytes>>()(runSync('x', { stdout: 1 }));
exactly<RunResult<null, Bytes>>()(runSync('x', { stdout: stream }));
exactly<RunResult<string, null>>()(
  runSync('x', { stderr: 'ignore', encoding: 'latin1' }),
);
exactly<RunResult<string | null, string>>()(
  runSync('x', { stdout: verbose ? 'inherit' : undefined, encoding: 'hex' }),
);
exactly<RunResult<Bytes | null, Bytes>>()(
  runSync('x', { stdout: verbose ? 'capture' : 2 }),
);
exactly<RunResult<string | Bytes>>()(
  runSync('x', { encoding: verbose ? 'utf8' : 'buffer' }),
);
exactly<string | Bytes | null>()(runSync('x', options).stdout);
exactly<string | Bytes | null>()(runSync('x', perhaps).stderr);
exactly<string | Bytes | null>()(runSync('x', anything).stderr);
exactly<number>()(runSync(anything).exitCode);
exactly<RunResultOf<{ encoding: 'utf8' }>>()(
  runSync('x', { encoding: 'utf8' }),
);

exactly<Promise<RunResult<null, Bytes>>>()(
  run('x', { stdin: stream.constructor.name, stdout: new WritableStream() }),
);
exactly<Promise<RunResult<Bytes>>>()(run('x', { stdin: ['a', 'b'] }));
run('x', { stdin: Readable.from(['a']), stdout: async () => {} });
run('x', { stdin: new Blob(['a']), signal: new AbortController().signal });
run('x', { stdin: new ReadableStream<Uint8Array>() });

// Tools.
const tool = spawn('x');
exactly<Tool<{}>>()(tool);
exactly<Writable>()(tool.stdin);
exactly<Readable>()(tool.stdout);
exactly<Readable>()(tool.stderr);
exactly<boolean>()(tool.kill());
const captured = spawn('x', {
  stdin: 'ignore',
  stdout: 'pipe',
  stderr: 'capture',
  encoding: 'utf8',
});
exactly<null>()(captured.stdin);
exactly<Readable>()(captured.stdout);
exactly<null>()(captured.stderr);
captured.then((result) => exactly<RunResult<null, string>>()(result));
exactly<RunResult<null, string>>()(
  {} as SpawnResultOf<{ stderr: 'capture'; encoding: 'utf8' }>,
);
declare const spawnOptions: SpawnOptions;
exactly<Readable | null>()(spawn('x', spawnOptions).stdout);
export const given: Promise<unknown> = spawn('x', {
  stdout: (chunk) => exactly<Chunk>()(chunk),
}).catch((error: EndedError) => error.isCanceled);
setPoolSize(0);

// Functions get the type of their parameter from the option.
run('x', { stdout: (chunk) => exactly<Chunk>()(chunk) });
exactly<RunResult<null, string>>()(
  runSync('x', {
    encoding: 'utf8',
    stdout: (chunk) => exactly<number>()(chunk.length),
  }),
);
run('x', { stdout: (chunk: Uint8Array) => chunk.length, stderr() {} });
createWrites({ fds: { 1: (chunk) => exactly<Chunk>()(chunk) } });
createWrites({ fds: new Map([[1, stream]]) });

const wasi = new WASI({
  version: 'preview1',
  stdout: (chunk) => exactly<Chunk>()(chunk),
});
exactly<Bytes | null>()(wasi.stdout);
exactly<WASIStats>()(wasi.stats);
exactly<number>()(wasi.start({}));
exactly<Promise<number>>()(wasi.startAsync({}));
exactly<boolean>()(wasi.stats.stdoutTruncated);
exactly<number>()(wasi.discard());

const writes = createWrites();
exactly<FdWrite>()(writes.fd_write);
exactly<FdPwrite>()(writes.fd_pwrite);
exactly<Bytes | null>()(writes.captured(1));
exactly<'native' | 'fallback'>()(engine);

// Code that users write around these functions.
export const later = run('x', { encoding: 'utf8' });
export const importObject = wasi.getImportObject();
export async function textOf(source: RunSource, given: RunOptions = {}) {
  const { stdout } = await run(source, { ...given, encoding: 'utf8' });
  return stdout;
}
const buffer: Buffer = runSync('x').stdout;
const array: Uint8Array = buffer;
run(array).then(({ exitCode }) => process.exit(exitCode));
