/**
 * `ebpf-ecc/btf`: reading and writing BTF, the type information of eBPF objects and of Linux kernels.
 *
 * A table is opened with {@link parseBtf}; its accessors take a {@link TypeId}.
 */
export { type CTypeOptions, type CTypePrinter, makeCTypePrinter } from './c-type.ts';
export { type Access, type AccessStep, resolveAccess } from './core-access.ts';
export {
  type BtfExt,
  type CoreReloc,
  CoreRelocKind,
  coreRelocKindName,
  type FuncInfo,
  type LineInfo,
  parseBtfExt,
} from './ext.ts';
export { IntEncoding, isComposite, isEnum, isModifier, Kind, kindName, Linkage, type TypeId } from './kinds.ts';
export { alignOf, isPacked, resolve, sizeOf, stripModifiers } from './layout.ts';
export { dedupBtf, mergeBtf } from './merge.ts';
export { openBtf } from './open.ts';
export { type SubsetOptions, subsetBtf } from './subset.ts';
export { Btf, type BtfParts, isBtf, type ParseBtfOptions, parseBtf } from './table.ts';
export {
  BtfBuilder,
  type BtfBuilderOptions,
  type EnumeratorSpec,
  type EnumOptions,
  type MemberSpec,
  type ParamSpec,
  type SecinfoSpec,
  type WriteBtfOptions,
  writeBtf,
} from './writer.ts';
