import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { Kind } from '../btf/kinds.ts';
import { parseBtf } from '../btf/table.ts';
import { MAP_TYPE_NAMES } from './map-types.ts';
import { ATTACH_TYPE_NAMES, PROGRAM_TYPE_NAMES } from './section-defs.ts';

const KERNEL_BTF = '/sys/kernel/btf/vmlinux';

function readKernelBtf(): Uint8Array | undefined {
  try {
    return readFileSync(KERNEL_BTF);
  } catch {
    return undefined;
  }
}

/** The numbers of the running kernel; an older one may end earlier, a newer one go on. */
test.for([
  ['bpf_prog_type', 'BPF_PROG_TYPE_', PROGRAM_TYPE_NAMES],
  ['bpf_attach_type', 'BPF_', ATTACH_TYPE_NAMES],
  ['bpf_map_type', 'BPF_MAP_TYPE_', MAP_TYPE_NAMES],
] as const)('enum %s of the running kernel', ([name, prefix, ours], context) => {
  const bytes = readKernelBtf();
  if (bytes === undefined) return context.skip(`${KERNEL_BTF} cannot be read`);
  const btf = parseBtf(bytes);
  const id = btf.find(name, Kind.enum)!;
  const theirs = new Map<string, number>();
  for (let i = 0; i < btf.vlen(id); i++) theirs.set(btf.enumeratorName(id, i), Number(btf.enumeratorValue(id, i)));
  const count = theirs.get(`__MAX_${name.toUpperCase()}`) ?? Number.MAX_SAFE_INTEGER;
  const known = ours.map((own, number) => ({ own, number })).filter(({ number }) => number < count);
  expect(known.length).toBeGreaterThan(30);
  // several names may have one number: perf_event and its deprecated relatives
  for (const { own, number } of known)
    expect(`${own} ${theirs.get(prefix + own.toUpperCase())}`).toBe(`${own} ${number}`);
});
