/**
 * What a finished build was made from and what it made. A record counts as long as every file that was read has the same content
 * and every place where a file was looked for is still empty. Paths near the source are kept relative to it, so that a checkout
 * elsewhere, or on another machine, finds the same record.
 */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { sha256 } from '../../core/hash.ts';
import type { Warning } from '../../core/warning.ts';
import type { ArtefactKind } from '../plan.ts';

export interface BuildRecord {
  /** `[path, digest]` of every file that went in. */
  readonly inputs: readonly (readonly [path: string, digest: string])[];
  /** Where an included file was looked for and not found. */
  readonly absent: readonly string[];
  /** Blobs of the artefacts. */
  readonly artefacts: readonly (readonly [kind: ArtefactKind, digest: string])[];
  /** As given: what `diagnostics` and `warnings` call the source. */
  readonly source: string;
  readonly diagnostics: string;
  readonly warnings: readonly Warning[];
}

/** Records of one key differ in their inputs: a header on another branch, say. The newest are kept. */
const MAX_RECORDS = 8;

/** `undefined` for a file that cannot be read. */
export function digestOf(file: string): string | undefined {
  try {
    return sha256(readFileSync(file));
  } catch {
    return undefined;
  }
}

/** A path for a record: relative to the directory of the source unless it is one of the system's. */
export function portablePath(file: string, directory: string): string {
  const absolute = path.resolve(file);
  return /^\/(usr|lib|sys|opt)\//.test(absolute) ? absolute : path.relative(directory, absolute);
}

/** The first record whose inputs are as they were. Digests are taken once a file. */
export function findValid(records: readonly BuildRecord[], directory: string): BuildRecord | undefined {
  const digests = new Map<string, string | undefined>();
  const current = (file: string) => {
    if (!digests.has(file)) digests.set(file, digestOf(file));
    return digests.get(file);
  };
  return records.find(
    ({ inputs, absent }) =>
      inputs.every(([file, digest]) => current(path.resolve(directory, file)) === digest) &&
      absent.every((file) => !existsSync(path.resolve(directory, file))),
  );
}

/** Records under one key, newest first; anything unreadable counts as none. */
export function parseRecords(bytes: Uint8Array | undefined): BuildRecord[] {
  if (bytes === undefined) return [];
  try {
    const records: unknown = JSON.parse(Buffer.from(bytes).toString('utf8'));
    return Array.isArray(records) && records.every(isRecord) ? records : [];
  } catch {
    return [];
  }
}

/** The text for a key with one more record. */
export function addRecord(records: readonly BuildRecord[], record: BuildRecord): string {
  const others = records.filter(({ inputs }) => JSON.stringify(inputs) !== JSON.stringify(record.inputs));
  return JSON.stringify([record, ...others].slice(0, MAX_RECORDS));
}

function isRecord(value: unknown): value is BuildRecord {
  const record = value as Partial<Record<keyof BuildRecord, unknown>> | null;
  return (
    typeof record === 'object' &&
    record !== null &&
    isPairs(record.inputs) &&
    isPairs(record.artefacts) &&
    isStrings(record.absent) &&
    typeof record.source === 'string' &&
    typeof record.diagnostics === 'string' &&
    Array.isArray(record.warnings)
  );
}

function isStrings(value: unknown): boolean {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}

function isPairs(value: unknown): boolean {
  return Array.isArray(value) && value.every((pair) => isStrings(pair) && (pair as unknown[]).length === 2);
}
