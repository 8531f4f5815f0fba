/**
 * The same build again, which is what most builds are: answered from records alone, in little more time than Node needs to start. Nothing
 * that a real build needs is loaded; where there is anything to build, to report or to explain, the answer is "not done".
 */
import { type Finished, findFinished, replay, restore } from '../build/cache/finished.ts';
import { openFinished } from '../build/cache/finished-store.ts';
import { keepRecent, recentQuestion } from '../build/cache/recent.ts';
import { makePlans } from '../build/plan.ts';
import { knownToolchain } from '../build/toolchain.ts';
import { buildOptions, type CompileArguments } from './compile-options.ts';
import { printNow } from './print-now.ts';
import { reusedLine } from './reused-line.ts';

/**
 * @param argv  the command line
 * @param read  what it says
 * @returns false when the usual way has to be taken; nothing was printed or written then
 */
export async function quickBuild(argv: readonly string[], read: CompileArguments): Promise<boolean> {
  const options = buildOptions(read);
  const store = openFinished(options);
  if (store === undefined) return false;
  const tools = knownToolchain({ ...options, cacheDir: store.root });
  if (tools === undefined) return false;
  const found: Finished[] = [];
  for (const plan of makePlans(options)) {
    const lookup = findFinished(store, plan, options);
    if (lookup.kind !== 'found') return false;
    found.push(lookup);
  }
  for (const lookup of found) if (!(await restore(store, lookup, options))) return false;

  const isSilent = found.every(({ record }) => record.diagnostics === '' && record.warnings.length === 0);
  if (isSilent) {
    let answer = '';
    for (const lookup of found)
      replay(lookup, (event) => {
        if (event.kind === 'reused') answer += reusedLine(event);
      });
    printNow(answer);
    const isUnchanged = found.every(({ changed }) => changed.length === 0);
    if (isUnchanged) keepRecent(store, { question: recentQuestion(argv), answer, tools, found });
  } else {
    const [{ reportEvent }, { watchStreams }] = await Promise.all([import('./report.ts'), import('./streams.ts')]);
    const how = { json: read.json === true, sources: found.length };
    watchStreams(how);
    for (const lookup of found) replay(lookup, (event) => reportEvent(event, how));
  }
  return true;
}
