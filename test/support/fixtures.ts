/** The fixtures: `fixtures/manifest.json` with types, and the arguments that each compiler wants. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { KernelFeature } from './kernel.ts';

export const FIXTURES_DIRECTORY = path.join(import.meta.dirname, '..', '..', 'fixtures');

/** How a program gets into the kernel's way; `auto` is what libbpf does by itself from the section name. */
export type AttachWay =
  | 'auto'
  | 'xdp'
  | 'tc'
  | 'cgroup'
  | 'netns'
  | 'perf_event'
  | 'struct_ops'
  | 'iter'
  | 'sockmap'
  | 'test_run'
  | 'usdt'
  | 'none';

/** An event of the workload. 64-bit numbers are decimal strings; bool members are booleans, char arrays strings up to NUL. */
export interface ExpectedEvent {
  /** A ring buffer or perf event array; for iterators the program. */
  readonly map: string;
  readonly type: string;
  readonly atLeast: number;
  readonly members: Readonly<Record<string, string | number | boolean>>;
}

export interface Fixture {
  readonly name: string;
  /** These three below `fixtures/`. */
  readonly source: string;
  readonly header?: string;
  readonly includeDirs?: readonly string[];
  /** Program types, map types and features that it stands for. */
  readonly kinds: readonly string[];
  /** Where its kernel types come from: a `vmlinux.h` that the compiler provides, its own beside the source, or none. */
  readonly vmlinux: 'kernel' | 'own' | 'none';
  readonly minClang: number;
  /** False: it defines names that the whole kernel header has too, so it does not compile with that. */
  readonly fullHeader: boolean;
  /** Structs that live in modules, or that not every kernel has: the running kernel's BTF may not know them. */
  readonly moduleTypes?: readonly string[];
  /** `expected: false`: no kernel of ours loads it, for `reason`. `needs`: kernels with these load it. */
  readonly load: { readonly expected: boolean; readonly needs?: readonly KernelFeature[]; readonly reason?: string };
  readonly attach: {
    readonly how: AttachWay;
    readonly needs?: readonly KernelFeature[];
    /** `usdt`: a C program with static probes, below `fixtures/`; built, it is `$TARGET` of the workload. */
    readonly target?: string;
    /** `usdt`: `PROVIDER:PROBE` in it, by program. */
    readonly probes?: Readonly<Record<string, string>>;
    /** Only these; all by default. */
    readonly programs?: readonly string[];
    readonly reason?: string;
  };
  /** For `sh -c`, while it is attached; `$CGROUP` is the directory of the cgroup that it is attached to. */
  readonly workload?: string;
  readonly expect?: {
    /** Regular expressions for lines of the trace pipe, in order. */
    readonly trace?: readonly string[];
    readonly events?: readonly ExpectedEvent[];
    /** Variables of `.bss` and `.data`: the sum of all their 64-bit or smaller integers, or text. */
    readonly globals?: readonly { readonly name: string; readonly atLeast?: number; readonly text?: string }[];
    /** Number of keys in a map. */
    readonly entries?: readonly { readonly map: string; readonly atLeast: number }[];
  };
}

export const FIXTURES: readonly Fixture[] = (
  JSON.parse(readFileSync(path.join(FIXTURES_DIRECTORY, 'manifest.json'), 'utf8')) as { fixtures: Fixture[] }
).fixtures;

export function getFixture(name: string): Fixture {
  const found = FIXTURES.find((fixture) => fixture.name === name);
  if (found === undefined) throw new Error(`no fixture ${name}`);
  return found;
}

/** Absolute path of a file of the fixtures. */
export function fixturePath(file: string): string {
  return path.join(FIXTURES_DIRECTORY, file);
}

/** `-I` for each include directory of a fixture. */
export function includeFlags(fixture: Fixture): string[] {
  return (fixture.includeDirs ?? []).map((directory) => `-I${fixturePath(directory)}`);
}

/** What `ecc` is called with: options, source, export header. */
export function eccArguments(fixture: Fixture): string[] {
  return [
    ...includeFlags(fixture).flatMap((flag) => ['-a', flag]),
    fixturePath(fixture.source),
    ...(fixture.header === undefined ? [] : [fixturePath(fixture.header)]),
  ];
}
