/** Standard output and error without the streams: setting those up takes longer than all else of a build that need not be done. */
import { writeSync } from 'node:fs';

export function printNow(line: string): void {
  try {
    writeSync(2, line);
  } catch {
    // a pipe that is full, for which the stream waits, or gone, and then nobody wants to know
    process.stderr.once('error', () => {}).write(line);
  }
}

/** Writes to standard output. Gives what could not be written: the stream knows how to wait for a reader, and what to do about one that is gone. */
export function writeNow(bytes: Uint8Array): Uint8Array {
  let written = 0;
  try {
    while (written < bytes.length) written += writeSync(1, bytes, written);
  } catch {
    // the stream will meet it again
  }
  return bytes.subarray(written);
}
