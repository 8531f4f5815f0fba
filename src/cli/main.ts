/**
 * Everything that can go wrong comes up to here as an error and leaves as text and exit status.
 */
import { hideDashes, joinCflags, separateProgramArgs } from './argv.ts';
import type { CompileArguments } from './compile-options.ts';
import { reportError } from './report.ts';
import { watchStreams } from './streams.ts';

/**
 * Runs one command line (without the program's name) to its end and sets the exit status.
 * @param plain  the same line if it asks for a build and has been read already
 */
export async function main(argv: readonly string[], plain?: CompileArguments): Promise<void> {
  const json = argv.includes('--json') || argv.includes('-j');
  const debug = argv.includes('--debug');
  watchStreams({ json, debug });
  try {
    await (plain === undefined ? parseAndRun(argv) : (await import('./commands/compile.ts')).runCompile(plain));
  } catch (error) {
    process.exitCode = reportError(error, { json, debug });
  }
}

async function parseAndRun(argv: readonly string[]): Promise<void> {
  const { parser } = await import('./parser.ts');
  // yargs would print the script and then go on to build a source of that name
  if (argv[0] === 'completion') {
    parser([]).showCompletionScript();
    return;
  }
  await parser(hideDashes(joinCflags(separateProgramArgs(argv)))).parseAsync();
}
