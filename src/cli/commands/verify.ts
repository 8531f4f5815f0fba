/** `ecc verify PACKAGE SOURCE`: compiles the source again and says whether the package is what it gives. */
import type { Argv, CommandModule } from 'yargs';
import { ExitCode, inFile } from '../../core/errors.ts';
import { buildOptions, COMPILE_OPTIONS, type CompileArguments } from '../compile-options.ts';
import { interruptSignal } from '../interrupt.ts';

const {
  'additional-cflags': cflags,
  'target-arch': arch,
  vmlinux,
  'clang-bin': clang,
  'llvm-strip-bin': strip,
  'workspace-path': workspace,
  'header-only': headerOnly,
  timeout,
  json,
} = COMPILE_OPTIONS;

function options(argv: Argv) {
  return argv
    .positional('package', { type: 'string', demandOption: true, describe: 'package.json or package.yaml' })
    .positional('files', {
      type: 'string',
      array: true,
      demandOption: true,
      describe: 'The source, and the header whose structs are exported',
    })
    .options({
      'additional-cflags': { ...cflags, describe: `${cflags.describe} [default: those that the package names]` },
      'target-arch': arch,
      vmlinux,
      'clang-bin': clang,
      'llvm-strip-bin': strip,
      'workspace-path': workspace,
      'header-only': headerOnly,
      timeout,
      json,
    })
    .example('$0 verify package.json sigsnoop.bpf.c', 'is this package made from this source?');
}

type Arguments = ReturnType<typeof options> extends Argv<infer T> ? T : never;

export const verify: CommandModule<object, Arguments> = {
  command: 'verify <package> <files..>',
  describe: 'Compile a source again and say whether a package is what it gives',
  builder: options,
  handler: async (argv) => {
    const { sources, exportHeader, cflags, ...rest } = buildOptions(argv as unknown as CompileArguments);
    const { readInput } = await import('../../core/read-input.ts');
    const { verifyPackage } = await import('../../build/verify.ts');
    const { UsageError } = await import('../../core/errors.ts');
    const [source, ...others] = sources;
    if (source === undefined || others.length > 0)
      throw new UsageError('USAGE_SOURCE', `${sources.join(', ')}: a package is made from one source`);
    const bytes = await readInput(argv.package);
    const { signal, release } = interruptSignal();
    try {
      const result = await inFile(argv.package, () =>
        verifyPackage(bytes, source, {
          ...rest,
          exportHeader,
          signal,
          ...(argv['additional-cflags'] === undefined ? {} : { cflags: cflags ?? [] }),
        }),
      );
      process.stdout.write(argv.json === true ? `${JSON.stringify(result)}\n` : describe(argv.package, source, result));
      if (!result.same) process.exitCode = ExitCode.differs;
    } finally {
      release();
    }
  },
};

function describe(
  file: string,
  source: string,
  { same, inputs, contents }: import('../../build/verify.ts').Verification,
): string {
  const line = ({ what, recorded, present }: (typeof inputs)[number]) => `  ${what}: ${recorded}; here: ${present}\n`;
  const made = inputs.length === 0 ? '' : `made with something else than what is here:\n${inputs.map(line).join('')}`;
  if (same) return `${file} is what ${source} gives, to the byte\n${made}`;
  return `${file} is not what ${source} gives:\n${contents.map(line).join('')}${made}`;
}
