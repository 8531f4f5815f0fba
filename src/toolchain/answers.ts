/**
 * What a tool said when it was asked, kept in the cache directory: asking costs a process. The answer is known by the tool's real path,
 * size and modification time; what a wrapper runs can change behind its back, so its answers are not kept.
 */
import { readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { sha256 } from '../core/hash.ts';
import { makeDirectory } from '../core/make-directory.ts';
import { toolIdentity } from './identity.ts';
import type { Tool } from './tools.ts';

export type Question = 'version' | 'targets';

const MAX_ANSWER = 8192;

/** `undefined` when it is not known. */
export function readAnswer(
  tool: Pick<Tool, 'realPath'>,
  question: Question,
  cacheDir: string | undefined,
): string | undefined {
  if (cacheDir === undefined) return undefined;
  try {
    const text = readFileSync(answerFile(tool, question, cacheDir), 'utf8');
    return text.length > 0 && text.length < MAX_ANSWER ? text : undefined;
  } catch {
    return undefined;
  }
}

/** Failing to write is no error. */
export function keepAnswer(
  tool: Pick<Tool, 'realPath'>,
  question: Question,
  answer: string,
  cacheDir: string | undefined,
): void {
  if (cacheDir === undefined || toolIdentity(tool) === undefined) return;
  try {
    const file = answerFile(tool, question, cacheDir);
    makeDirectory(path.dirname(file));
    const temporary = `${file}.${process.pid}`;
    writeFileSync(temporary, answer);
    renameSync(temporary, file);
  } catch {
    // a cache that cannot be written only costs time
  }
}

function answerFile({ realPath }: Pick<Tool, 'realPath'>, question: Question, cacheDir: string): string {
  const { size, mtimeMs } = statSync(realPath);
  return path.join(cacheDir, 'tools', sha256(`${realPath}\n${size}\n${mtimeMs}\n${question}`).slice(0, 32));
}
