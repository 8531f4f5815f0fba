/** Security modules: the kernel attaches LSM programs also when it will never call them. */
import { readFile } from 'node:fs/promises';

/**
 * A remark for programs that are attached and never run, because `bpf` is not among the active security modules; `undefined` when it
 * is, when there are no such programs, and where the kernel does not say (securityfs is not mounted).
 * @param sections  of the programs that are attached
 */
export async function lsmRemark(
  sections: readonly string[],
  file = '/sys/kernel/security/lsm',
): Promise<string | undefined> {
  if (!sections.some((section) => /^\??lsm(\.s)?\//.test(section))) return undefined;
  const active = await readFile(file, 'utf8').catch(() => undefined);
  if (active === undefined || active.trim().split(',').includes('bpf')) return undefined;
  return `LSM programs are attached, but this kernel does not call them: its security modules are ${active.trim()}. Boot it with lsm=${active.trim()},bpf`;
}
