/**
 * Which kernel's types a program is compiled against: the ones that ship with us, the running kernel's, a file's, or the header that the
 * user has. What ships is read when it is asked for: a program with a header of its own may never need it.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { openBtf } from '../btf/open.ts';
import { type Btf, isBtf } from '../btf/table.ts';
import { inFile, UnsupportedError } from '../core/errors.ts';
import { sha256 } from '../core/hash.ts';
import { readInput } from '../core/read-input.ts';
import type { Trace } from '../core/trace.ts';
import { isElf } from '../elf/elf.ts';
import { getKernel, listKernels, readKernelBtf, type ShippedKernel } from '../headers/data.ts';
import type { Arch } from '../toolchain/arch.ts';

export const HOST_BTF = '/sys/kernel/btf/vmlinux';

export interface KernelTypes {
  /** Which types they are: `6.18 x86`, `host`, or name and digest of a file. */
  readonly origin: () => string;
  /** The same for the first line of a header, where a digest of 5 MB is not worth its time: name and size of a file. */
  readonly title: string;
  /** What tells the types from those of any other kernel; `undefined` where that would take reading them. */
  readonly identity: string | undefined;
  /** A C header of the user's, to be included as it is. */
  readonly header: string | undefined;
  /** Of the kernel that was chosen; beside a header, of the newest that ships. The first call reads it. */
  readonly btf: () => Promise<Btf>;
  /** An older kernel's, for what the newer one no longer has. */
  readonly older: () => Promise<Btf | undefined>;
}

export interface KernelChoice {
  readonly arch: Arch;
  /** A version, `host`, or a file; the newest that ships for the architecture by default. */
  readonly vmlinux?: string | undefined;
  readonly cacheDir?: string | undefined;
  readonly trace: Trace;
  /** Told what can wait until the compiler is running. */
  readonly whenIdle?: (work: () => void) => void;
}

/**
 * @throws {UsageError} `USAGE_KERNEL` for a version that does not ship, `USAGE_NO_FILE`.
 * @throws {UnsupportedError} `UNSUP_NO_KERNEL_BTF` when the running kernel has no BTF.
 */
export async function findKernelTypes({ arch, vmlinux, ...options }: KernelChoice): Promise<KernelTypes> {
  if (vmlinux === undefined || /^\d+(\.\d+)*$/.test(vmlinux)) return findShipped(arch, vmlinux, options);
  if (vmlinux === 'host') return given('host', () => 'host', openBtf(readHostBtf()));
  const bytes = await readInput(vmlinux);
  if (isBtf(bytes) || isElf(bytes))
    return given(
      `${path.basename(vmlinux)}, ${bytes.length} bytes`,
      () => fileOrigin(vmlinux, bytes),
      inFile(vmlinux, () => openBtf(bytes)),
    );
  return { ...findShipped(arch, undefined, options), origin: () => vmlinux, title: vmlinux, header: vmlinux };
}

/** Types of a kernel that the user chose. */
function given(title: string, origin: () => string, btf: Btf): KernelTypes {
  return { title, origin, identity: undefined, header: undefined, btf: async () => btf, older: async () => undefined };
}

/** Where the file is says something about the machine, its content about the types. */
function fileOrigin(file: string, bytes: Uint8Array): string {
  return `${path.basename(file)} sha256:${sha256(bytes).slice(0, 16)}`;
}

function findShipped(
  arch: Arch,
  version: string | undefined,
  { cacheDir, whenIdle, trace }: Omit<KernelChoice, 'arch' | 'vmlinux'>,
): KernelTypes {
  const kernel = getKernel(arch, version);
  const options = {
    ...(cacheDir === undefined ? {} : { cacheDirectory: cacheDir }),
    ...(whenIdle === undefined ? {} : { whenIdle }),
  };
  let reading: Promise<Btf> | undefined;
  // whoever names a kernel wants that one and no other
  const older = version === undefined ? olderThan(kernel) : undefined;
  const title = `${kernel.version} ${arch}`;
  return {
    origin: () => title,
    title,
    identity: kernel.sha256,
    header: undefined,
    btf: () => {
      reading ??= trace.span('kernel types', () => readKernelBtf(arch, kernel.version, options));
      return reading;
    },
    older: async () => older && readKernelBtf(older.arch, older.version, options),
  };
}

/** The oldest kernel that ships, for the architecture or else for any: what went away went away everywhere. */
function olderThan(kernel: ShippedKernel): ShippedKernel | undefined {
  const others = listKernels().filter(({ version }) => version !== kernel.version);
  return others.filter(({ arch }) => arch === kernel.arch).at(-1) ?? others.at(-1);
}

function readHostBtf(): Buffer {
  try {
    return readFileSync(HOST_BTF);
  } catch (cause) {
    throw new UnsupportedError('UNSUP_NO_KERNEL_BTF', `the running kernel has no BTF (${HOST_BTF})`, {
      hint: 'leave out --vmlinux host: the types that ship with ecc do for every kernel',
      cause,
    });
  }
}
