/**
 * The same build again, which is what most builds are: answered from records alone, in little more time than Node needs to start. Nothing
 * that a real build needs is loaded; where there is anything to build, to report or to explain, the answer is "not done".
 */
import { type Finished, findFinished, replay, restore } from '../build/cache/finished.ts';
import { keepRecent } from '../build/cache/recent.ts';
import { printNow } from './print-now.ts';
import type { KnownBuild } from './recent-build.ts';
import { reusedLine } from './reused-line.ts';

/** @returns false when the usual way has to be taken; nothing was printed or written then */
export async function quickBuild({ read, options, store, tools, plans, question }: KnownBuild): Promise<boolean> {
  const found: Finished[] = [];
  for (const plan of plans) {
    const lookup = findFinished(store, plan, options);
    if (lookup.kind !== 'found') return false;
    found.push(lookup);
  }
  for (const lookup of found) if (!(await restore(store, lookup, options))) return false;

  const isSilent = found.every(({ record }) => record.diagnostics === '' && record.warnings.length === 0);
  if (isSilent) {
    for (const lookup of found) replay(lookup, (event) => event.kind === 'reused' && printNow(reusedLine(event)));
    if (found.every(({ changed }) => changed.length === 0)) keepRecent(store, question, tools, found);
  } else {
    const [{ reportEvent }, { watchStreams }] = await Promise.all([import('./report.ts'), import('./streams.ts')]);
    const how = { json: read.json === true, sources: found.length };
    watchStreams(how);
    for (const lookup of found) replay(lookup, (event) => reportEvent(event, how));
  }
  return true;
}
