/**
 * Object and metadata into a package. The compressor is pako, not Node's zlib: Node links one that picks its matches by what the
 * processor can do, so the same object would give other bytes on another machine.
 */
import { deflate } from 'pako';
import { canonicalJson, sorted } from './canonical.ts';
import type { BuildInfo, PackageFile, PackageMeta } from './schema.ts';

/** zlib's default level, the reference compiler's too. */
const LEVEL = 6;

export interface PackInput {
  /** The stripped ELF object. */
  readonly object: Uint8Array;
  readonly meta: PackageMeta;
  readonly buildInfo?: BuildInfo;
}

/**
 * Compresses next to nothing. The first time takes many times as long as any later one, and can be had while something else is waited
 * for.
 */
export function warmUpPacking(): void {
  deflate(new Uint8Array(1024), { level: LEVEL });
}

/** The package as a value, keys not yet sorted. */
export function makePackage({ object, meta, buildInfo }: PackInput): PackageFile {
  return {
    bpf_object: Buffer.from(deflate(object, { level: LEVEL })).toString('base64'),
    bpf_object_size: object.length,
    meta,
    ...(buildInfo === undefined ? {} : { build_info: buildInfo }),
  };
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
