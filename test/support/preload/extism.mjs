// Run under the preload: a plugin of Extism. The arguments: its file, and the
// directory that it is given.

import { createPlugin } from '@extism/extism';

const [file, directory] = process.argv.slice(2);
const plugin = await createPlugin(
  { wasm: [{ path: file }] },
  { useWasi: true, enableWasiOutput: true, allowedPaths: { '/': directory } },
);
await plugin.call('greet');
await plugin.call('save');
await plugin.close();
