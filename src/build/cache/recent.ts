/**
 * Builds that were found to be as they were a while ago, by the content of all files. As long as size, times and inode of each are what they
 * were then, nothing has to be read or hashed to know that they still are: how git and make know it.
 *
 * A file can change without any of that being different only within one tick of the clock, so files that are that young do not count.
 */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { stampOf } from '../../core/stamp.ts';
import { BUILD_ID } from '../../core/version.ts';
import type { Toolchain } from '../toolchain.ts';
import type { Finished } from './finished.ts';
import { shelfFile } from './shelves.ts';
import type { CacheStore } from './store.ts';
import { VARIABLES } from './variables.ts';

/** Coarser than the clock of any file system. */
const YOUNG_MS = 2500;
/** Then they are read again, which tells the cache that they are in use. */
const BELIEVED_MS = 24 * 3600 * 1000;
/** Environment variables that decide what a command line means. */
const DECIDING = [...VARIABLES, 'PATH', 'CLANG', 'LLVM_STRIP', 'BPFTOOL', 'ECC_CACHE_SIZE'];

interface Note {
  /** All that decides what is built, besides the content of files. */
  readonly question: string;
  /** What was said of the builds. */
  readonly answer: string;
  readonly madeMs: number;
  readonly stamps: readonly (readonly [file: string, stamp: string])[];
  readonly absent: readonly string[];
}

/** @param words  the command line */
export function recentQuestion(words: readonly string[]): string {
  const variables = DECIDING.map((name) => process.env[name] ?? null);
  return JSON.stringify([BUILD_ID ?? null, process.cwd(), words, variables]);
}

/**
 * What {@link keepRecent} was told, when nothing can have changed since.
 * @param root  the cache directory
 */
export function recentAnswer(root: string, question: string): string | undefined {
  try {
    const note = JSON.parse(readFileSync(shelfFile(root, 'notes', nameOf(question)), 'utf8')) as Note;
    const age = Date.now() - note.madeMs;
    const isGood =
      note.question === question &&
      age >= 0 &&
      age < BELIEVED_MS &&
      note.stamps.every(([file, stamp]) => stampOf(file) === stamp) &&
      !note.absent.some((file) => existsSync(file));
    return isGood ? note.answer : undefined;
  } catch {
    return undefined;
  }
}

export interface RecentBuilds {
  readonly question: string;
  /** What there is to say when they are found again. */
  readonly answer: string;
  readonly tools: Toolchain;
  readonly found: readonly Finished[];
}

/** Remembers builds that were just found to be as they were, unless one of their files is too young to tell. */
export function keepRecent(store: CacheStore, { question, answer, tools, found }: RecentBuilds): void {
  const files = new Set([tools.clang.path, ...(tools.strip === undefined ? [] : [tools.strip.path])]);
  const absent = new Set<string>();
  for (const file of tools.passed) (existsSync(file) ? files : absent).add(path.resolve(file));
  for (const { plan, record } of found) {
    const source = path.resolve(plan.source);
    const directory = path.dirname(source);
    files.add(source);
    for (const [file] of record.inputs) files.add(path.resolve(directory, file));
    for (const file of record.absent) absent.add(path.resolve(directory, file));
    for (const artefact of plan.artefacts) files.add(path.resolve(artefact.path));
  }
  const madeMs = Date.now();
  const stamps: [string, string][] = [];
  for (const file of files) {
    const stamp = stampOf(file, madeMs - YOUNG_MS);
    if (stamp === undefined) return;
    stamps.push([file, stamp]);
  }
  const note: Note = { question, answer, madeMs, stamps, absent: [...absent] };
  store.writeNote(nameOf(question), JSON.stringify(note));
}

/** Only to tell files apart: the question itself is compared. Hashing as all other names are would load a module for it. */
function nameOf(question: string): string {
  let [low, high] = [0x811c9dc5, 0x01000193];
  for (let i = 0; i < question.length; i++) {
    low = Math.imul(low ^ question.charCodeAt(i), 0x01000193);
    high = Math.imul(high ^ low, 0x85ebca6b);
  }
  return [low, high].map((word) => (word >>> 0).toString(16).padStart(8, '0')).join('');
}
