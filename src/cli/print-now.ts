/** Standard error without the stream: setting that up takes longer than all else of a build that need not be done. */
import { writeSync } from 'node:fs';

export function printNow(line: string): void {
  try {
    writeSync(2, line);
  } catch {
    // a pipe that is full, for which the stream waits, or gone, and then nobody wants to know
    process.stderr.once('error', () => {}).write(line);
  }
}
