/**
 * What an object expects the loader to provide: kernel configuration values (`__kconfig`) and kernel symbols (`__ksym`).
 */
import { IntEncoding, Kind, Linkage, type TypeId } from '../btf/kinds.ts';
import { alignOf, resolve, sizeOf } from '../btf/layout.ts';
import type { Btf } from '../btf/table.ts';
import { MalformedError, UnsupportedError } from '../core/errors.ts';
import { type ElfSymbol, SymbolBinding } from '../elf/elf.ts';
import type { BpfExtern, DataSection, DataVariable } from './model.ts';
import { KCONFIG_SECTION, KSYMS_SECTION, type SymbolIndex } from './sections.ts';

export interface ObjectExterns {
  readonly externs: readonly BpfExtern[];
  /** The variables that hold configuration values; `undefined` when there are none. */
  readonly kconfig: { readonly typeId: TypeId; readonly section: DataSection } | undefined;
  /** See `BpfObject.ksymPrototypes`. */
  readonly ksymPrototypes: ReadonlySet<TypeId>;
}

interface Found extends BpfExtern {
  /** **Bytes**; 0 for kernel symbols. */
  readonly size: number;
  readonly align: number;
}

/**
 * @throws {MalformedError} `BTF_EXTERN_*`
 * @throws {UnsupportedError} `UNSUP_EXTERN_SECTION`, `UNSUP_KCONFIG_TYPE`
 */
export function collectExterns(btf: Btf | undefined, symbols: SymbolIndex): ObjectExterns {
  if (symbols.externs.length === 0) {
    return { externs: [], kconfig: undefined, ksymPrototypes: new Set() };
  }
  if (btf === undefined) {
    const { name } = symbols.externs[0]!;
    throw new MalformedError('BTF_EXTERN_NO_BTF', `extern ${name}: the object has no BTF that says what it is`, {
      details: { extern: name },
      hint: 'compile with -g, and strip with llvm-strip -g only',
    });
  }
  const index = indexExterns(btf);
  const found = symbols.externs.map((symbol) => classify(btf, symbol, index)).sort(compareExterns);
  const kconfigs = found.filter(({ kind }) => kind === 'kconfig');
  const byName = new Map<string, Found>();
  for (const extern of found) if (!byName.has(extern.name)) byName.set(extern.name, extern);
  return {
    externs: found.map(({ name, kind, typeId, weak }) => ({ name, kind, typeId, weak })),
    kconfig: index.kconfig && kconfigs.length > 0 ? kconfigSection(btf, kconfigs, index.kconfig, byName) : undefined,
    ksymPrototypes: ksymPrototypes(btf, index.ksyms, byName),
  };
}

interface ExternIndex {
  /** The first var or func of each name. */
  readonly types: ReadonlyMap<string, TypeId>;
  /** The first datasec that holds each type. */
  readonly holders: ReadonlyMap<TypeId, TypeId>;
  readonly kconfig: TypeId | undefined;
  readonly ksyms: TypeId | undefined;
}

function indexExterns(btf: Btf): ExternIndex {
  const types = new Map<string, TypeId>();
  const holders = new Map<TypeId, TypeId>();
  let kconfig: TypeId | undefined;
  let ksyms: TypeId | undefined;
  for (const id of btf.ids()) {
    const kind = btf.kind(id);
    if (kind === Kind.var || kind === Kind.func) {
      const name = btf.name(id);
      if (!types.has(name)) types.set(name, id);
    } else if (kind === Kind.datasec) {
      for (let i = 0; i < btf.vlen(id); i++) {
        const held = btf.secinfoType(id, i);
        if (!holders.has(held)) holders.set(held, id);
      }
      const name = btf.name(id);
      if (name === KCONFIG_SECTION) kconfig ??= id;
      else if (name === KSYMS_SECTION) ksyms ??= id;
    }
  }
  return { types, holders, kconfig, ksyms };
}

function classify(btf: Btf, symbol: ElfSymbol, index: ExternIndex): Found {
  const { name } = symbol;
  const typeId = index.types.get(name);
  if (typeId === undefined) {
    throw new MalformedError('BTF_EXTERN_UNKNOWN', `extern ${name}: BTF has no var or func of that name`, {
      details: { extern: name },
    });
  }
  if (btf.linkage(typeId) !== Linkage.extern) {
    throw new MalformedError('BTF_EXTERN_LINKAGE', `extern ${name}: BTF says that it is defined in the object`, {
      details: { extern: name, typeId },
    });
  }
  const holder = index.holders.get(typeId);
  if (holder === undefined) {
    throw new MalformedError('BTF_EXTERN_NO_SECTION', `extern ${name}: not in a section that libbpf fills in`, {
      details: { extern: name, typeId },
      hint: 'declare it with __kconfig or __ksym, or define it',
    });
  }
  const section = btf.name(holder);
  const isFunc = btf.kind(typeId) === Kind.func;
  const weak = symbol.binding === SymbolBinding.weak;
  if (section === KSYMS_SECTION) {
    return { name, kind: isFunc ? 'ksymFunc' : 'ksymVar', typeId, weak, size: 0, align: 0 };
  }
  if (section !== KCONFIG_SECTION || isFunc) {
    throw new UnsupportedError(
      'UNSUP_EXTERN_SECTION',
      `extern ${name}: ${isFunc ? 'a function' : 'a variable'} in section ${section} cannot be filled in`,
      {
        details: { extern: name, section },
        hint: 'externs are variables in .kconfig, and variables and functions in .ksyms',
      },
    );
  }
  const valueType = btf.ref(typeId);
  const size = sizeOf(btf, valueType);
  const align = alignOf(btf, valueType);
  if (!isKconfigType(btf, valueType) || size === undefined || align === undefined) {
    throw new UnsupportedError('UNSUP_KCONFIG_TYPE', `extern ${name}: no kernel configuration value is of its type`, {
      details: { extern: name, typeId: valueType },
      hint: 'bool, char, an integer, enum libbpf_tristate and char arrays are possible',
    });
  }
  return { name, kind: 'kconfig', typeId, weak, size, align };
}

/** Kernel symbols come last; configuration values go widest first, so that they pack. */
function compareExterns(a: Found, b: Found): number {
  const rank = (kind: BpfExtern['kind']) => (kind === 'kconfig' ? 0 : 1);
  return (
    rank(a.kind) - rank(b.kind) ||
    b.align - a.align ||
    a.size - b.size ||
    Buffer.compare(Buffer.from(a.name), Buffer.from(b.name))
  );
}

function isKconfigType(btf: Btf, id: TypeId): boolean {
  const typeId = resolve(btf, id);
  switch (btf.kind(typeId)) {
    case Kind.int: {
      const size = btf.recordedSize(typeId);
      if ((btf.int(typeId).encoding & IntEncoding.bool) !== 0) return size === 1;
      return size === 1 || size === 2 || size === 4 || size === 8;
    }
    case Kind.enum:
      return btf.recordedSize(typeId) === 4 && btf.name(typeId) === 'libbpf_tristate';
    case Kind.enum64:
      return btf.name(typeId) === 'libbpf_tristate';
    case Kind.array: {
      if (btf.arrayLength(typeId) === 0) return false;
      const element = resolve(btf, btf.arrayElement(typeId));
      if (btf.kind(element) !== Kind.int || btf.recordedSize(element) !== 1) return false;
      return (btf.int(element).encoding & IntEncoding.bool) === 0;
    }
    default:
      return false;
  }
}

function kconfigSection(
  btf: Btf,
  externs: readonly Found[],
  typeId: TypeId,
  byName: ReadonlyMap<string, Found>,
): NonNullable<ObjectExterns['kconfig']> {
  const offsets = new Map<string, number>();
  let end = 0;
  for (const { name, size, align } of externs) {
    const offset = Math.ceil(end / align) * align;
    if (!offsets.has(name)) offsets.set(name, offset);
    end = offset + size;
  }
  const variables: DataVariable[] = [];
  for (let i = 0; i < btf.vlen(typeId); i++) {
    const varTypeId = btf.secinfoType(typeId, i);
    const name = btf.name(varTypeId);
    const offset = offsets.get(name);
    if (offset === undefined) throw unreferenced(name, KCONFIG_SECTION);
    variables.push({
      name,
      varTypeId,
      typeId: btf.ref(varTypeId),
      offset,
      size: byName.get(name)!.size,
      linkage: Linkage.global,
      exported: true,
    });
  }
  variables.sort((a, b) => a.offset - b.offset);
  return {
    typeId,
    section: {
      name: KCONFIG_SECTION,
      kind: 'kconfig',
      sectionIndex: undefined,
      size: end,
      data: undefined,
      variables,
    },
  };
}

function ksymPrototypes(
  btf: Btf,
  datasec: TypeId | undefined,
  byName: ReadonlyMap<string, Found>,
): ReadonlySet<TypeId> {
  const prototypes = new Set<TypeId>();
  for (let i = 0; datasec !== undefined && i < btf.vlen(datasec); i++) {
    const id = btf.secinfoType(datasec, i);
    if (!byName.has(btf.name(id))) throw unreferenced(btf.name(id), KSYMS_SECTION);
    if (btf.kind(id) === Kind.func) prototypes.add(btf.ref(id));
  }
  return prototypes;
}

function unreferenced(name: string, section: string): MalformedError {
  return new MalformedError(
    'BTF_EXTERN_NO_SYMBOL',
    `datasec ${section}: ${name} has no undefined symbol in the object's symbol table`,
    { details: { extern: name, section } },
  );
}
