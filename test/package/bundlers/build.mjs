// node build.mjs TOOL FILE DIRECTORY: a program and the thread of its tools as the tool
// bundles them: program and thread in the directory, both .cjs or .mjs. Warnings go to
// stderr.

import fs from 'node:fs';
import path from 'node:path';

const [tool, file, directory] = process.argv.slice(2);
const ENTRY = path.resolve(file);
const ENTRIES = { program: ENTRY, thread: 'wasi-writev/thread' };
const REQUIRE =
  "import { createRequire } from 'node:module';" +
  'const require = createRequire(import.meta.url);';

function put(name, bytes) {
  const to = path.join(directory, name);
  fs.mkdirSync(path.dirname(to), { recursive: true });
  fs.writeFileSync(to, bytes);
}

async function esbuild(format, options) {
  const { build } = await import('esbuild');
  await build({
    entryPoints: ENTRIES,
    outdir: directory,
    outExtension: { '.js': format === 'cjs' ? '.cjs' : '.mjs' },
    format,
    bundle: true,
    minify: true,
    platform: 'node',
    logLevel: 'warning',
    ...options,
  });
}

async function webpack(output, options) {
  const { default: compile } = await import('webpack');
  const stats = await new Promise((resolve, reject) => {
    compile(
      {
        mode: 'production',
        target: 'node',
        entry: ENTRIES,
        output: { path: directory, ...output },
        ...options,
      },
      (error, result) => (error ? reject(error) : resolve(result)),
    );
  });
  const { errors, warnings } = stats.toJson({ errors: true, warnings: true });
  for (const { message } of [...errors, ...warnings]) console.error(message);
}

async function rollup(format, extension) {
  const { rollup: bundle } = await import('rollup');
  const { default: commonjs } = await import('@rollup/plugin-commonjs');
  const { nodeResolve } = await import('@rollup/plugin-node-resolve');
  const result = await bundle({
    input: ENTRIES,
    plugins: [nodeResolve(), commonjs()],
    onwarn: ({ message }) => console.error(message),
  });
  await result.write({
    dir: directory,
    format,
    entryFileNames: `[name].${extension}`,
    chunkFileNames: `[name].${extension}`,
  });
}

async function vite() {
  const { build } = await import('vite');
  await build({
    configFile: false,
    logLevel: 'warn',
    ssr: { noExternal: true },
    build: {
      ssr: true,
      outDir: directory,
      emptyOutDir: true,
      rollupOptions: {
        input: ENTRIES,
        output: {
          entryFileNames: '[name].mjs',
          chunkFileNames: '[name].mjs',
        },
      },
    },
  });
}

/** It copies the thread by itself. */
async function ncc() {
  const { default: bundle } = await import('@vercel/ncc');
  const { code, assets } = await bundle(ENTRY, { cache: false, quiet: true });
  put('program.mjs', code);
  // As its command does where the program is a .js.
  put('package.json', '{ "type": "module" }');
  for (const [name, { source }] of Object.entries(assets)) put(name, source);
}

/** No bundle: a copy of the files that the program needs. */
async function nft() {
  const { nodeFileTrace } = await import('@vercel/nft');
  const { fileList, warnings } = await nodeFileTrace([ENTRY]);
  for (const name of fileList) put(name, fs.readFileSync(name));
  for (const { message } of warnings) console.error(message);
}

const TOOLS = {
  'esbuild-cjs': () => esbuild('cjs'),
  'esbuild-esm': () => esbuild('esm', { banner: { js: REQUIRE } }),
  'esbuild-esm-without-require': () => esbuild('esm'),
  'webpack-cjs': () => webpack({ filename: '[name].cjs' }),
  'webpack-esm': () =>
    webpack(
      { filename: '[name].mjs', module: true, chunkFormat: 'module' },
      { experiments: { outputModule: true } },
    ),
  'rollup-cjs': () => rollup('cjs', 'cjs'),
  'rollup-esm': () => rollup('es', 'mjs'),
  vite,
  ncc,
  nft,
};

await TOOLS[tool]();
