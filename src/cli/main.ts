/** Any command line, as yargs reads it. */
import { hideDashes, joinCflags, separateProgramArgs } from './argv.ts';
import { parser } from './parser.ts';
import { toTheEnd } from './to-the-end.ts';

/** @param argv  without the program's name */
export async function main(argv: readonly string[]): Promise<void> {
  await toTheEnd(argv, async () => {
    // yargs would print the script and then go on to build a source of that name
    if (argv[0] === 'completion') parser([]).showCompletionScript();
    else await parser(hideDashes(joinCflags(separateProgramArgs(argv)))).parseAsync();
  });
}
