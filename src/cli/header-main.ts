/** `ecc vmlinux` with no more than which kernel it is about: the header is written before standard output has become a stream. */
import { writeNow } from './print-now.ts';
import { wholeHeader } from './whole-header.ts';
import { withoutInlining } from './without-inlining.ts';

/** @param vmlinux  version, `host` or file */
export async function headerMain(argv: readonly string[], vmlinux: string | undefined): Promise<void> {
  let left: Uint8Array;
  try {
    left = writeNow(await withoutInlining(() => wholeHeader(vmlinux)));
  } catch (error) {
    return finish(argv, () => Promise.reject(error));
  }
  if (left.length > 0) await finish(argv, async () => void process.stdout.write(left));
}

/** With streams, colours, and all that errors need: more than a tenth of the whole to load, and mostly for nothing. */
async function finish(argv: readonly string[], run: () => Promise<void>): Promise<void> {
  const { toTheEnd } = await import('./to-the-end.ts');
  return toTheEnd(argv, run);
}
