/** Which version a tool is. */
import { keepAnswer, readAnswer } from './answers.ts';
import { type RunOptions, runTool } from './run.ts';
import type { Tool } from './tools.ts';

export interface ToolVersion {
  /** The line that names the version, without directories: `Debian clang version 14.0.6`. */
  readonly text: string;
  /** First number of the version, e.g. 14; 0 when none is found. */
  readonly major: number;
}

/** Ample for a tool that prints one line. */
const TIMEOUT_MS = 10_000;

/**
 * Asks the tool, or the cache.
 * @throws {ToolError} when the tool breaks down or hangs
 */
export async function readVersion(
  tool: Tool,
  cacheDir: string | undefined,
  options: RunOptions = {},
): Promise<ToolVersion> {
  const text = readAnswer(tool, 'version', cacheDir) ?? (await ask(tool, cacheDir, options));
  return { text, major: Number(/(\d+)\.\d+/.exec(text)?.[1] ?? 0) };
}

async function ask(tool: Tool, cacheDir: string | undefined, options: RunOptions): Promise<string> {
  const { stdout } = await runTool(tool, ['--version'], { timeoutMs: TIMEOUT_MS, isUrgent: true, ...options });
  const lines = stdout.toString('utf8').split('\n');
  const text = (lines.find((line) => /\d+\.\d+/.test(line)) ?? lines[0] ?? '').trim();
  if (/\d/.test(text)) keepAnswer(tool, 'version', text, cacheDir);
  return text;
}
