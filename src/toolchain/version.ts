/** Which version a tool is. */
import { keepAnswer, readAnswer } from './answers.ts';
import { runTool } from './run.ts';
import type { Tool } from './tools.ts';

export interface ToolVersion {
  /** The line that names the version, without directories: `Debian clang version 14.0.6`. */
  readonly text: string;
  /** First number of the version, e.g. 14; 0 when none is found. */
  readonly major: number;
}

/** Asks the tool, or the cache. */
export async function readVersion(tool: Tool, cacheDir: string | undefined): Promise<ToolVersion> {
  const text = readAnswer(tool, 'version', cacheDir) ?? (await ask(tool, cacheDir));
  return { text, major: Number(/(\d+)\.\d+/.exec(text)?.[1] ?? 0) };
}

async function ask(tool: Tool, cacheDir: string | undefined): Promise<string> {
  const { stdout } = await runTool(tool, ['--version']);
  const lines = stdout.toString('utf8').split('\n');
  const text = (lines.find((line) => /\d+\.\d+/.test(line)) ?? lines[0] ?? '').trim();
  if (/\d/.test(text)) keepAnswer(tool, 'version', text, cacheDir);
  return text;
}
