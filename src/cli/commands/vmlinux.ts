/** `ecc vmlinux`: the kernel's types as a C header on standard output, all of them or those that a source can reach. */
import type { CommandModule } from 'yargs';
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
    const { openKernel, wholeHeader } = await import('../whole-header.ts');
    const vmlinux = argv.btf ?? argv.vmlinux;
    const arch = (argv['target-arch'] as Arch | undefined) ?? hostArch();
    if (argv.for === undefined) {
      process.stdout.write(await wholeHeader(vmlinux, arch));
      return;
    }
    const { makeHeader } = await import('../../headers/make-header.ts');
    const { scanForHeader } = await import('../../build/project.ts');
    const { btf, origin } = await openKernel(vmlinux, arch);
    process.stdout.write(makeHeader(btf, { ...(await scanForHeader(argv.for, arch)), origin }).text);
  },
};
