/**
 * Compiling fixtures the way people do by hand: clang, the running kernel's whole `vmlinux.h` as bpftool prints it, llvm-strip. It is
 * the yardstick for what ecc does and shares no code with it.
 */
import { existsSync } from 'node:fs';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { type CommandResult, run, runOk } from './command.ts';
import { type Fixture, fixturePath, includeFlags } from './fixtures.ts';
import { findTool } from './tools.ts';

const ARCH_MACROS: Readonly<Record<string, string>> = {
  x64: 'x86',
  arm64: 'arm64',
  riscv64: 'riscv',
  ppc64: 'powerpc',
  s390x: 's390',
};
/** Debian's place of `asm/types.h` and friends. */
const MULTIARCH: Readonly<Record<string, string>> = {
  x64: 'x86_64-linux-gnu',
  arm64: 'aarch64-linux-gnu',
  riscv64: 'riscv64-linux-gnu',
  ppc64: 'powerpc64le-linux-gnu',
  s390x: 's390x-linux-gnu',
};

const FLAGS = [
  ...['-g', '-O2', '-target', 'bpf', '-Wall', '-Wno-unused-function', '-Wno-unknown-attributes'],
  `-D__TARGET_ARCH_${ARCH_MACROS[process.arch] ?? process.arch}`,
  ...['-idirafter', `/usr/include/${MULTIARCH[process.arch] ?? ''}`],
];

/** Writes the whole header of the running kernel to `directory/vmlinux.h`. */
export async function writeKernelHeader(directory: string): Promise<void> {
  const args = ['btf', 'dump', 'file', '/sys/kernel/btf/vmlinux', 'format', 'c'];
  const { stdout } = await runOk(findTool('bpftool') ?? 'bpftool', args);
  await writeFile(path.join(directory, 'vmlinux.h'), stdout);
}

/** One clang with a directory that holds a `vmlinux.h`, parsed once for all programs. */
export class ReferenceClang {
  readonly #clang: string;
  readonly #headers: string;
  readonly #out: string;

  /** @param directory  where `vmlinux.h` is; objects go to a directory of their own below it */
  constructor(clang: string, directory: string) {
    this.#clang = clang;
    this.#headers = directory;
    this.#out = path.join(directory, clang);
  }

  /**
   * The object of a fixture and what clang printed. A status other than 0 has no object.
   * @param flags  further options for clang
   */
  async compile(fixture: Fixture, flags: readonly string[] = []): Promise<CommandResult & { readonly object: string }> {
    await mkdir(this.#out, { recursive: true });
    const object = path.join(this.#out, `${fixture.name}.bpf.o`);
    const header = fixture.vmlinux === 'kernel' ? ['-I', this.#headers, '-include-pch', await this.#precompiled()] : [];
    const args = [
      ...FLAGS,
      ...header,
      ...includeFlags(fixture),
      ...flags,
      '-c',
      fixturePath(fixture.source),
      '-o',
      object,
    ];
    const result = await run(this.#clang, args);
    if (result.status === 0) await runOk(this.#strip(), ['-g', object]);
    return { ...result, object };
  }

  async #precompiled(): Promise<string> {
    const header = path.join(this.#out, 'vmlinux.pch');
    if (!existsSync(header)) {
      const part = `${header}.part`;
      await runOk(this.#clang, [...FLAGS, '-x', 'c-header', path.join(this.#headers, 'vmlinux.h'), '-o', part]);
      await rename(part, header);
    }
    return header;
  }

  /** The llvm-strip that belongs to the clang, or any. */
  #strip(): string {
    const suffix = /-\d+$/.exec(this.#clang)?.[0] ?? '';
    return findTool(`llvm-strip${suffix}`) ?? findTool('llvm-strip') ?? 'llvm-strip';
  }
}
