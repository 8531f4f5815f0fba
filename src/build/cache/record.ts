/**
 * What a finished build was made from and what it made. A record counts as long as every file that was read has the same content
 * and every place where a file was looked for is still empty. Paths near the source are kept relative to it, so that a checkout
 * elsewhere, or on another machine, finds the same record.
 */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { sha256 } from '../../core/hash.ts';
import type { Warning } from '../../core/warning.ts';
import { ARTEFACT_KINDS, type ArtefactKind } from '../plan.ts';

export interface BuildRecord {
  /** Every file that went in besides the source, which is part of the key. */
  readonly inputs: readonly (readonly [path: string, digest: string])[];
  /** Where an included file was looked for and not found. */
  readonly absent: readonly string[];
  /** Blobs of the artefacts, in the order of the plan. */
  readonly artefacts: readonly (readonly [kind: ArtefactKind, digest: string])[];
  /** How the source and its headers were named: what `diagnostics` and `warnings` call them. */
  readonly spelling: string;
  readonly diagnostics: string;
  readonly warnings: readonly Warning[];
}

/** Records of one key differ in their inputs: a header on another branch, say. The newest are kept. */
const MAX_RECORDS = 8;

/** Content of a file; `undefined` when it cannot be read. */
export type ReadBytes = (file: string) => Uint8Array | undefined;

export const readOrNothing: ReadBytes = (file) => {
  try {
    return readFileSync(file);
  } catch {
    return undefined;
  }
};

/** `undefined` for a file that cannot be read. */
export function digestOf(file: string, readBytes: ReadBytes = readOrNothing): string | undefined {
  const bytes = readBytes(file);
  return bytes === undefined ? undefined : sha256(bytes);
}

/**
 * The first record that is still true. Each file is read once.
 * @param directory  that of the source
 * @param spelling  how things are named this time; records that have something to say about them must have named them the same
 */
export function findValid(
  records: readonly BuildRecord[],
  directory: string,
  spelling: string,
  readBytes: ReadBytes,
): BuildRecord | undefined {
  const digests = new Map<string, string | undefined>();
  const current = (file: string) => {
    if (!digests.has(file)) digests.set(file, digestOf(file, readBytes));
    return digests.get(file);
  };
  return records.find(
    (record) =>
      (record.spelling === spelling || isSilent(record)) &&
      record.inputs.every(([file, digest]) => current(path.resolve(directory, file)) === digest) &&
      record.absent.every((file) => !existsSync(path.resolve(directory, file))),
  );
}

function isSilent({ diagnostics, warnings }: BuildRecord): boolean {
  return diagnostics === '' && warnings.length === 0;
}

/** Records under one key, newest first; anything unreadable counts as none. */
export function parseRecords(bytes: Uint8Array | undefined): BuildRecord[] {
  if (bytes === undefined) return [];
  try {
    const records: unknown = JSON.parse(Buffer.from(bytes).toString('utf8'));
    return Array.isArray(records) ? records.filter(isRecord) : [];
  } catch {
    return [];
  }
}

/** The text for a key with one more record. */
export function addRecord(records: readonly BuildRecord[], record: BuildRecord): string {
  const others = records.filter(
    ({ inputs, absent }) => JSON.stringify([inputs, absent]) !== JSON.stringify([record.inputs, record.absent]),
  );
  return JSON.stringify([record, ...others].slice(0, MAX_RECORDS));
}

function isRecord(value: unknown): value is BuildRecord {
  const record = value as Partial<Record<keyof BuildRecord, unknown>> | null;
  return (
    typeof record === 'object' &&
    record !== null &&
    isPairs(record.inputs) &&
    isPairs(record.artefacts) &&
    record.artefacts.every(([kind, digest]) => ARTEFACT_KINDS.some((known) => known === kind) && isDigest(digest)) &&
    isStrings(record.absent) &&
    typeof record.spelling === 'string' &&
    typeof record.diagnostics === 'string' &&
    Array.isArray(record.warnings) &&
    record.warnings.every(isWarning)
  );
}

/** It becomes a file name. */
function isDigest(text: string): boolean {
  return /^[0-9a-f]{64}$/.test(text);
}

function isWarning(value: unknown): value is Warning {
  const warning = value as Partial<Record<keyof Warning, unknown>> | null;
  return (
    typeof warning === 'object' &&
    warning !== null &&
    typeof warning.code === 'string' &&
    typeof warning.message === 'string' &&
    [warning.file, warning.hint].every((text) => text === undefined || typeof text === 'string') &&
    [warning.line, warning.column].every((number) => number === undefined || typeof number === 'number')
  );
}

function isStrings(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}

function isPairs(value: unknown): value is [string, string][] {
  return Array.isArray(value) && value.every((pair) => isStrings(pair) && pair.length === 2);
}
