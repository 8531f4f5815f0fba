/** The libbpf headers of this machine, which programs include. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';

/** Packages that hold `bpf/bpf_helpers.h`. */
export const LIBBPF_PACKAGES = { apt: 'libbpf-dev', dnf: 'libbpf-devel', pacman: 'libbpf', apk: 'libbpf-dev' } as const;

export interface LibbpfHeaders {
  readonly directory: string;
  /** `major.minor`, from `libbpf_version.h`; `undefined` where that is missing. */
  readonly version: string | undefined;
}

export function findLibbpfHeaders(directories: readonly string[]): LibbpfHeaders | undefined {
  const directory = directories.find((candidate) => existsSync(path.join(candidate, 'bpf/bpf_helpers.h')));
  if (directory === undefined) return undefined;
  try {
    const text = readFileSync(path.join(directory, 'bpf/libbpf_version.h'), 'utf8');
    const part = (name: string) => new RegExp(`#define LIBBPF_${name}_VERSION (\\d+)`).exec(text)?.[1];
    return { directory, version: `${part('MAJOR')}.${part('MINOR')}` };
  } catch {
    return { directory, version: undefined };
  }
}
