/** `ecc vmlinux` with no more than which kernel it is about: the header is written before standard output has become a stream. */
import { writeNow } from './print-now.ts';
import { toTheEnd } from './to-the-end.ts';
import { wholeHeader } from './whole-header.ts';
import { withoutInlining } from './without-inlining.ts';

/** @param vmlinux  version, `host` or file */
export async function headerMain(argv: readonly string[], vmlinux: string | undefined): Promise<void> {
  let left: Uint8Array;
  try {
    left = writeNow(await withoutInlining(() => wholeHeader(vmlinux)));
  } catch (error) {
    return toTheEnd(argv, () => Promise.reject(error));
  }
  if (left.length > 0) await toTheEnd(argv, async () => void process.stdout.write(left));
}
