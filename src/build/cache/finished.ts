/**
 * Builds that need not be done again: found by their key, told apart by what they read, put back out of the cache directory where an
 * artefact is missing or was changed.
 */
import { statSync, utimesSync } from 'node:fs';
import path from 'node:path';
import type { Warning } from '../../core/warning.ts';
import type { BuildEvent, BuildOptions } from '../build.ts';
import type { CompiledObject } from '../compile.ts';
import type { Artefact, BuildPlan } from '../plan.ts';
import { knownToolchain } from '../toolchain.ts';
import { protectForeignPackages, protectInputs, type WrittenFile, writeFiles } from '../write.ts';
import { recordKey } from './key.ts';
import { portablePath } from './portable-path.ts';
import {
  addRecord,
  type BuildRecord,
  digestOf,
  findValid,
  parseRecords,
  type ReadBytes,
  readOrNothing,
} from './record.ts';
import type { CacheStore } from './store.ts';

/** A build that was done before, or what is known about it not having been done. */
export type Lookup =
  | Finished
  /** `key` is where the build is to be kept. */
  | { readonly kind: 'new'; readonly key: string; readonly sourceDigest: string }
  | { readonly kind: 'unkept'; readonly obstacle: string };

export interface Finished {
  readonly kind: 'found';
  readonly plan: BuildPlan;
  readonly key: string;
  readonly sourceDigest: string;
  readonly record: BuildRecord;
  /** Those that are missing or not as they were built. */
  readonly changed: readonly ChangedArtefact[];
}

interface ChangedArtefact {
  readonly artefact: Artefact;
  readonly digest: string;
}

/**
 * Looks for the build. Reads files and runs nothing.
 * @param readBytes  how inputs are read
 */
export function findFinished(
  store: CacheStore,
  plan: BuildPlan,
  options: BuildOptions,
  readBytes: ReadBytes = readOrNothing,
): Lookup {
  const tools = knownToolchain({ ...options, cacheDir: store.root });
  if (tools === undefined) return { kind: 'unkept', obstacle: 'it has to be found out which clang has the bpf target' };
  const source = plan.source === '-' ? undefined : readBytes(plan.source);
  if (source === undefined) return { kind: 'unkept', obstacle: 'the source is no file' };
  const result = recordKey({ plan, options, tools, source });
  if ('obstacle' in result) return { kind: 'unkept', obstacle: result.obstacle };
  const { key, sourceDigest } = result;
  const directory = path.dirname(path.resolve(plan.source));
  const record = findValid(parseRecords(store.readRecord(key)), directory, spelling(plan, options), readBytes);
  if (record === undefined || record.artefacts.length !== plan.artefacts.length)
    return { kind: 'new', key, sourceDigest };
  const changed = plan.artefacts.flatMap((artefact, index): ChangedArtefact[] => {
    const digest = record.artefacts[index]![1];
    return digestOf(artefact.path) === digest ? [] : [{ artefact, digest }];
  });
  return { kind: 'found', plan, key, sourceDigest, record, changed };
}

/**
 * Puts back what is not there any more.
 * @returns false when the cache has lost it: then it must be built
 * @throws those of {@link writeFiles} and {@link protectForeignPackages}
 */
export async function restore(
  store: CacheStore,
  { plan, record, changed }: Finished,
  options: Pick<BuildOptions, 'force' | 'signal'>,
): Promise<boolean> {
  const files: WrittenFile[] = [];
  for (const { artefact, digest } of changed) {
    const content = store.readBlob(digest);
    if (content === undefined) return false;
    files.push({ artefact, content });
  }
  if (files.length > 0) {
    const artefacts = files.map(({ artefact }) => artefact as Artefact);
    protectForeignPackages(artefacts, options.force === true);
    protectInputs(artefacts, inputsOf(plan, record));
    writeFiles(files, { staging: [path.join(store.root, 'staging')], signal: options.signal });
  }
  makeNewer(plan, record);
  store.used(record.artefacts.map(([, digest]) => digest));
  return true;
}

/** Tells of a build that was not done what it would have told. */
export function replay({ plan, record, changed }: Finished, onEvent: (event: BuildEvent) => void): void {
  const { source } = plan;
  onEvent({ kind: 'inputs', source, files: inputsOf(plan, record), absent: usersFiles(plan, record.absent) });
  if (record.diagnostics !== '') onEvent({ kind: 'diagnostics', source, text: record.diagnostics });
  for (const warning of record.warnings) onEvent({ kind: 'warning', source, warning });
  onEvent({ kind: 'reused', source, restored: changed.length > 0 });
}

/** The source, and what it includes of the user's. */
function inputsOf(plan: BuildPlan, record: BuildRecord): string[] {
  return [
    plan.source,
    ...usersFiles(
      plan,
      record.inputs.map(([file]) => file),
    ),
  ];
}

function usersFiles({ source }: BuildPlan, files: readonly string[]): string[] {
  const directory = path.dirname(source);
  return files.filter((file) => !path.isAbsolute(file)).map((file) => path.join(directory, file));
}

/** An artefact older than what it is made from would have make ask for it again and again. */
function makeNewer(plan: BuildPlan, record: BuildRecord): void {
  const directory = path.dirname(path.resolve(plan.source));
  const own = record.inputs.map(([file]) => file).filter((file) => !path.isAbsolute(file));
  const times = [plan.source, ...own.map((file) => path.resolve(directory, file))].map(modified);
  const newest = Math.max(...times);
  for (const artefact of plan.artefacts) {
    if (modified(artefact.path) >= newest) continue;
    try {
      utimesSync(artefact.path, new Date(), new Date());
    } catch {
      // somebody else's file: its content is right
    }
  }
}

function modified(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

/** What was built. */
export interface FinishedBuild {
  readonly compiled: Pick<CompiledObject, 'inputs' | 'diagnostics'>;
  readonly warnings: readonly Warning[];
  /** In the order of the plan. */
  readonly contents: readonly (Uint8Array | string)[];
}

export interface KeepRequest extends FinishedBuild {
  readonly plan: BuildPlan;
  readonly options: BuildOptions;
  readonly lookup: Lookup;
}

/**
 * Keeps a finished build for the next time.
 * @returns why it cannot be kept; a cache directory that cannot be written is no reason
 */
export function keepFinished(store: CacheStore, request: KeepRequest): string | undefined {
  const { plan, options, lookup, compiled, contents } = request;
  if (lookup.kind === 'unkept') return lookup.obstacle;
  const inputs = compiled.inputs();
  if ('obstacle' in inputs) return inputs.obstacle;
  const source = path.resolve(plan.source);
  const directory = path.dirname(source);
  const portable = (file: string) => portablePath(file, directory);
  // saved between two looks: what was compiled is not what the key says
  if (inputs.files.find(([file]) => file === source)?.[1] !== lookup.sourceDigest)
    return `${source} was saved during the build`;
  const record: BuildRecord = {
    inputs: inputs.files.filter(([file]) => file !== source).map(([file, digest]) => [portable(file), digest]),
    absent: inputs.absent.map(portable),
    artefacts: plan.artefacts.map(({ kind }, index) => [kind, store.writeBlob(contents[index]!)]),
    spelling: spelling(plan, options),
    diagnostics: compiled.diagnostics,
    warnings: request.warnings,
  };
  store.writeRecord(lookup.key, addRecord(parseRecords(store.readRecord(lookup.key)), record));
  return undefined;
}

/** What diagnostics depend on besides what they are about. */
function spelling(plan: BuildPlan, { colour }: BuildOptions): string {
  return JSON.stringify([plan.source, plan.exportHeader ?? null, colour === true]);
}
