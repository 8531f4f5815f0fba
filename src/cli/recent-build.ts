/** The same command once more, when all was found unchanged a while ago: answered by the times of files, with nothing else loaded. */
import { recentAnswer, recentQuestion } from '../build/cache/recent.ts';
import { cacheDirectory } from '../core/paths.ts';
import { printNow } from './print-now.ts';

/** @returns false when more has to be known; nothing was printed then */
export function recentBuild(argv: readonly string[]): boolean {
  const answer = recentAnswer(cacheDirectory(), recentQuestion(argv));
  if (answer === undefined) return false;
  printNow(answer);
  return true;
}
