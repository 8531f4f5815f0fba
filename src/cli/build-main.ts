/** A command line that asks for a build and has been read already. */
import { IoError } from '../core/errors.ts';
import { runCompile } from './commands/compile.ts';
import type { CompileArguments } from './compile-options.ts';
import { toTheEnd } from './to-the-end.ts';

export async function buildMain(argv: readonly string[], read: CompileArguments): Promise<void> {
  await toTheEnd(argv, () => runCompile(read));
}

/** Any command line, where the working directory is gone: Node itself, and most of what there is to do, needs one. */
export async function nowhereMain(argv: readonly string[]): Promise<void> {
  await toTheEnd(argv, async () => {
    throw new IoError('IO_NO_DIRECTORY', 'the working directory is gone', { hint: 'go to one that is there' });
  });
}
