/** What two objects of one source must have in common, in a form that can be compared and read. */
import { resolveAccess } from '../../src/btf/core-access.ts';
import { coreRelocKindName } from '../../src/btf/ext.ts';
import { kindName } from '../../src/btf/kinds.ts';
import { SectionFlag, SectionType } from '../../src/elf/elf.ts';
import type { BpfObject } from '../../src/object/model.ts';

/** Instructions of each code section, in hexadecimal, eight bytes a line; and what its relocations refer to. */
export function codeOf({ elf }: BpfObject): Record<string, { code: string[]; relocations: string[] }> {
  const facts: Record<string, { code: string[]; relocations: string[] }> = {};
  for (const section of elf.sections) {
    if (section.type !== SectionType.progbits || !(section.flags & SectionFlag.exec) || section.size === 0) continue;
    const code = Buffer.from(elf.data(section)).toString('hex').match(/.{16}/g) ?? [];
    const relocations = elf.sections
      .filter(({ type, info }) => (type === SectionType.rel || type === SectionType.rela) && info === section.index)
      .flatMap((table) => elf.relocations(table))
      .map(({ offset, symbolIndex }) => {
        const symbol = elf.symbols[symbolIndex]!;
        return `${offset}: ${symbol.name || elf.sections[symbol.sectionIndex]?.name} + ${symbol.value}`;
      });
    facts[section.name] = { code, relocations };
  }
  return facts;
}

/** One line for each CO-RE record: place, kind, the root type's kind and name, the path by number and by name. */
export function coreRecordsOf({ btf, btfExt }: BpfObject): string[] {
  if (btf === undefined || btfExt === undefined) return [];
  return [...btfExt.coreRelocs].flatMap(([section, records]) =>
    records.map((record) => {
      const access = resolveAccess(btf, record);
      const path = access.steps
        .map((step) => (step.step === 'member' ? step.name || '(anonymous)' : `[${step.index}]`))
        .join('.');
      const root = `${kindName(btf.kind(access.root))} ${btf.name(access.root)}`;
      const end = access.enumerator ?? kindName(btf.kind(access.end));
      return `${section}+${record.insnOffset}: ${coreRelocKindName(record.kind)} ${root} ${record.accessString} ${path} -> ${end}`;
    }),
  );
}

/**
 * What libbpf wrote into which instruction, out of its debug log: program, instruction, new value. Local type ids, which differ
 * between two tables that mean the same, are the old values and left out.
 */
export function patchesOf(log: string): string[] {
  const line =
    /prog '([^']+)': relo #\d+: (?:patched insn #(\d+) \(([^)]+)\) (?:\w+) .* -> (\S+)|substituting insn #(\d+))/g;
  return [...log.matchAll(line)].map(([, program, insn, type, value, poisoned]) =>
    poisoned === undefined ? `${program}+${insn}: ${type} = ${value}` : `${program}+${poisoned}: does not resolve`,
  );
}
