// Uses the types. It is compiled, not run.

import { subscribe } from 'node:diagnostics_channel';
import { readFileSync } from 'node:fs';
import {
  WASI as NodeWASI,
  type WASIOptions as NodeWASIOptions,
} from 'node:wasi';
import {
  WASI,
  createWrites,
  engine,
  fallbackReason,
  run,
  runSync,
  type CreateWritesOptions,
  type FdWrite,
  type FlushError,
  type RunSyncOptions,
  type WASIOptions,
  type WriteMessage,
  type Writes,
} from 'wasi-writev';

const options: WASIOptions = {
  version: 'preview1',
  args: ['tool'],
  preopens: { '/work': '.' },
  waitTimeout: 1000,
};
const wasi = new WASI(options);
const asNode: NodeWASI = wasi;
// Code written for Node's class and options.
const AsNodeClass: new (options: NodeWASIOptions) => NodeWASI = WASI;
const nodeOptions: NodeWASIOptions = { version: 'preview1', stdout: 1 };
const fromNodeOptions: WASIOptions = nodeOptions;
new WASI(nodeOptions);
new AsNodeClass(nodeOptions);
// @ts-expect-error Node's types make them optional; without the version it throws
new WASI();
// @ts-expect-error Node's has neither statistics nor captures
const notOurs: WASI = new NodeWASI(nodeOptions);
// @ts-expect-error Node's knows descriptors only
const notNodeOptions: NodeWASIOptions = fromNodeOptions;
const module = new WebAssembly.Module(readFileSync('tool.wasm'));
const imports = wasi.getImportObject();
const instance = new WebAssembly.Instance(module, imports);
const exitCode: number = wasi.start(instance);
wasi.finalizeBindings(instance, {
  memory: new WebAssembly.Memory({ initial: 1 }),
});
wasi.wasiImport.proc_exit = () => {};
const bytes: number = wasi.stats.bytes;
wasi.close();

const writesOptions: CreateWritesOptions = {
  fds: new Map([[1, 1]]),
  fallback: asNode.wasiImport,
};
const writes: Writes = createWrites(writesOptions);
const write: FdWrite = writes.fd_write;
const errno: number = write(1, 0, 1, 16) + writes.fd_pwrite(1, 0, 1, 8n, 16);
writes.setMemory(new WebAssembly.Memory({ initial: 1 }));
writes.map(3, 1);
writes.unmap(3);
writes.flush();
const givenUp: number = writes.discard() + wasi.discard();
writes.close();
createWrites({ fds: { 1: 1, 2: 2 } });
createWrites();

const buffered = new WASI({
  version: 'preview1',
  stdout: 'capture',
  stderr: process.stderr,
  buffered: 'auto',
  bufferSize: 4096,
  captureLimit: 2 ** 20,
});
const output: Buffer | null = buffered.stdout;
const captured: Buffer | null = writes.captured(1);
createWrites({ fds: { 1: (chunk: Uint8Array) => chunk.length } });
try {
  buffered.flush();
} catch (error) {
  const { code, pending }: FlushError = error as FlushError;
  console.error(code, pending);
}

const text: Promise<string> = run('tool.wasm', {
  encoding: 'utf8',
  stdin: 'input',
  stdout: 'capture',
}).then(({ stdout, stderr }) => stdout.trim() + stderr.trim());
const { stdout: bytesOut } = runSync(new Uint8Array());
bytesOut.readUInt8(0);
const inherited: null = runSync('tool.wasm', { stdout: 'inherit' }).stdout;
const runOptions: RunSyncOptions = { args: ['x'] };
const unknown: string | Buffer | null = runSync('tool.wasm', runOptions).stdout;
const either = runSync('tool.wasm', {
  encoding: 'latin1',
  stdout: Math.random() < 0.5 ? 'capture' : 1,
});
const maybe: string | null = either.stdout;
// @ts-expect-error it may not be captured
either.stdout.trim();
// @ts-expect-error it is not captured
const notCaptured: string = runSync('t.wasm', {
  stdout: process.stderr,
}).stdout;
// @ts-expect-error a misspelt option
runSync('tool.wasm', { args: ['x'], preopen: { '/': '.' } });
// @ts-expect-error an encoding that does not exist
runSync('tool.wasm', { encoding: 'utf9' });

subscribe('wasi-writev:fd_write', (message) => {
  const { fd, errnoName, offset }: WriteMessage = message as WriteMessage;
  console.error(fd, errnoName, offset ?? 0n);
});

const which: 'native' | 'fallback' = engine;
const why: string | undefined = fallbackReason;

// @ts-expect-error the timeout is a number
createWrites({ waitTimeout: '1s' });
// @ts-expect-error a mode that does not exist
createWrites({ buffered: 'always' });
// @ts-expect-error a misspelt option
createWrites({ waitTimout: 1000 });
// @ts-expect-error the offset is a bigint
writes.fd_pwrite(1, 0, 1, 8, 16);

export { inherited, maybe, notCaptured, notNodeOptions, notOurs, unknown };
export {
  givenUp,
  text,
  bytesOut,
  bytes,
  captured,
  output,
  errno,
  exitCode,
  which,
};
