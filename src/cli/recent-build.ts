/** The same command once more, when all was found unchanged a while ago: answered by the times of files, with nothing else loaded. */
import { recentAnswer, recentQuestion } from '../build/cache/recent.ts';
import { cacheDirectory } from '../core/paths.ts';
import { printNow } from './print-now.ts';

/** @returns false when more has to be known; nothing was printed then */
export function recentBuild(argv: readonly string[]): boolean {
  const answer = ask(argv);
  if (answer === undefined) return false;
  printNow(answer);
  return true;
}

/** Whatever is wrong, as a working directory that is gone, will be found again, and reported, on the usual way. */
function ask(argv: readonly string[]): string | undefined {
  try {
    return recentAnswer(cacheDirectory(), recentQuestion(argv));
  } catch {
    return undefined;
  }
}
