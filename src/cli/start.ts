/** Any command line: a build of what did not change is answered before the rest is loaded. */
import path from 'node:path';
import { cacheDirectory } from '../core/paths.ts';
import { BUILD_ID, VERSION } from '../core/version.ts';
import { openCodeCache } from './code-cache.ts';
import type { CompileArguments } from './compile-options.ts';
import { readPlainArgv } from './quick-argv.ts';
import { quickBuild } from './quick-build.ts';

export async function start(argv: readonly string[]): Promise<void> {
  const plain = readPlain(argv);
  // whatever is wrong will be found again, and reported, on the usual way
  if (plain !== undefined && (await quickBuild(plain).catch(() => false))) return;
  const code = openCodeCache(cacheDirectory(), BUILD_ID ?? VERSION);
  if (plain === undefined) {
    const { main } = code.load(path.join(__dirname, 'main.cjs')) as typeof import('./main.ts');
    await main(argv);
  } else {
    const { buildMain } = code.load(path.join(__dirname, 'build.cjs')) as typeof import('./build-main.ts');
    await buildMain(argv, plain);
  }
  code.keep();
}

function readPlain(argv: readonly string[]): CompileArguments | undefined {
  try {
    return readPlainArgv(argv);
  } catch {
    return undefined;
  }
}
