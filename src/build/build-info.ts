/** How a package was made, without anything that names the machine: files by where they stand to the source, or to an include directory. */
import path from 'node:path';
import { VERSION } from '../core/version.ts';
import type { BuildInfo } from '../package/schema.ts';
import type { Arch } from '../toolchain/arch.ts';
import { includeFlags } from '../toolchain/clang.ts';
import type { InputFiles } from './input-files.ts';
import type { Project } from './project.ts';

export interface BuildInfoRequest {
  readonly source: string;
  readonly arch: Arch;
  readonly cflags: readonly string[];
  readonly project: Pick<Project, 'kernelHeader' | 'userFiles'>;
  /** Version line of clang. */
  readonly clang: string;
  readonly kernelOrigin: string;
  readonly files: InputFiles;
}

export function makeBuildInfo(request: BuildInfoRequest): BuildInfo {
  const { source, arch, cflags, project, clang, kernelOrigin, files } = request;
  const name = fileNamer(source, cflags);
  const sources = project.userFiles.map((file) => ({ name: name(file), sha256: files.digest(file) ?? '' }));
  return {
    ecc: VERSION,
    clang,
    kernel_headers: project.kernelHeader === 'own' ? 'own' : kernelOrigin,
    target_arch: arch,
    cflags: portableFlags(cflags),
    sources,
  };
}

/** Absolute paths in flags say where a machine keeps its files: include directories get the names that they have in the object. */
export function portableFlags(cflags: readonly string[]): string[] {
  const flags = [...cflags];
  for (const { flag, offset, value, name, isFile } of includeFlags(cflags)) {
    if (path.isAbsolute(value)) flags[flag] = flags[flag]!.slice(0, offset) + (isFile ? path.basename(value) : name);
  }
  return flags;
}

function fileNamer(source: string, cflags: readonly string[]): (file: string) => string {
  const directory = path.dirname(path.resolve(source));
  const includes = includeFlags(cflags)
    .filter(({ isFile }) => !isFile)
    .map(({ value, name }) => ({ directory: path.resolve(value), name }));
  return (file) => {
    const place = path.resolve(file);
    const near = path.relative(directory, place);
    if (!near.startsWith('..')) return near;
    const found = includes.find((include) => place.startsWith(`${include.directory}/`));
    if (found !== undefined) return path.join(found.name, path.relative(found.directory, place));
    return path.isAbsolute(file) ? path.basename(file) : near;
  };
}
