/**
 * The tar with a package and BTF for kernels that have none: `package.json`, and `btfhub-archive/DISTRO/VERSION/ARCH/RELEASE.btf`
 * for each of them. The one for the running kernel is taken out, and only when this kernel has no BTF of its own.
 */
import { rmSync } from 'node:fs';
import { access, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { MalformedError, UnsupportedError } from '../core/errors.ts';
import { temporaryPrefix } from '../core/processes.ts';
import { readTar } from '../package/archive.ts';

export interface OpenedArchive {
  readonly packageBytes: Uint8Array;
  /** A file with the BTF of the running kernel, gone when the process ends; `undefined` when the kernel has its own. */
  readonly kernelBtf: string | undefined;
}

/** @throws {MalformedError} `PKG_TAR`, `PKG_TAR_ENTRY`, `PKG_NO_PACKAGE` @throws {UnsupportedError} `UNSUP_KERNEL` when there is no BTF for this kernel */
export async function openArchive(bytes: Uint8Array): Promise<OpenedArchive> {
  const hasBtf = await access('/sys/kernel/btf/vmlinux').then(
    () => true,
    () => false,
  );
  const wanted = hasBtf ? undefined : await kernelPath();
  const files = new Map((await readTar(bytes)).map((entry) => [entry.path, entry.content]));
  const packageBytes = files.get('package.json') ?? files.get('package.yaml');
  if (packageBytes === undefined)
    throw new MalformedError('PKG_NO_PACKAGE', 'the archive holds no package.json', {
      hint: 'an archive that ecc --btfgen wrote is expected',
    });
  if (wanted === undefined) return { packageBytes, kernelBtf: undefined };
  const btf = files.get(wanted);
  if (btf === undefined) {
    throw new UnsupportedError('UNSUP_KERNEL', `this kernel has no BTF, and the archive has none for it (${wanted})`, {
      details: { wanted },
      hint: 'give the BTF of this kernel with --btf FILE, or make the package with an archive that has it (ecc --btfgen)',
    });
  }
  const directory = await mkdtemp(path.join(os.tmpdir(), temporaryPrefix()));
  const file = path.join(directory, 'kernel.btf');
  await writeFile(file, btf, { mode: 0o600 });
  process.once('exit', () => rmSync(directory, { recursive: true, force: true }));
  return { packageBytes, kernelBtf: file };
}

/** Where the archive keeps the BTF of the running kernel. */
async function kernelPath(): Promise<string> {
  const release = await readFile('/etc/os-release', 'utf8').catch(() => '');
  const value = (key: string) => new RegExp(`^${key}="?([^"\\n]*)"?$`, 'm').exec(release)?.[1] ?? '';
  return `btfhub-archive/${value('ID')}/${value('VERSION_ID')}/${os.machine()}/${os.release()}.btf`;
}
