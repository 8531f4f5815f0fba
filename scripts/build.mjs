#!/usr/bin/env node
// Bundles the command line (CommonJS, which starts faster; in pieces, so that nothing is loaded in vain) and the library (ES
// modules), and writes the declarations.
//
//   node scripts/build.mjs [--no-types]
//
// dist/ is replaced when everything has been built; a build that fails leaves it as it was.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliDecompressSync, inflateRawSync } from 'node:zlib';
import { build } from 'esbuild';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
process.chdir(root);
const { version } = JSON.parse(readFileSync('package.json', 'utf8'));

/** Where it is put together; beside dist/, so that a rename will do. */
const made = `dist.${process.pid}`;

/** yargs measures help texts with a table of emoji that takes 40 ms to set up; ours are plain ASCII. */
const plainWidths = {
  name: 'plain-widths',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^string-width$/ }, () => ({ path: 'string-width', namespace: 'plain-widths' }));
    onLoad({ filter: /.*/, namespace: 'plain-widths' }, () => ({
      contents: 'module.exports = (text) => String(text).replace(/\\u001b\\[[0-9;]*m/g, "").length;',
    }));
  },
};

/** Tells builds of one version apart, so that a cached result is never one of other code. */
function buildId() {
  const hash = createHash('sha256');
  for (const top of ['package.json', 'package-lock.json', 'src', 'templates', 'data/ORIGIN.json']) {
    const names = statSync(top).isDirectory() ? readdirSync(top, { recursive: true }).sort() : [''];
    for (const name of names) {
      const file = path.join(top, name);
      if (statSync(file).isFile()) hash.update(`${file}\n`).update(readFileSync(file));
    }
  }
  return hash.digest('hex').slice(0, 32);
}

/**
 * Packages that only some commands need, each a file of its own beside the command line's. ES modules are re-exported by name;
 * of a CommonJS package the default is the whole.
 */
const PACKAGES = {
  execa: "export * from 'execa'",
  chokidar: "export * from 'chokidar'",
  tar: "export * from 'tar'",
  yaml: "export * from 'yaml'",
  yargs: "module.exports = require('yargs')",
};

/** Node's own modules are loaded when something of them is used, not when a file that might use them is read: crypto alone takes 4 ms. */
const lazyBuiltins = {
  name: 'lazy-builtins',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^node:/ }, ({ path: name, importer }) =>
      importer.includes('/src/') ? { path: name, namespace: 'lazy-builtins' } : undefined,
    );
    // esbuild hands on the prototype; what a module has is not known before it is loaded
    onLoad({ filter: /.*/, namespace: 'lazy-builtins' }, ({ path: name }) => ({
      contents: `module.exports = Object.create(new Proxy({}, { get: (_, key) => require('${name}')[key] }));`,
    }));
  },
};

/**
 * What starts first is small; then comes what builds need, or everything. The last has the code of builds too: a file that is loaded for
 * nothing would cost more than one that is on disk twice.
 */
const pieces = {
  name: 'pieces',
  setup({ onResolve }) {
    onResolve({ filter: new RegExp(`^(${Object.keys(PACKAGES).join('|')})$`) }, ({ path: name, importer }) =>
      importer.includes('/src/') ? { path: `./${name}.cjs`, external: true } : undefined,
    );
  },
};

function commandLine() {
  const options = {
    ...shared,
    format: 'cjs',
    outExtension: { '.js': '.cjs' },
    minifySyntax: true,
    minifyWhitespace: true,
    supported: { 'dynamic-import': false },
  };
  const own = {
    ...options,
    plugins: [pieces, lazyBuiltins],
    define: { ...shared.define, 'import.meta.url': '__eccMeta.url' },
    // asked for by few: making a URL takes as long as reading a file
    banner: { js: "const __eccMeta = { get url() { return require('node:url').pathToFileURL(__filename).href; } };" },
  };
  return [
    // read at every start: the fewer characters, the better
    build({ ...own, minifyIdentifiers: true, entryPoints: { cli: 'src/cli/entry.ts' }, outdir: made }),
    build({
      ...own,
      minifyIdentifiers: true,
      entryPoints: { start: 'src/cli/start.ts', 'quick-build': 'src/cli/quick-build.ts' },
      outdir: `${made}/cli`,
    }),
    build({
      ...own,
      entryPoints: { build: 'src/cli/build-main.ts', header: 'src/cli/header-main.ts', main: 'src/cli/main.ts' },
      outdir: `${made}/cli`,
    }),
    ...Object.entries(PACKAGES).map(([name, contents]) =>
      build({
        ...options,
        minifyIdentifiers: true,
        stdin: { contents, resolveDir: root },
        plugins: [plainWidths],
        outfile: `${made}/cli/${name}.cjs`,
      }),
    ),
  ];
}

const shared = {
  bundle: true,
  platform: 'node',
  target: 'node20',
  external: ['koffi'],
  define: { __ECC_VERSION__: JSON.stringify(version), __ECC_BUILD_ID__: JSON.stringify(buildId()) },
  logLevel: 'warning',
  legalComments: 'none',
};

/** The help as yargs prints it where there is no terminal, so that nobody has to wait for yargs to say the same again. */
function helpText() {
  const { stdout, status } = spawnSync(process.execPath, [`${made}/cli.cjs`, '--help'], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (status !== 0) throw new Error('the help cannot be made');
  writeFileSync(`${made}/cli/help.txt`, stdout);
}

/**
 * What V8 makes of the code of each piece, by running it. Without a clang there is none for builds: the first ones with a cache directory make
 * it then.
 */
function bytecode() {
  const scratch = `${made}/scratch`;
  const cache = `${scratch}/cache`;
  mkdirSync(cache, { recursive: true });
  mkdirSync(`${made}/cli/bytecode`);
  const env = {
    ...process.env,
    ECC_CACHE_DIR: cache,
    ECC_BYTECODE: path.resolve(`${made}/cli/bytecode/${buildId()}-${process.version}-${process.arch}-`),
  };
  // doc comments, events, a header of its own: nearly everything that builds can meet
  const program = ['fixtures/profile/profile.bpf.c', '-o', scratch];
  const btf = `${scratch}/vmlinux.btf`;
  writeFileSync(btf, kernelBtf());
  // the second time nothing has changed, the third time that is known: each run makes the pieces that it loads anew
  for (const args of [['vmlinux', '--btf', btf], ['vmlinux', '--for', program[0]], program, program, program])
    spawnSync(process.execPath, ['-r', './scripts/keep-bytecode.cjs', `${made}/cli.cjs`, ...args], {
      stdio: 'ignore',
      env,
    });
  rmSync(scratch, { recursive: true, force: true });
}

/** The types of the first kernel that ships as the file that a kernel has: with all that kernels have in them, all code for them runs. */
function kernelBtf() {
  const [{ types, strings }] = JSON.parse(readFileSync('data/ORIGIN.json', 'utf8'));
  const unpack = ({ file }) =>
    (file.endsWith('.br') ? brotliDecompressSync : inflateRawSync)(readFileSync(`data/${file}`));
  const [typeSection, ...stringSections] = [types, ...strings].map(unpack);
  const stringSection = Buffer.concat(stringSections);
  const header = Buffer.alloc(24);
  header.writeUInt32LE(0x0001eb9f, 0);
  [24, 0, typeSection.length, typeSection.length, stringSection.length].forEach((word, index) => {
    header.writeUInt32LE(word, 4 + index * 4);
  });
  return Buffer.concat([header, typeSection, stringSection]);
}

function declarations() {
  const { status } = spawnSync(
    process.execPath,
    ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.types.json', '--outDir', `${made}/types`],
    { stdio: 'inherit' },
  );
  if (status !== 0) throw new Error('the declarations cannot be made');
}

function replaceDist() {
  const old = `${made}.old`;
  if (existsSync('dist')) renameSync('dist', old);
  renameSync(made, 'dist');
  rmSync(old, { recursive: true, force: true });
}

try {
  // all are waited for, so that none writes after the failure of another was cleaned up
  const bundles = await Promise.allSettled([
    ...commandLine(),
    build({
      ...shared,
      entryPoints: { index: 'src/index.ts', btf: 'src/btf/index.ts', runner: 'src/runner/index.ts' },
      outdir: made,
      format: 'esm',
      splitting: true,
      chunkNames: 'chunks/[name]-[hash]',
      // bundled CommonJS packages ask for Node's own modules
      banner: {
        js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
      },
    }),
    // runs in browsers too: nothing of Node's in it
    build({
      ...shared,
      entryPoints: { decode: 'src/decode/index.ts' },
      outdir: made,
      format: 'esm',
      platform: 'neutral',
      target: 'es2022',
    }),
  ]);
  for (const { status, reason } of bundles) if (status === 'rejected') throw reason;
  helpText();
  bytecode();
  if (!process.argv.includes('--no-types')) declarations();
  replaceDist();
} catch (error) {
  // esbuild and tsc have said what is wrong
  console.error(`dist/ is left as it was: ${error.message.split('\n')[0]}`);
  process.exitCode = 1;
} finally {
  rmSync(made, { recursive: true, force: true });
}
