/**
 * The shapes of an opened object: what libbpf would know about it before loading. Plain data, made once by `openObject`.
 */
import type { BtfExt, CoreReloc } from '../btf/ext.ts';
import type { Linkage, TypeId } from '../btf/kinds.ts';
import type { Btf } from '../btf/table.ts';
import type { ElfFile } from '../elf/elf.ts';
import type { MapTypeName } from './map-types.ts';
import type { SectionDefinition } from './section-defs.ts';

export interface BpfProgram {
  /** The function's name. */
  readonly name: string;
  /** The ELF section's name, as written in `SEC()`. */
  readonly section: string;
  readonly sectionIndex: number;
  /** **Bytes** from the start of the section to the first instruction. */
  readonly insnOffset: number;
  /** **Bytes** of code; a multiple of 8. */
  readonly size: number;
  /** The instructions, in the object's byte order: a view into the object. */
  readonly insns: Uint8Array;
  /** What the section's name means; `undefined` for names without a meaning and for subprograms. */
  readonly definition: SectionDefinition | undefined;
  /** False when the section's name starts with `?`: the program is loaded on request only. */
  readonly autoload: boolean;
  /** The `func` type, where the object has `.BTF.ext`. */
  readonly typeId: TypeId | undefined;
  /** The CO-RE relocations of its instructions, by offset in the *section*. */
  readonly coreRelocs: readonly CoreReloc[];
}

/**
 * - `user`: defined in `.maps`; `arena`: the same, of type arena
 * - `data`, `rodata`, `bss`: holds a section of global variables; `kconfig`: the kernel configuration's
 * - `structOps`: a variable in `.struct_ops` or its relatives
 */
export type BpfMapKind = 'user' | 'arena' | 'data' | 'rodata' | 'bss' | 'kconfig' | 'structOps';

/** What a map definition says; sizes in **bytes**, 0 when it says nothing. */
export interface MapDefinition {
  /** `enum bpf_map_type`. */
  readonly type: number;
  /** `undefined` for a type that this version does not know. */
  readonly typeName: MapTypeName | undefined;
  readonly keySize: number;
  readonly valueSize: number;
  /** The type given by `__type(key, …)`; `undefined` when only a size is given, or nothing. */
  readonly keyTypeId: TypeId | undefined;
  readonly valueTypeId: TypeId | undefined;
  readonly maxEntries: number;
  readonly flags: number;
  readonly numaNode: number;
  readonly mapExtra: bigint;
  readonly pinning: 'none' | 'byName';
  /** The maps that a map of maps holds; their name is the outer map's plus `.inner`. */
  readonly inner: MapDefinition | undefined;
}

/** An initial entry of a map of maps or of a program array. */
export interface MapSlot {
  readonly index: number;
  /** Name of the map or program in it. */
  readonly target: string;
}

export interface StructOps {
  /** The struct with the operations. */
  readonly typeId: TypeId;
  readonly typeName: string;
  /** From a `.link` section: attached through a link. */
  readonly link: boolean;
  /** False when the section's name starts with `?`: created on request only. */
  readonly autocreate: boolean;
  /** Members that are set to programs, in the order of the relocations. */
  readonly programs: readonly { readonly member: string; readonly memberIndex: number; readonly program: string }[];
}

export interface BpfMap extends MapDefinition {
  /** The variable's name; for maps of global variables the section's name (libbpf's own is `internalMapName()`). */
  readonly name: string;
  /** The name as an identifier, unique but for odd section names: the map's member in a C skeleton. */
  readonly ident: string;
  readonly kind: BpfMapKind;
  readonly section: string;
  /** `undefined` for `.kconfig`, which no ELF section stands for. */
  readonly sectionIndex: number | undefined;
  /** **Bytes** from the start of the section to the map's variable; 0 for maps of global variables. */
  readonly sectionOffset: number;
  /** **Bytes** that the variable takes in the section; the slots of a map of maps follow its struct. */
  readonly sectionSize: number;
  /** The `var` that defines a `user`, `arena` or `structOps` map. */
  readonly varTypeId: TypeId | undefined;
  /** The struct that its definition is written in, for `user` and `arena` maps: members `type`, `key`, … */
  readonly definitionTypeId: TypeId | undefined;
  /** Global variables live in it that a loader can reach: what skeletons call `mmaped`. */
  readonly mmapable: boolean;
  /** The variables: of maps of global variables, and of an arena with variables. */
  readonly dataSection: DataSection | undefined;
  /** What the source puts into a map of maps or a program array, by index. */
  readonly slots: readonly MapSlot[];
  readonly structOps: StructOps | undefined;
}

export interface DataVariable {
  readonly name: string;
  /** The variable's own type, of kind `var`. */
  readonly varTypeId: TypeId;
  /** The type of its value, with qualifiers. */
  readonly typeId: TypeId;
  /** **Bytes** from the start of the section. */
  readonly offset: number;
  /** **Bytes**. */
  readonly size: number;
  /** As libbpf sees it: hidden variables are static, kconfig externs global. */
  readonly linkage: Linkage;
  /** Visible to loaders: not static. */
  readonly exported: boolean;
}

export interface DataSection {
  /** ELF section name: `.rodata`, `.data.config`, `.kconfig`, `.addr_space.1`. */
  readonly name: string;
  readonly kind: 'data' | 'rodata' | 'bss' | 'kconfig' | 'arena';
  /** The ELF section; `undefined` for `.kconfig`, which has none. */
  readonly sectionIndex: number | undefined;
  /** **Bytes** in memory. */
  readonly size: number;
  /** Initial contents, `size` bytes: a view into the object; `undefined` where they are all zero (bss, kconfig). */
  readonly data: Uint8Array | undefined;
  /** By offset. Empty for sections without BTF: pools of strings and constants, objects without BTF. */
  readonly variables: readonly DataVariable[];
}

export interface BpfExtern {
  readonly name: string;
  readonly kind: 'kconfig' | 'ksymVar' | 'ksymFunc';
  /** A `var` or `func` type. */
  readonly typeId: TypeId;
  /** May be missing at load. */
  readonly weak: boolean;
}

/** Something that libbpf leaves out with a remark in its log. */
export interface ObjectWarning {
  readonly code: 'BTF_IGNORED' | 'BTF_EXT_IGNORED' | 'SECTION_IGNORED';
  readonly message: string;
  readonly section: string;
}

export interface BpfObject {
  readonly elf: ElfFile;
  /** `undefined` when the object has none, or none that can be read and no map needs it: see `warnings`. */
  readonly btf: Btf | undefined;
  readonly btfExt: BtfExt | undefined;
  /** What the kernel can be given: by section, then by offset. */
  readonly programs: readonly BpfProgram[];
  /** Functions in `.text` that programs call. */
  readonly subprograms: readonly BpfProgram[];
  /** In libbpf's order: `.maps` by offset, global variables by section, kconfig, struct_ops. Inner maps are not among them. */
  readonly maps: readonly BpfMap[];
  /** Those of `maps`, in their order. */
  readonly dataSections: readonly DataSection[];
  /** kconfig first, by the order of their places; then kernel symbols by name. */
  readonly externs: readonly BpfExtern[];
  /** From section `license`; `undefined` when there is none. */
  readonly license: string | undefined;
  /** From section `version`. */
  readonly kernelVersion: number | undefined;
  /**
   * Prototypes of kernel functions that the object calls. libbpf names their nameless parameters `dummy_ksym`, and that is seen
   * where a variable has the same prototype.
   */
  readonly ksymPrototypes: ReadonlySet<TypeId>;
  readonly warnings: readonly ObjectWarning[];
}
