/**
 * `ebpf-ecc`: compile eBPF programs into packages, and take packages and objects apart.
 *
 * The command line is a thin layer over this.
 */
export { type BuildEvent, BuildFailures, type BuildOptions, build } from './build/build.ts';
export {
  type CompiledObject,
  type CompiledSource,
  type CompileOptions,
  compile,
  compileObject,
} from './build/compile.ts';
export { emitTypes, type TypesOptions } from './build/types.ts';
export {
  CompileError,
  EccError,
  IoError,
  isEccError,
  LoadError,
  MalformedError,
  ToolError,
  UnsupportedError,
  UsageError,
} from './core/errors.ts';
export type { Warning } from './core/warning.ts';
export type { BpfMap, BpfObject, BpfProgram, DataSection, DataVariable } from './object/model.ts';
export { type OpenObjectOptions, openObject } from './object/open.ts';
export { type PackInput, packPackage } from './package/pack.ts';
export type { BuildInfo, Package, PackageMeta } from './package/schema.ts';
export { readPackage } from './package/unpack.ts';
export { makeSkeleton, type Skeleton } from './skeleton/skeleton.ts';
export { type ExportType, makeStructs } from './skeleton/structs.ts';
export type { Arch } from './toolchain/arch.ts';
