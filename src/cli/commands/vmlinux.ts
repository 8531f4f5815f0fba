/** `ecc vmlinux`: the kernel's types as a C header on standard output, all of them or those that a source can reach. */
import type { CommandModule } from 'yargs';
import { cacheDirectory } from '../../core/paths.ts';
import { Trace } from '../../core/trace.ts';
import { ARCHITECTURES, type Arch, hostArch } from '../../toolchain/arch.ts';

interface Arguments {
  for?: string | undefined;
  btf?: string | undefined;
  vmlinux?: string | undefined;
  'target-arch'?: string | undefined;
}

export const vmlinux: CommandModule<object, Arguments> = {
  command: 'vmlinux',
  describe: "Print the kernel's types as a C header (vmlinux.h)",
  builder: (argv) =>
    argv.options({
      for: { type: 'string', requiresArg: true, describe: 'Only what this source needs' },
      btf: { type: 'string', requiresArg: true, describe: 'BTF file, or ELF file with BTF', conflicts: 'vmlinux' },
      vmlinux: { type: 'string', requiresArg: true, describe: 'A version that ships (6.18) or host' },
      'target-arch': { type: 'string', choices: ARCHITECTURES, describe: 'Architecture [default: this one]' },
    }),
  handler: async (argv) => {
    const { findKernelTypes } = await import('../../build/kernel-types.ts');
    const arch = (argv['target-arch'] as Arch | undefined) ?? hostArch();
    const kernel = await findKernelTypes({
      arch,
      vmlinux: argv.btf ?? argv.vmlinux,
      cacheDir: cacheDirectory(),
      trace: new Trace(),
    });
    const { origin } = kernel;
    const btf = await kernel.btf();
    const { makeFullHeader, makeHeader } = await import('../../headers/make-header.ts');
    const { scanForHeader } = await import('../../build/project.ts');
    const { text } =
      argv.for === undefined
        ? makeFullHeader(btf, { origin })
        : makeHeader(btf, { ...(await scanForHeader(argv.for, arch)), origin });
    process.stdout.write(text);
  },
};
