/**
 * Object and metadata into a package. The compressor is pako, not Node's zlib: Node links one that picks its matches by what the
 * processor can do, so the same object would give other bytes on another machine.
 */
import { deflate } from 'pako';
import { canonicalJson, sorted } from './canonical.ts';
import type { BuildInfo, PackageFile, PackageMeta } from './schema.ts';

/** zlib's default level, the reference compiler's too. */
const LEVEL = 6;
/** Small tables: setting them up takes longer than compressing a program, and larger ones find no more in it. */
const MEMORY_LEVEL = 5;

export interface PackInput {
  /** The stripped ELF object. */
  readonly object: Uint8Array;
  readonly meta: PackageMeta;
  readonly buildInfo?: BuildInfo;
}

/** The package as a value, keys not yet sorted. */
export function makePackage({ object, meta, buildInfo }: PackInput): PackageFile {
  return {
    bpf_object: Buffer.from(compress(object)).toString('base64'),
    bpf_object_size: object.length,
    meta,
    ...(buildInfo === undefined ? {} : { build_info: buildInfo }),
  };
}

function compress(object: Uint8Array): Uint8Array {
  return deflate(object, { level: LEVEL, memLevel: MEMORY_LEVEL });
}

/** The text of `package.json`: compact, keys sorted, no newline at the end. */
export function packPackage(input: PackInput): string {
  return canonicalJson(makePackage(input));
}

/** The text of `package.yaml`. */
export async function emitYaml(value: unknown): Promise<string> {
  const { stringify } = await import('./yaml.ts');
  return stringify(sorted(value), { lineWidth: 0, aliasDuplicateObjects: false });
}
