/** Object and metadata into a package. */
import { canonicalJson, sorted } from './canonical.ts';
import { deflate } from './deflate.ts';
import type { BuildInfo, PackageFile, PackageMeta } from './schema.ts';

export interface PackInput {
  /** The stripped ELF object. */
  readonly object: Uint8Array;
  readonly meta: PackageMeta;
  readonly buildInfo?: BuildInfo;
}

/** The package as a value, keys not yet sorted. */
export function makePackage({ object, meta, buildInfo }: PackInput): PackageFile {
  return {
    bpf_object: Buffer.from(deflate(object)).toString('base64'),
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
