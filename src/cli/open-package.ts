/** A package for `run` and `check`: a file in any of its formats, an object, or a source, which is built first. */
import { inFile } from '../core/errors.ts';
import { inputName, readInput } from '../core/read-input.ts';
import type { OpenedPackage } from '../runner/load.ts';

export interface PackageInput {
  readonly opened: OpenedPackage;
  /** BTF of the running kernel, out of the package's archive. */
  readonly kernelBtf: string | undefined;
}

/** @param file  `-` for a package on standard input */
export async function openPackageInput(file: string): Promise<PackageInput> {
  const { openPackage } = await import('../runner/load.ts');
  if (/\.c$/.test(file)) {
    const { compile } = await import('../build/compile.ts');
    process.stderr.write('Compiling bpf object...\n');
    const { object, meta, buildInfo, diagnostics } = await compile(file);
    process.stderr.write(diagnostics);
    return { opened: await openPackage({ object, meta, buildInfo }), kernelBtf: undefined };
  }
  const { isTar } = await import('../package/archive.ts');
  const bytes = await readInput(file);
  return inFile(inputName(file), async () => {
    if (!isTar(bytes)) return { opened: await openPackage(bytes), kernelBtf: undefined };
    const { openArchive } = await import('../runner/archive.ts');
    const { packageBytes, kernelBtf } = await openArchive(bytes);
    return { opened: await openPackage(packageBytes), kernelBtf };
  });
}

/**
 * The file of `--btf`, looked into: of one that is not there libbpf would only say that relocations failed.
 * @throws {UsageError} `USAGE_NO_FILE` @throws {MalformedError} `BTF_*`
 */
export async function checkBtfFile(file: string): Promise<void> {
  const { openBtf } = await import('../btf/open.ts');
  const bytes = await readInput(file);
  await inFile(file, async () => openBtf(bytes));
}
