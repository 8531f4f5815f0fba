/**
 * What a build will write, decided before anything runs: every path follows from the flags alone. Nothing later invents a file name,
 * and two artefacts can never meet in one file.
 */
import path from 'node:path';
import { UsageError } from '../core/errors.ts';

export const ARTEFACT_KINDS = [
  'object',
  'skeleton',
  'package',
  'types',
  'wasm-header',
  'standalone-source',
  'standalone',
  'archive',
  'depfile',
] as const;
export type ArtefactKind = (typeof ARTEFACT_KINDS)[number];

export interface Artefact {
  readonly kind: ArtefactKind;
  readonly path: string;
}

/** What the user asked to be written; the defaults are the reference compiler's. */
export interface OutputRequest {
  readonly sources: readonly string[];
  readonly exportHeader?: string | undefined;
  /** Default: the directory of each source. */
  readonly outDir?: string | undefined;
  readonly packageName?: string | undefined;
  readonly depfile?: string | undefined;
  readonly yaml?: boolean;
  readonly noPackage?: boolean;
  readonly headerOnly?: boolean;
  /** Only the object, which may need to be linked with others. */
  readonly objectOnly?: boolean;
  readonly types?: boolean;
  readonly wasmHeader?: boolean;
  readonly standalone?: boolean;
  readonly keepSource?: boolean;
  readonly btfgen?: boolean;
}

/** One source and all that is written for it. */
export interface BuildPlan {
  readonly source: string;
  /** The header whose structs are exported. */
  readonly exportHeader: string | undefined;
  /** File name of the source without its suffix. */
  readonly objName: string;
  readonly artefacts: readonly Artefact[];
}

/** File name without `.bpf.c` or `.c`; a header's without `.h`. */
export function objectName(source: string): string {
  const name = path.basename(source);
  const bare = name.replace(/(?:\.bpf)?\.c$|(?:\.bpf)?\.h$/, '');
  return bare === '' ? name.replace(/^\.+/, '') : bare;
}

/**
 * @throws {UsageError} `USAGE_CONFLICT` for flags that exclude each other, `USAGE_COLLISION` when two files would have one
 *   path or an artefact would replace an input.
 */
export function makePlans(request: OutputRequest): BuildPlan[] {
  checkConflicts(request);
  const several = request.sources.length > 1;
  const plans = request.sources.map((source): BuildPlan => {
    const objName = objectName(source);
    return {
      source,
      exportHeader: request.headerOnly ? source : request.exportHeader,
      objName,
      artefacts: [...artefacts(request, source, objName, several)],
    };
  });
  checkCollisions(request, plans);
  return plans;
}

function* artefacts(request: OutputRequest, source: string, objName: string, several: boolean): Generator<Artefact> {
  const directory = request.outDir ?? path.dirname(source);
  const at = (name: string) => (directory === '.' && !source.startsWith('./') ? name : path.join(directory, name));
  yield { kind: 'object', path: at(`${objName}.bpf.o`) };
  if (!request.objectOnly) yield* aboutObject(request, { at, objName, several });
  if (request.depfile !== undefined) yield { kind: 'depfile', path: request.depfile };
}

interface Naming {
  /** The path of a file of this name. */
  readonly at: (name: string) => string;
  readonly objName: string;
  readonly several: boolean;
}

/** Everything that needs the metadata. */
function* aboutObject(request: OutputRequest, { at, objName, several }: Naming): Generator<Artefact> {
  const format = request.yaml ? 'yaml' : 'json';
  yield { kind: 'skeleton', path: at(`${objName}.skel.${format}`) };
  if (request.types) yield { kind: 'types', path: at(`${objName}.bpf.ts`) };
  if (!request.noPackage) {
    const name = request.packageName ?? (several ? `${objName}.package.${format}` : `package.${format}`);
    yield { kind: 'package', path: at(name) };
  }
  if (request.wasmHeader) yield { kind: 'wasm-header', path: at(several ? `${objName}.ewasm-skel.h` : 'ewasm-skel.h') };
  if (request.standalone) {
    if (request.keepSource) yield { kind: 'standalone-source', path: at(`${objName}.standalone.c`) };
    yield { kind: 'standalone', path: at(`${objName}.out`) };
  }
  if (request.btfgen) yield { kind: 'archive', path: at(`${objName}.tar`) };
}

function checkConflicts(request: OutputRequest): void {
  const refuse = (flags: string, why: string): never => {
    throw new UsageError('USAGE_CONFLICT', `${flags} exclude each other: ${why}`);
  };
  if (request.noPackage) {
    const needs = [
      request.standalone && '--standalone',
      request.wasmHeader && '--wasm-header',
      request.btfgen && '--btfgen',
      request.packageName !== undefined && '--package-name',
    ].find((flag) => flag);
    if (needs) refuse(`--no-generate-package-json and ${needs}`, `${needs} is about the package`);
  }
  if (request.headerOnly && (request.standalone || request.btfgen)) {
    refuse(`--header-only and ${request.standalone ? '--standalone' : '--btfgen'}`, 'a header has no program to load');
  }
  if (request.headerOnly && request.exportHeader !== undefined)
    refuse('--header-only and an export header', 'the source is the header');
  if (request.objectOnly) {
    const other = [
      request.types && '--ts',
      request.wasmHeader && '--wasm-header',
      request.standalone && '--standalone',
      request.btfgen && '--btfgen',
      request.packageName !== undefined && '--package-name',
    ].find((flag) => flag);
    if (other) refuse(`--object-only and ${other}`, `${other} needs more than the object`);
  }
  if (request.keepSource && !request.standalone)
    throw new UsageError('USAGE_CONFLICT', '--keep-source needs --standalone: there is no source to keep otherwise');
  if (request.sources.length > 1) {
    const single = [
      request.packageName !== undefined && '--package-name',
      request.depfile !== undefined && '--depfile',
    ].find((flag) => flag);
    if (single) refuse(`${single} and several sources`, 'it names one file');
  }
  if (request.packageName !== undefined && path.basename(request.packageName) !== request.packageName) {
    throw new UsageError(
      'USAGE_PACKAGE_NAME',
      `--package-name ${request.packageName}: a file name without directories is expected`,
      {
        hint: 'use -o DIR to say where it goes',
      },
    );
  }
}

function checkCollisions(request: OutputRequest, plans: readonly BuildPlan[]): void {
  const taken = new Map<string, string>();
  for (const input of [...request.sources, ...(request.exportHeader === undefined ? [] : [request.exportHeader])]) {
    taken.set(path.resolve(input), `the input ${input}`);
  }
  for (const plan of plans) {
    for (const artefact of plan.artefacts) {
      const where = path.resolve(artefact.path);
      const other = taken.get(where);
      if (other !== undefined) {
        throw new UsageError(
          'USAGE_COLLISION',
          `${artefact.path}: the ${artefact.kind} of ${plan.source} would replace ${other}`,
          {
            hint: 'write them to different directories with -o DIR, or build them one by one',
          },
        );
      }
      taken.set(where, `the ${artefact.kind} of ${plan.source}`);
    }
  }
}
