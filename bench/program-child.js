'use strict';

// One run of a real program by one rival. Answers with the exit code, the
// milliseconds in the guest, and the process's milliseconds in the kernel.

const fs = require('node:fs');

const task = JSON.parse(process.argv[2]);
const rival = require('./rivals').find(({ id }) => id === task.rival);

async function main() {
  const module = await WebAssembly.compile(fs.readFileSync(task.wasm));
  const { args, directory } = task;
  const guest = await rival.link({
    module,
    args,
    preopens: { '/': directory },
  });
  const start = performance.now();
  const code = guest.start();
  const time = performance.now() - start;
  // Deno does not have these.
  const { systemCPUTime = NaN } = process.resourceUsage?.() ?? {};
  return code === 0
    ? { guest: time, system: systemCPUTime / 1000 }
    : { failed: `exits with ${code}` };
}

main()
  .catch((error) => ({ failed: `throws ${error?.code ?? error}` }))
  .then((answer) => {
    fs.writeSync(2, `\x1e${JSON.stringify(answer)}\n`);
    process.exit();
  });
