/** `ecc <source..>`: the main job. */
import type { Argv, CommandModule } from 'yargs';
import { buildOptions, COMPILE_OPTIONS } from '../compile-options.ts';
import { interruptSignal } from '../interrupt.ts';
import { reportEvent } from '../report.ts';

function options(argv: Argv) {
  return argv
    .positional('files', {
      describe: 'Sources (.bpf.c), and the header whose structs are exported (.h)',
      type: 'string',
      array: true,
      demandOption: true,
    })
    .options(COMPILE_OPTIONS)
    .example('$0 sigsnoop.bpf.c', 'object, skeleton and package.json beside the source')
    .example('$0 bootstrap.bpf.c bootstrap.h -o out', 'the header says which structs are events');
}

type Arguments = ReturnType<typeof options> extends Argv<infer T> ? T : never;

export const compile: CommandModule<object, Arguments> = {
  command: ['$0 <files..>', 'compile <files..>'],
  describe: 'Compile eBPF programs into packages',
  builder: options,
  handler: async (argv) => {
    const { build } = await import('../../build/build.ts');
    const { signal, release } = interruptSignal();
    const options = buildOptions(argv);
    try {
      await build({
        ...options,
        signal,
        colour: process.stderr.isTTY === true && !process.env.NO_COLOR,
        onEvent: (event) =>
          reportEvent(event, {
            json: argv.json === true,
            verbose: argv.verbose === true,
            sources: options.sources.length,
          }),
      });
    } finally {
      release();
    }
  },
};
