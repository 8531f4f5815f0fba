/** Generated modules in tests: checked by tsc as a strict user would, and loaded. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { run } from '../support/command.ts';

const ROOT = path.join(import.meta.dirname, '..', '..');
const TSC = path.join(path.dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin', 'tsc');

/** What a project with every strict option on has; no DOM, no Node. */
const STRICT = {
  target: 'ES2020',
  lib: ['ES2020'],
  types: [],
  module: 'ESNext',
  moduleResolution: 'bundler',
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  noPropertyAccessFromIndexSignature: true,
  noImplicitOverride: true,
  noImplicitReturns: true,
  noFallthroughCasesInSwitch: true,
  noUnusedLocals: true,
  noUnusedParameters: true,
  isolatedModules: true,
  verbatimModuleSyntax: true,
  erasableSyntaxOnly: true,
  skipLibCheck: false,
  noEmit: true,
};

/** The errors that tsc has about files, by name → text; empty when there are none. */
export async function typeErrors(directory: string, files: Readonly<Record<string, string>>): Promise<string> {
  const types = path.join(directory, 'decode-types');
  const source = path.join(ROOT, 'src', 'decode', 'index.ts');
  const declarations = await run(process.execPath, [
    ...[TSC, '--ignoreConfig', '--declaration', '--emitDeclarationOnly', '--stripInternal', '--outDir', types],
    ...[
      '--target',
      'ES2022',
      '--lib',
      'ES2022,DOM',
      '--types',
      '',
      '--module',
      'NodeNext',
      '--moduleResolution',
      'NodeNext',
    ],
    ...['--allowImportingTsExtensions', '--rewriteRelativeImportExtensions', '--strict', source],
  ]);
  if (declarations.status !== 0) return declarations.stdout + declarations.stderr;
  mkdirSync(directory, { recursive: true });
  for (const [name, text] of Object.entries(files)) writeFileSync(path.join(directory, name), text);
  const paths = { 'ebpf-ecc/decode': [path.join(types, 'index.d.ts')] };
  const config = path.join(directory, 'tsconfig.json');
  writeFileSync(config, JSON.stringify({ compilerOptions: { ...STRICT, paths }, files: Object.keys(files) }));
  const { stdout, stderr } = await run(process.execPath, [TSC, '-p', config]);
  return stdout + stderr;
}

/** Bundles a module for the browser, where nothing of Node may be needed, and loads the bundle. */
export async function loadModule(directory: string, name: string, text: string): Promise<Record<string, unknown>> {
  const entry = path.join(directory, `${name}.ts`);
  const bundle = path.join(directory, `${name}.mjs`);
  writeFileSync(entry, text);
  await build({
    entryPoints: [entry],
    outfile: bundle,
    bundle: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    alias: { 'ebpf-ecc/decode': path.join(ROOT, 'src', 'decode', 'index.ts') },
    logLevel: 'silent',
  });
  return (await import(pathToFileURL(bundle).href)) as Record<string, unknown>;
}
