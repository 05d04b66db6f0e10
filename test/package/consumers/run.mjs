import { run } from 'wasi-writev';

const { stdout } = await run('toolbox.wasm', {
  args: ['say', 'by run'],
  encoding: 'utf8',
  preopens: { '/': '.' },
});
console.log(stdout);
