/**
 * `ebpf-ecc/btf`: reading and writing BTF, the type information of eBPF objects and of Linux kernels.
 *
 * A table is opened with {@link openBtf} or {@link readBtf}; its accessors take a {@link TypeId}. docs/btf.md has an example for each
 * function.
 */
export { EccError, IoError, isEccError, MalformedError, UnsupportedError, UsageError } from '../core/errors.ts';
export { type CTypeOptions, type CTypePrinter, makeCTypePrinter } from './c-type.ts';
export { type Access, type AccessStep, resolveAccess } from './core-access.ts';
export { type CHeader, emitDeclaration, emitHeader, type HeaderOptions } from './declare/header.ts';
export { findKfuncs } from './declare/kfuncs.ts';
export { findDefinition, type Rename } from './declare/names.ts';
export { describe, type MemberDescription, type ParamDescription, type TypeDescription } from './describe.ts';
export {
  type BtfExt,
  type CoreReloc,
  CoreRelocKind,
  coreRelocKindName,
  type FuncInfo,
  type LineInfo,
  parseBtfExt,
} from './ext.ts';
export { getType } from './get-type.ts';
export { IntEncoding, isComposite, isEnum, isModifier, Kind, kindName, Linkage, type TypeId } from './kinds.ts';
export { alignOf, isPacked, type KnownAligns, resolve, sizeOf, stripModifiers } from './layout.ts';
export { dedupBtf, mergeBtf } from './merge.ts';
export { type MemberLocation, offsetOf } from './offset.ts';
export { openBtf, openBtfExt } from './open.ts';
export { listBtfModules, readBtf, readHostBtf, readModuleBtf } from './read.ts';
export { type SubsetOptions, subsetBtf } from './subset.ts';
export { Btf, type BtfParts, isBtf, type ParseBtfOptions, parseBtf } from './table.ts';
export { reachableTypes, referencesOf, type WalkOptions } from './walk.ts';
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
