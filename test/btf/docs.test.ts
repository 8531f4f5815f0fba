/** The examples of docs/btf.md: type-checked, run, and what they print compared with the comments beside them. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { build } from 'esbuild';
import { expect, test, vi } from 'vitest';
import * as library from '../../src/btf/index.ts';
import { run, runOk } from '../support/command.ts';
import { requireTool } from '../support/require.ts';
import { testDirectory } from '../support/temporary.ts';

const ROOT = path.join(import.meta.dirname, '..', '..');
const LIBRARY = path.join(ROOT, 'src', 'btf', 'index.ts');
const PAGE = readFileSync(path.join(ROOT, 'docs', 'btf.md'), 'utf8');
const HOST = '/sys/kernel/btf/vmlinux';
// clang and tsc, on a machine that may be busy with other tests.
vi.setConfig({ testTimeout: 240_000 });

/** Prints as Node's console does, but an object on one line, and each call under a mark of its own. */
const CONSOLE = `import { inspect } from 'node:util';
const shown = (value) => typeof value === 'string' ? value : inspect(value, { breakLength: Infinity, depth: 9 });
const print = (text) => process.stdout.write(text + '\\0');
console.log = (...values) => print(values.map(shown).join(' '));
`;

function blocks(language: string): string[] {
  return [...PAGE.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\`$`, 'gms'))].map((match) => match[1] as string);
}

/** What an example promises: behind each call, or below it in a comment of its own; several lines of a loop after commas. */
function promisedBy(example: string): string[] {
  return [...example.matchAll(/console\.log\(.*\);(?: \/\/ (.*)|\n\/\*\n([\s\S]*?\n?)\*\/)$/gm)].flatMap(
    ([, line, text]) => (line === undefined ? [text as string] : [line]),
  );
}

async function typeErrors(directory: string, files: readonly string[]): Promise<string> {
  const tsc = path.join(path.dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin', 'tsc');
  const config = path.join(directory, 'tsconfig.json');
  const compilerOptions = {
    ...{ target: 'ES2022', lib: ['ES2023'], module: 'NodeNext', moduleResolution: 'NodeNext', strict: true },
    ...{ exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true, allowImportingTsExtensions: true },
    ...{ noUnusedLocals: true, noEmit: true, types: ['node'], typeRoots: [path.join(ROOT, 'node_modules', '@types')] },
    paths: { 'ebpf-ecc/btf': [LIBRARY] },
  };
  writeFileSync(config, JSON.stringify({ compilerOptions, files }));
  const { stdout, stderr } = await run(process.execPath, [tsc, '-p', config]);
  return stdout + stderr;
}

test('examples do what they say', async (context) => {
  const clang = requireTool(context, 'clang');
  const directory = testDirectory();
  writeFileSync(path.join(directory, 'sample.bpf.c'), blocks('c').join(''));
  await runOk(clang, ['-target', 'bpf', '-g', '-O2', '-c', 'sample.bpf.c'], { cwd: directory });

  const examples = blocks('ts').map((text, i) => ({ text, name: `example${i}` }));
  expect(examples.length).toBeGreaterThan(15);
  writeFileSync(path.join(directory, 'package.json'), '{"type":"module"}');
  writeFileSync(path.join(directory, 'console.js'), CONSOLE);
  for (const { text, name } of examples) writeFileSync(path.join(directory, `${name}.ts`), text);
  expect(
    await typeErrors(
      directory,
      examples.map(({ name }) => `${name}.ts`),
    ),
  ).toBe('');

  const runnable = examples.filter(({ text }) => existsSync(HOST) || !/readHostBtf|readModuleBtf/.test(text));
  if (runnable.length < examples.length) console.warn(`not run: examples that need ${HOST}, which is not there`);
  await build({
    absWorkingDir: directory,
    entryPoints: runnable.map(({ name }) => `${name}.ts`),
    inject: ['console.js'],
    outdir: 'run',
    outExtension: { '.js': '.mjs' },
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    alias: { 'ebpf-ecc/btf': LIBRARY },
    logLevel: 'silent',
  });
  const printed: string[][] = [];
  for (const { name } of runnable) {
    const { stdout } = await runOk(process.execPath, [path.join('run', `${name}.mjs`)], { cwd: directory });
    printed.push(stdout.split('\0').slice(0, -1));
  }
  const promised = runnable.map(({ text }) => promisedBy(text));
  expect(printed.map((lines, i) => grouped(lines, promised[i] as string[]))).toEqual(promised);
  for (const [i, { text }] of runnable.entries()) {
    expect(promised[i]?.length, text).toBeGreaterThan(0);
    expect(promised[i]?.length, `a console.log without its comment:\n${text}`).toBe(
      text.split('console.log(').length - 1,
    );
  }
});

/** Lines put together where the promise has several of them, with commas. */
function grouped(printed: readonly string[], promised: readonly string[]): string[] {
  const rest = [...printed];
  const groups = promised.map((promise) => {
    let group = rest.shift() ?? '';
    while (rest.length > 0 && promise.startsWith(`${group}, `)) group += `, ${rest.shift()}`;
    return promise.endsWith('\n') ? `${group.trimEnd()}\n` : group;
  });
  return [...groups, ...rest];
}

test('every function of the library is on the page', () => {
  const missing = Object.keys(library).filter((name) => !new RegExp(`\\b${name}\\b`).test(PAGE));
  expect(missing).toEqual([]);
});
