/** `ecc clangd SOURCE...`: sets an editor up: `compile_commands.json` beside the sources, the kernel header in the cache. */
import path from 'node:path';
import type { CommandModule } from 'yargs';
import { ARCHITECTURES, type Arch, hostArch } from '../../toolchain/arch.ts';

interface Arguments {
  sources: string[];
  'output-path'?: string | undefined;
  'additional-cflags'?: string[] | undefined;
  'target-arch'?: string | undefined;
  force?: boolean | undefined;
}

export const clangd: CommandModule<object, Arguments> = {
  command: 'clangd <sources..>',
  describe: 'Write compile_commands.json, so that editors understand eBPF sources',
  builder: (argv) =>
    argv
      .positional('sources', { type: 'string', array: true, demandOption: true, describe: 'The .bpf.c files' })
      .options({
        'output-path': {
          alias: 'o',
          type: 'string',
          requiresArg: true,
          describe: 'Directory for compile_commands.json [default: that of the first source]',
        },
        'additional-cflags': { alias: 'a', type: 'string', array: true, nargs: 1, describe: 'More flags for clang' },
        'target-arch': { type: 'string', choices: ARCHITECTURES, describe: 'Architecture [default: this one]' },
        force: { type: 'boolean', describe: 'Replace a compile_commands.json that names other files' },
      }),
  handler: async (argv) => {
    const { writeEditorSetup } = await import('../../build/clangd.ts');
    const written = await writeEditorSetup({
      sources: argv.sources,
      directory: argv['output-path'] ?? path.dirname(argv.sources[0]!),
      cflags: argv['additional-cflags'] ?? [],
      arch: (argv['target-arch'] as Arch | undefined) ?? hostArch(),
      force: argv.force === true,
    });
    process.stdout.write(`${written.join('\n')}\n`);
  },
};
