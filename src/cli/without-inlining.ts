/** For work that is done once, at the start of a process, and then the process ends. */
import { setFlagsFromString } from 'node:v8';

/**
 * Does work while the engine does not put functions into each other. What it compiles that way takes it several times as long, beside the work,
 * on a processor that the work shares with it; code that runs for a fifth of a second never gets back what that costs.
 */
export async function withoutInlining<T>(work: () => Promise<T>): Promise<T> {
  setFlagsFromString('--no-turbo-inlining');
  try {
    return await work();
  } finally {
    // bytecode is only good for the flags that it was made with: it is kept, and loaded, with those of every start
    setFlagsFromString('--turbo-inlining');
  }
}
