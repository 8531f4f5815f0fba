/** The one line about a build that was not needed. By itself, since nothing else is loaded when it is all there is to say. */
import type { BuildEvent } from '../build/build.ts';

export function reusedLine({ source, restored }: Extract<BuildEvent, { kind: 'reused' }>): string {
  return restored ? `${source}: restored from the cache\n` : `${source}: up to date\n`;
}
