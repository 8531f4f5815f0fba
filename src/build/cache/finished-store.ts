/** Where finished builds are kept. */
import { cacheDirectory } from '../../core/paths.ts';
import { BUILD_ID } from '../../core/version.ts';
import type { BuildOptions } from '../build.ts';
import { CacheStore } from './store.ts';

/**
 * The cache of finished builds, if this build is to use one. Run from source there is none unless a directory is named: nothing tells the
 * state of our own code.
 */
export function openFinished({
  cacheDir,
  noCache,
}: Pick<BuildOptions, 'cacheDir' | 'noCache'>): CacheStore | undefined {
  if (noCache === true || cacheDir === false || (cacheDir === undefined && BUILD_ID === undefined)) return undefined;
  const store = new CacheStore(cacheDir ?? cacheDirectory());
  return store.maxBytes === 0 ? undefined : store;
}
