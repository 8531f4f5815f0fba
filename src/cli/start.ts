/** Any command line: a build of what did not change is answered before the rest is loaded, and of that no more than is needed. */
import path from 'node:path';
import { cacheDirectory, isCacheInUse } from '../core/paths.ts';
import { loadPiece } from './bytecode.ts';
import { openCodeCache } from './code-cache.ts';
import type { CompileArguments } from './compile-options.ts';
import { readPlainArgv, readPlainVmlinux } from './quick-argv.ts';

export async function start(argv: readonly string[]): Promise<void> {
  const plain = readPlain(argv);
  if (plain !== undefined && (await isDone(argv, plain))) return;
  const code = openCodeCache(cacheDirectory());
  const kernel = readPlainVmlinux(argv);
  if (!hasWorkingDirectory()) {
    const { nowhereMain } = code.load(path.join(__dirname, 'build.cjs')) as typeof import('./build-main.ts');
    await nowhereMain(argv);
  } else if (kernel !== undefined) {
    const { headerMain } = code.load(path.join(__dirname, 'header.cjs')) as typeof import('./header-main.ts');
    await headerMain(argv, kernel.vmlinux);
  } else if (plain === undefined) {
    const { main } = code.load(path.join(__dirname, 'main.cjs')) as typeof import('./main.ts');
    await main(argv);
  } else {
    const { buildMain } = code.load(path.join(__dirname, 'build.cjs')) as typeof import('./build-main.ts');
    await buildMain(argv, plain);
  }
  code.keep();
}

/** Whatever is wrong will be found again, and reported, on the usual way. */
async function isDone(argv: readonly string[], plain: CompileArguments): Promise<boolean> {
  const { watch, verbose, timings } = plain;
  if (plain['no-cache'] || watch || verbose || timings !== undefined || !isCacheInUse(cacheDirectory())) return false;
  try {
    const { quickBuild } = loadPiece(path.join(__dirname, 'quick-build.cjs')) as typeof import('./quick-build.ts');
    return await quickBuild(argv, plain);
  } catch {
    return false;
  }
}

function hasWorkingDirectory(): boolean {
  try {
    return process.cwd() !== '';
  } catch {
    return false;
  }
}

function readPlain(argv: readonly string[]): CompileArguments | undefined {
  try {
    return readPlainArgv(argv);
  } catch {
    return undefined;
  }
}
