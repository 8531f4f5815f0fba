/** The tools of one build, found once. A tool that the build does not need is not looked for. */
import { realpathSync } from 'node:fs';
import path from 'node:path';
import { chosenCache } from '../core/paths.ts';
import { keepAnswer, readAnswer } from '../toolchain/answers.ts';
import { runTool } from '../toolchain/run.ts';
import { findTool, getTool, type Tool } from '../toolchain/tools.ts';

export interface ToolChoice {
  /** Paths or names from the command line; found by environment variable and `PATH` otherwise. */
  readonly clang?: string | undefined;
  readonly llvmStrip?: string | undefined;
  /** Directory whose `bin/`, `include/` and `include/vmlinux/ARCH/` are used instead of ours. */
  readonly workspace?: string | undefined;
  /** Where answers of tools and unpacked kernel types are kept; `false`: nowhere. Default: the user's cache. */
  readonly cacheDir?: string | false | undefined;
}

export interface Toolchain {
  readonly clang: Tool;
  /** llvm-strip, where one was named; otherwise we strip objects ourselves, with the same outcome. */
  readonly strip: Tool | undefined;
  /** Places where they were looked for first. */
  readonly passed: readonly string[];
}

/** @throws {ToolError} `TOOL_MISSING` */
export async function locateToolchain(choice: ToolChoice): Promise<Toolchain> {
  return knownToolchain(choice) ?? withStrip(choice, await newestWithBpf(choice), []);
}

/**
 * The same without running anything; `undefined` when a clang has to be asked what it can do.
 * @throws {ToolError} `TOOL_MISSING`
 */
export function knownToolchain(choice: ToolChoice): Toolchain | undefined {
  const cacheDir = chosenCache(choice.cacheDir);
  const passed: string[] = [];
  let unknown = false;
  const clang = findTool('clang', {
    explicit: choice.clang,
    firstDirectory: binDirectory(choice),
    accepts: (file) => {
      const targets = unknown ? undefined : readAnswer({ realPath: realpathSync(file) }, 'targets', cacheDir);
      unknown ||= targets === undefined;
      return targets !== undefined && hasBpf(targets);
    },
    passed,
  });
  return clang === undefined || unknown ? undefined : withStrip(choice, clang, passed);
}

function withStrip(choice: ToolChoice, clang: Tool, passed: string[]): Toolchain {
  const isNamed = choice.llvmStrip !== undefined || process.env.LLVM_STRIP || choice.workspace !== undefined;
  return { clang, strip: isNamed ? getStrip(choice, clang, passed) : undefined, passed };
}

/**
 * The llvm-strip that was named, or the one that belongs to clang.
 * @throws {ToolError} `TOOL_MISSING`
 */
export function getStrip(choice: ToolChoice, clang: Tool, passed?: string[]): Tool {
  const firstDirectory = binDirectory(choice);
  return getTool('llvm-strip', { explicit: choice.llvmStrip, firstDirectory, beside: clang, passed });
}

function binDirectory({ workspace }: ToolChoice): string | undefined {
  return workspace === undefined ? undefined : path.join(workspace, 'bin');
}

/** Versioned names only: the newest that can compile for bpf. Distributions also build clang without it. */
async function newestWithBpf(choice: ToolChoice): Promise<Tool> {
  const firstDirectory = binDirectory(choice);
  const cacheDir = chosenCache(choice.cacheDir);
  const refused = new Set<string>();
  for (;;) {
    const tool = getTool('clang', { firstDirectory, accepts: (file) => !refused.has(file) });
    const { stdout } = await runTool(tool, ['--print-targets']);
    const targets = stdout.toString('utf8');
    keepAnswer(tool, 'targets', targets, cacheDir);
    if (hasBpf(targets) || refused.has(tool.path)) return tool;
    refused.add(tool.path);
  }
}

function hasBpf(targets: string): boolean {
  return /^\s*bpf\s/m.test(targets);
}
