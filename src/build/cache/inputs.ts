/**
 * All that a build read, and all places where it looked in vain: when none of that has changed, neither would the outcome. Where this
 * cannot be said for certain, the build is not kept.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { templateDirectory } from '../../core/paths.ts';
import { ARCH_FACTS, type Arch } from '../../toolchain/arch.ts';
import type { Tool } from '../../toolchain/tools.ts';
import type { InputFiles } from '../input-files.ts';
import { HOST_BTF } from '../kernel-types.ts';
import type { Project } from '../project.ts';

export interface BuildInputs {
  /** Absolute paths with the digests of their content. */
  readonly files: readonly (readonly [file: string, digest: string])[];
  /** Absolute paths. */
  readonly absent: readonly string[];
}

export interface InputRequest {
  readonly project: Project;
  /** What clang says that it read. */
  readonly dependencies: readonly string[];
  readonly workDirectory: string;
  readonly files: InputFiles;
  readonly clang: Tool;
  readonly arch: Arch;
  /** As given. */
  readonly vmlinux: string | undefined;
}

/** What the digests of files do not tell: time, and whether some other file is there. */
const UNTRACEABLE = /__DATE__|__TIME__|__TIMESTAMP__|__has_include|__has_embed|\.incbin/;
const COMPILER_HEADER = /\/lib(?:32|64)?\/clang\/[^/]+\/include\//;

export function collectInputs(request: InputRequest): BuildInputs | { readonly obstacle: string } {
  const { project, workDirectory, files: inputs, vmlinux } = request;
  const { scan } = project;
  const ours = [workDirectory, templateDirectory()].map((directory) => path.resolve(directory) + path.sep);
  const isOurs = (file: string) => ours.some((directory) => file.startsWith(directory));
  const scanned = new Set(scan.files.map((file) => path.resolve(file.path)));
  const read = new Set(scanned);
  for (const dependency of request.dependencies) {
    const file = path.resolve(dependency);
    if (isOurs(file)) continue;
    const understood = scanned.has(file) || COMPILER_HEADER.test(file) || path.basename(file) === 'vmlinux.h';
    if (!understood && file !== resolved(vmlinux))
      return { obstacle: `how ${dependency} came to be included is not known` };
    read.add(file);
  }
  for (const file of project.userFiles) {
    const found = UNTRACEABLE.exec(inputs.readText(file) ?? '')?.[0];
    if (found !== undefined) return { obstacle: `${file} uses ${found}` };
  }
  if (vmlinux === 'host') read.add(HOST_BTF);
  else if (vmlinux !== undefined && existsSync(vmlinux)) read.add(path.resolve(vmlinux));

  const absent = new Set([...scan.missing, ...absentDirectories(request.arch)].map((file) => path.resolve(file)));
  for (const file of configurationFiles(request.clang)) (existsSync(file) ? read : absent).add(file);
  const digests: [string, string][] = [];
  for (const file of read) {
    if (isOurs(file)) continue;
    const digest = inputs.steadyDigest(file);
    if (digest === undefined) return { obstacle: `${file} was written during the build` };
    digests.push([file, digest]);
  }
  return { files: digests, absent: [...absent].filter((file) => !isOurs(file)) };
}

function resolved(file: string | undefined): string | undefined {
  return file === undefined ? undefined : path.resolve(file);
}

/** Include directories that count once they are there. */
function absentDirectories(arch: Arch): string[] {
  return ['/usr/local/include', path.join('/usr/include', ARCH_FACTS[arch].multiarch)].filter(
    (directory) => !existsSync(directory),
  );
}

/** Where clang looks for flags of the machine's, from version 16 on. */
function configurationFiles({ path: file, realPath }: Tool): string[] {
  const directories = new Set([path.dirname(realPath), path.dirname(file), '/etc/clang']);
  const names = ['clang.cfg', 'bpf.cfg', 'bpf-clang.cfg'];
  return [...directories].flatMap((directory) => names.map((name) => path.join(directory, name)));
}
