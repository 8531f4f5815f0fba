/** All types of a kernel as a C header. */

import type { Btf } from '../btf/table.ts';
import { findKernelTypes } from '../build/kernel-types.ts';
import { cacheDirectory } from '../core/paths.ts';
import { Trace } from '../core/trace.ts';
import { fullHeaderBytes } from '../headers/make-header.ts';
import { type Arch, hostArch } from '../toolchain/arch.ts';

/** @param vmlinux  version, `host` or file; default: what ships for the architecture */
export async function wholeHeader(vmlinux: string | undefined, arch?: Arch): Promise<Uint8Array> {
  const { btf, origin } = await openKernel(vmlinux, arch);
  return fullHeaderBytes(btf, origin);
}

export async function openKernel(
  vmlinux: string | undefined,
  arch = hostArch(),
): Promise<{ readonly btf: Btf; readonly origin: string }> {
  const kernel = await findKernelTypes({ arch, vmlinux, cacheDir: cacheDirectory(), trace: new Trace() });
  return { btf: await kernel.btf(), origin: kernel.title };
}
