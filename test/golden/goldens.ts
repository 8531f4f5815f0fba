/**
 * The golden objects: each with what the reference tool (bpftool of the eunomia-bpf fork, v7.5.0 with libbpf 1.5) printed for it,
 * byte for byte, and its exit codes. `manifest.json` says how each was made.
 */
import { readFileSync } from 'node:fs';

export interface Golden {
  readonly name: string;
  /** The file name that the reference tool was given; `obj_name` comes from it. */
  readonly fileName: string;
  readonly skeletonExit: number;
  readonly structsExit: number;
}

interface ManifestEntry {
  readonly object: string;
  readonly sha256: string;
  readonly skeletonExit: number;
  readonly structsExit: number;
}

const at = (path: string) => new URL(path, import.meta.url);

const manifest: Record<string, ManifestEntry> = JSON.parse(readFileSync(at('manifest.json'), 'utf8'));

export const goldens: readonly Golden[] = Object.entries(manifest).map(([name, entry]) => ({
  name,
  fileName: entry.object,
  skeletonExit: entry.skeletonExit,
  structsExit: entry.structsExit,
}));

export function readGoldenObject(name: string): Uint8Array {
  return readFileSync(at(`data/${encodeURIComponent(name)}/object.o`));
}

/** What the reference tool printed. */
export function readReference(name: string, which: 'skel' | 'structs'): string {
  return readFileSync(at(`data/${encodeURIComponent(name)}/${which}.json`), 'utf8');
}

/** What the reference tool should have printed, written by hand from the source; only where it crashed or took the wrong section. */
export function readExpected(name: string): unknown {
  return JSON.parse(readFileSync(at(`expected/${name}.json`), 'utf8'));
}
