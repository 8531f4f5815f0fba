/** The same build once more, when it was found unchanged a moment ago: answered by the times of files, with nothing else loaded. */
import { openFinished } from '../build/cache/finished-store.ts';
import { isRecent, recentQuestion } from '../build/cache/recent.ts';
import type { CacheStore } from '../build/cache/store.ts';
import { type BuildPlan, makePlans } from '../build/plan.ts';
import { knownToolchain, type Toolchain } from '../build/toolchain.ts';
import { isCacheInUse } from '../core/paths.ts';
import { buildOptions, type CompileArguments } from './compile-options.ts';
import { printNow } from './print-now.ts';
import { reusedLine } from './reused-line.ts';

/** A build whose outcome may be known. */
export interface KnownBuild {
  readonly read: CompileArguments;
  readonly options: ReturnType<typeof buildOptions>;
  readonly store: CacheStore;
  readonly tools: Toolchain;
  readonly plans: readonly BuildPlan[];
  readonly question: string;
}

/** `undefined` when it has to be built, whatever there is. */
export function openKnown(read: CompileArguments): KnownBuild | undefined {
  if (read['no-cache'] || read.watch || read.verbose || read.timings !== undefined) return undefined;
  const options = buildOptions(read);
  const store = openFinished(options);
  if (store === undefined || !isCacheInUse(store.root)) return undefined;
  const tools = knownToolchain({ ...options, cacheDir: store.root });
  if (tools === undefined) return undefined;
  return { read, options, store, tools, plans: makePlans(options), question: recentQuestion(read, tools) };
}

/** @returns false when files have to be read to know; nothing was printed then */
export function recentBuild({ store, question, plans }: KnownBuild): boolean {
  if (!isRecent(store, question)) return false;
  for (const { source } of plans) printNow(reusedLine({ kind: 'reused', source, restored: false }));
  return true;
}
