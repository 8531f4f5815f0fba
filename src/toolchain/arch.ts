/**
 * The architectures that programs can be compiled for: what libbpf's headers, clang, the kernel and Debian call each of them.
 */
import { UsageError } from '../core/errors.ts';

export const ARCHITECTURES = ['x86', 'arm64', 'riscv', 'powerpc', 's390'] as const;
/** As libbpf's `__TARGET_ARCH_*` macros spell it. */
export type Arch = (typeof ARCHITECTURES)[number];

interface ArchFacts {
  /** `clang -target`: bpf programs have the byte order of the machine that runs them. */
  readonly target: 'bpf' | 'bpfeb';
  /** Debian's directory of per-architecture headers in `/usr/include`. */
  readonly multiarch: string;
  /** What `os.machine()` and `uname -m` say there. */
  readonly machines: readonly string[];
}

export const ARCH_FACTS: Readonly<Record<Arch, ArchFacts>> = {
  x86: { target: 'bpf', multiarch: 'x86_64-linux-gnu', machines: ['x86_64', 'i686', 'x64'] },
  arm64: { target: 'bpf', multiarch: 'aarch64-linux-gnu', machines: ['aarch64', 'arm64'] },
  riscv: { target: 'bpf', multiarch: 'riscv64-linux-gnu', machines: ['riscv64'] },
  powerpc: { target: 'bpf', multiarch: 'powerpc64le-linux-gnu', machines: ['ppc64le', 'ppc64'] },
  s390: { target: 'bpfeb', multiarch: 's390x-linux-gnu', machines: ['s390x'] },
};

/** The architecture of this machine, from Node's `process.arch`. */
export function hostArch(machine: string = process.arch): Arch {
  const found = ARCHITECTURES.find((arch) => ARCH_FACTS[arch].machines.includes(machine));
  if (found !== undefined) return found;
  throw new UsageError(
    'USAGE_ARCH',
    `this machine's architecture (${machine}) is none that programs can be compiled for here`,
    {
      hint: `choose one with --target-arch: ${ARCHITECTURES.join(', ')}`,
    },
  );
}
