/**
 * Which version a tool is. Asking costs a process, so answers are kept in the cache directory under the tool's real path, size and
 * modification time.
 */
import { mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { sha256 } from '../core/hash.ts';
import { runTool } from './run.ts';
import type { Tool } from './tools.ts';

export interface ToolVersion {
  /** The line that names the version, without directories: `Debian clang version 14.0.6`. */
  readonly text: string;
  /** First number of the version, e.g. 14; 0 when none is found. */
  readonly major: number;
}

/** Asks the tool, or the cache. Failing to write the cache is no error. */
export async function readVersion(tool: Tool, cacheDir: string | undefined): Promise<ToolVersion> {
  const text = cached(tool, cacheDir) ?? (await ask(tool, cacheDir));
  return { text, major: Number(/(\d+)\.\d+/.exec(text)?.[1] ?? 0) };
}

function cacheFile(tool: Tool, cacheDir: string): string {
  const { size, mtimeMs } = statSync(tool.realPath);
  return path.join(cacheDir, 'tools', sha256(`${tool.realPath}\n${size}\n${mtimeMs}`).slice(0, 32));
}

function cached(tool: Tool, cacheDir: string | undefined): string | undefined {
  if (cacheDir === undefined) return undefined;
  try {
    const text = readFileSync(cacheFile(tool, cacheDir), 'utf8');
    return /\d/.test(text) && text.length < 200 ? text : undefined;
  } catch {
    return undefined;
  }
}

async function ask(tool: Tool, cacheDir: string | undefined): Promise<string> {
  const { stdout } = await runTool(tool, ['--version']);
  const lines = stdout.toString('utf8').split('\n');
  const text = (lines.find((line) => /\d+\.\d+/.test(line)) ?? lines[0] ?? '').trim();
  if (cacheDir !== undefined) {
    try {
      const file = cacheFile(tool, cacheDir);
      mkdirSync(path.dirname(file), { recursive: true });
      const temporary = `${file}.${process.pid}`;
      writeFileSync(temporary, text);
      renameSync(temporary, file);
    } catch {
      // a cache that cannot be written only costs time
    }
  }
  return text;
}
