// node build.mjs TOOL FILE DIRECTORY: a program as the tool bundles it, program.cjs or
// program.mjs in the directory. Warnings go to stderr.

import fs from 'node:fs';
import path from 'node:path';

const [tool, file, directory] = process.argv.slice(2);
const ENTRY = path.resolve(file);
const [CJS, MJS] = ['cjs', 'mjs'].map((name) =>
  path.join(directory, `program.${name}`),
);
const REQUIRE =
  "import { createRequire } from 'node:module';" +
  'const require = createRequire(import.meta.url);';

function put(name, bytes) {
  const to = path.join(directory, name);
  fs.mkdirSync(path.dirname(to), { recursive: true });
  fs.writeFileSync(to, bytes);
}

async function esbuild(options) {
  const { build } = await import('esbuild');
  await build({
    entryPoints: [ENTRY],
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
        entry: ENTRY,
        output: { path: directory, ...output },
        ...options,
      },
      (error, result) => (error ? reject(error) : resolve(result)),
    );
  });
  const { errors, warnings } = stats.toJson({ errors: true, warnings: true });
  for (const { message } of [...errors, ...warnings]) console.error(message);
}

async function rollup(output) {
  const { rollup: bundle } = await import('rollup');
  const { default: commonjs } = await import('@rollup/plugin-commonjs');
  const { nodeResolve } = await import('@rollup/plugin-node-resolve');
  const result = await bundle({
    input: ENTRY,
    plugins: [nodeResolve(), commonjs()],
    onwarn: ({ message }) => console.error(message),
  });
  await result.write(output);
}

async function vite() {
  const { build } = await import('vite');
  await build({
    configFile: false,
    logLevel: 'warn',
    ssr: { noExternal: true },
    build: {
      ssr: ENTRY,
      outDir: directory,
      emptyOutDir: true,
      rollupOptions: { output: { entryFileNames: 'program.mjs' } },
    },
  });
}

async function ncc() {
  const { default: bundle } = await import('@vercel/ncc');
  const { code, assets } = await bundle(ENTRY, { cache: false, quiet: true });
  put('program.mjs', code);
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
  'esbuild-cjs': () => esbuild({ format: 'cjs', outfile: CJS }),
  'esbuild-esm': () =>
    esbuild({ format: 'esm', outfile: MJS, banner: { js: REQUIRE } }),
  'esbuild-esm-without-require': () => esbuild({ format: 'esm', outfile: MJS }),
  'webpack-cjs': () => webpack({ filename: 'program.cjs' }),
  'webpack-esm': () =>
    webpack(
      { filename: 'program.mjs', module: true, chunkFormat: 'module' },
      { experiments: { outputModule: true } },
    ),
  'rollup-cjs': () => rollup({ format: 'cjs', file: CJS }),
  'rollup-esm': () => rollup({ format: 'es', file: MJS }),
  vite,
  ncc,
  nft,
};

await TOOLS[tool]();
