/** Colour where a person looks: decided for each stream, since one may be a terminal and the other a file. */
import { isatty } from 'node:tty';
import pc from 'picocolors';

/**
 * Whether to colour what goes to a file descriptor: a terminal that can, unless `NO_COLOR` is set; `FORCE_COLOR` other than `0` asks for
 * it anywhere. A CI service is no reason: its logs are also read by programs.
 */
export function wantsColour(fd: 1 | 2, { NO_COLOR, FORCE_COLOR, TERM } = process.env): boolean {
  if (NO_COLOR) return false;
  if (FORCE_COLOR) return FORCE_COLOR !== '0' && FORCE_COLOR !== 'false';
  return TERM !== 'dumb' && isatty(fd);
}

export const onStdout = pc.createColors(wantsColour(1));
export const onStderr = pc.createColors(wantsColour(2));
