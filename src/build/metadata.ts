/** From an object and what the AST told to a package's contents: skeleton with doc comments, export types, warnings, how it was made. */
import path from 'node:path';
import { inFile, UsageError } from '../core/errors.ts';
import { REFERENCE_VERSION } from '../core/version.ts';
import type { Warning } from '../core/warning.ts';
import type { BpfObject } from '../object/model.ts';
import { openObject } from '../object/open.ts';
import type { BuildInfo, PackageMeta } from '../package/schema.ts';
import { documentSkeleton } from '../skeleton/documented.ts';
import { makeSkeleton } from '../skeleton/skeleton.ts';
import type { Arch } from '../toolchain/arch.ts';
import { makeBuildInfo } from './build-info.ts';
import type { CompilerOutput } from './compilers.ts';
import { chooseExports } from './exports.ts';
import type { SourceFacts } from './facts.ts';
import type { InputFiles } from './input-files.ts';
import { loaderWarnings } from './loader-warnings.ts';
import type { Project } from './project.ts';

export interface Metadata {
  readonly model: BpfObject;
  /** Skeleton with doc comments, and export types. */
  readonly meta: PackageMeta;
  readonly buildInfo: BuildInfo;
  readonly warnings: readonly Warning[];
}

export interface MetadataRequest {
  readonly source: string;
  readonly objName: string;
  readonly arch: Arch;
  readonly cflags: readonly string[];
  readonly exportHeader: string | undefined;
  readonly project: Project;
  readonly output: CompilerOutput;
  readonly facts: SourceFacts;
  /** Version line of clang. */
  readonly clang: string;
  /** Where the kernel's types come from. */
  readonly kernelOrigin: string;
  readonly files: InputFiles;
}

/**
 * @throws {MalformedError} what clang made is no object that libbpf would open
 * @throws {UsageError} `USAGE_HEADER_NOT_INCLUDED`
 */
export function makeMetadata(request: MetadataRequest): Metadata {
  const { source, objName, facts } = request;
  const model = inFile(source, () => openObject(request.output.object));
  checkExportHeader(request);
  const skeleton = documentSkeleton(makeSkeleton(model, `${objName}.bpf.o`), facts.docs);
  const { exportTypes, warnings } = chooseExports(model, skeleton, facts);
  const meta: PackageMeta = { bpf_skel: skeleton, eunomia_version: REFERENCE_VERSION, export_types: exportTypes };
  return {
    model,
    meta,
    buildInfo: makeBuildInfo(request),
    warnings: [...facts.warnings, ...warnings, ...loaderWarnings(model, meta, facts, request)],
  };
}

/** A header that the source does not include defines nothing in the object: the package would load and never print. */
function checkExportHeader({ source, exportHeader, output, project }: MetadataRequest): void {
  if (exportHeader === undefined || exportHeader === source) return;
  const wanted = path.resolve(exportHeader);
  const read = [...output.dependencies, ...project.userFiles].some((file) => path.resolve(file) === wanted);
  if (read) return;
  throw new UsageError(
    'USAGE_HEADER_NOT_INCLUDED',
    `the source does not include ${exportHeader}, so none of its structs can be exported`,
    {
      details: { header: exportHeader },
      hint: `add  #include "${path.basename(exportHeader)}"  to the source, or leave the header out`,
    },
  ).in(source);
}
