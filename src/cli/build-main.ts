/** A command line that asks for a build and has been read already. */

import { runCompile } from './commands/compile.ts';
import type { CompileArguments } from './compile-options.ts';
import { toTheEnd } from './to-the-end.ts';

export async function buildMain(argv: readonly string[], read: CompileArguments): Promise<void> {
  await toTheEnd(argv, () => runCompile(read));
}
