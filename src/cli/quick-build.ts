/**
 * The same build again, which is what most builds are: answered from records alone, in little more time than Node needs to start. Nothing
 * that a real build needs is loaded; where there is anything to build, to report or to explain, the answer is "not done".
 */
import { writeSync } from 'node:fs';
import { type Finished, findFinished, openFinished, replay, restore } from '../build/cache/finished.ts';
import { isRecent, keepRecent, recentQuestion } from '../build/cache/recent.ts';
import { makePlans } from '../build/plan.ts';
import { knownToolchain } from '../build/toolchain.ts';
import { buildOptions, type CompileArguments } from './compile-options.ts';
import { reusedLine } from './reused-line.ts';

/** @returns false when the usual way has to be taken; nothing was printed or written then */
export async function quickBuild(read: CompileArguments): Promise<boolean> {
  if (read['no-cache'] || read.watch || read.verbose || read.timings !== undefined) return false;
  const options = buildOptions(read);
  const store = openFinished(options);
  const tools = store && knownToolchain({ ...options, cacheDir: store.root });
  if (store === undefined || tools === undefined) return false;
  const plans = makePlans(options);
  const question = recentQuestion(read, tools);
  if (isRecent(store, question)) {
    for (const { source } of plans) print(reusedLine({ kind: 'reused', source, restored: false }));
    return true;
  }
  const found: Finished[] = [];
  for (const plan of plans) {
    const lookup = findFinished(store, plan, options);
    if (lookup.kind !== 'found') return false;
    found.push(lookup);
  }
  for (const lookup of found) if (!(await restore(store, lookup, options))) return false;

  const isSilent = found.every(({ record }) => record.diagnostics === '' && record.warnings.length === 0);
  if (isSilent) {
    for (const lookup of found) replay(lookup, (event) => event.kind === 'reused' && print(reusedLine(event)));
    if (found.every(({ changed }) => changed.length === 0)) keepRecent(store, question, tools, found);
  } else {
    const [{ reportEvent }, { watchStreams }] = await Promise.all([import('./report.ts'), import('./streams.ts')]);
    const how = { json: read.json === true, sources: found.length };
    watchStreams(how);
    for (const lookup of found) replay(lookup, (event) => reportEvent(event, how));
  }
  return true;
}

/** Setting up `process.stderr` takes longer than all of this. */
function print(line: string): void {
  try {
    writeSync(2, line);
  } catch {
    // a pipe that is full, for which the stream waits, or gone, and then nobody wants to know
    process.stderr.once('error', () => {}).write(line);
  }
}
