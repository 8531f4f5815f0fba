/**
 * The tar with a package and BTF for kernels that have none: `package.json`, and `btfhub-archive/DISTRO/VERSION/ARCH/RELEASE.btf`
 * for each of them. The one for the running kernel is taken out, and only when this kernel has no BTF of its own.
 */
import { rmSync } from 'node:fs';
import { access, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { MalformedError, UnsupportedError } from '../core/errors.ts';

/** No package or BTF comes near; what a tar says beyond that is not read. */
const MAX_ENTRY = 256 * 1024 * 1024;

export interface OpenedArchive {
  readonly packageBytes: Uint8Array;
  /** A file with the BTF of the running kernel, gone when the process ends; `undefined` when the kernel has its own. */
  readonly kernelBtf: string | undefined;
}

export function isArchive(bytes: Uint8Array): boolean {
  return bytes.length >= 262 && Buffer.from(bytes.subarray(257, 262)).toString('latin1') === 'ustar';
}

/** @throws {MalformedError} `PKG_NO_PACKAGE` @throws {UnsupportedError} `UNSUP_KERNEL` when there is no BTF for this kernel */
export async function openArchive(bytes: Uint8Array): Promise<OpenedArchive> {
  const hasBtf = await access('/sys/kernel/btf/vmlinux').then(
    () => true,
    () => false,
  );
  const wanted = hasBtf ? undefined : await kernelPath();
  const files = await extract(
    bytes,
    new Set(['package.json', 'package.yaml', ...(wanted === undefined ? [] : [wanted])]),
  );
  const packageBytes = files.get('package.json') ?? files.get('package.yaml');
  if (packageBytes === undefined) throw new MalformedError('PKG_NO_PACKAGE', 'the archive holds no package.json');
  if (wanted === undefined) return { packageBytes, kernelBtf: undefined };
  const btf = files.get(wanted);
  if (btf === undefined) {
    throw new UnsupportedError('UNSUP_KERNEL', `this kernel has no BTF, and the archive has none for it (${wanted})`, {
      details: { wanted },
    });
  }
  const directory = await mkdtemp(path.join(os.tmpdir(), 'ecc-btf-'));
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

async function extract(bytes: Uint8Array, wanted: ReadonlySet<string>): Promise<Map<string, Uint8Array>> {
  const { Parser } = await import('tar');
  const files = new Map<string, Uint8Array>();
  const parser = new Parser({ strict: true });
  await new Promise<void>((resolve, reject) => {
    parser.on('entry', (entry) => {
      const name = path.posix.normalize(entry.path);
      if (!wanted.has(name) || entry.size > MAX_ENTRY) {
        entry.resume();
        return;
      }
      const chunks: Buffer[] = [];
      entry.on('data', (chunk: Buffer) => chunks.push(chunk));
      entry.on('end', () => files.set(name, Buffer.concat(chunks)));
    });
    parser.on('end', resolve);
    parser.on('error', (cause: unknown) =>
      reject(new MalformedError('PKG_BAD_TAR', `not a tar archive: ${(cause as Error).message}`, { cause })),
    );
    parser.end(Buffer.from(bytes));
  });
  return files;
}
