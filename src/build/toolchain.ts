/** The tools of one build, found once. A tool that the build does not need is not looked for. */
import path from 'node:path';
import { runTool } from '../toolchain/run.ts';
import { findTool, getTool, type Tool } from '../toolchain/tools.ts';

export interface ToolChoice {
  /** Paths or names from the command line; found by environment variable and `PATH` otherwise. */
  readonly clang?: string | undefined;
  readonly llvmStrip?: string | undefined;
  /** Directory whose `bin/`, `include/` and `include/vmlinux/ARCH/` are used instead of ours. */
  readonly workspace?: string | undefined;
}

export interface Toolchain {
  readonly clang: Tool;
  readonly strip: Tool;
}

/** @throws {ToolError} `TOOL_MISSING` */
export async function locateToolchain(choice: ToolChoice): Promise<Toolchain> {
  const firstDirectory = choice.workspace === undefined ? undefined : path.join(choice.workspace, 'bin');
  const plain = findTool('clang', { explicit: choice.clang, firstDirectory, accepts: () => false });
  const clang = plain ?? (await newestWithBpf(firstDirectory));
  return { clang, strip: getTool('llvm-strip', { explicit: choice.llvmStrip, firstDirectory, beside: clang }) };
}

/** Versioned names only: the newest that can compile for bpf. Distributions also build clang without it. */
async function newestWithBpf(firstDirectory: string | undefined): Promise<Tool> {
  const refused = new Set<string>();
  for (;;) {
    const tool = getTool('clang', { firstDirectory, accepts: (file) => !refused.has(file) });
    const { stdout } = await runTool(tool, ['--print-targets']);
    if (/^\s*bpf\s/m.test(stdout.toString('utf8')) || refused.has(tool.path)) return tool;
    refused.add(tool.path);
  }
}
