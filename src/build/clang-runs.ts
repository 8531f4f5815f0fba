/** Single runs of clang on a source: code generation and the AST. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { astArgs, type CompileJob, codegenArgs } from '../toolchain/clang.ts';
import { type RunOptions, runTool } from '../toolchain/run.ts';
import type { Tool } from '../toolchain/tools.ts';
import { withAliases } from './aliases.ts';
import { parseDepfile } from './depfile.ts';

export interface ClangRun {
  readonly clang: Tool;
  /** For code generation; its first forced include is the file of export markers. */
  readonly codegen: CompileJob;
  readonly workDirectory: string;
  readonly colour: boolean;
  readonly run: RunOptions;
}

export interface Generated {
  readonly exitCode: number;
  readonly object: string;
  readonly diagnostics: string;
  /** The files that clang read. */
  readonly dependencies: readonly string[];
  readonly args: readonly string[];
}

/** @param precompiledHeader  stands for the user's own kernel header */
export function generate(request: ClangRun, precompiledHeader: string | undefined): Promise<Generated> {
  const { clang, codegen, workDirectory, colour, run } = request;
  const object = path.join(workDirectory, 'object.o');
  const depfile = path.join(workDirectory, 'object.d');
  return withAliases({ ...codegen, precompiledHeader }, workDirectory, async ({ job, restore }) => {
    const args = codegenArgs(job, { object, depfile }, colour);
    const { exitCode, stderr } = await runTool(clang, args, { ...run, isUrgent: true });
    const dependencies = exitCode === 0 ? parseDepfile(readFileSync(depfile, 'utf8')).map(restore) : [];
    return { exitCode, object, diagnostics: restore(stderr), dependencies, args };
  });
}

export interface AstJobs {
  readonly job: CompileJob;
  /** Taken when that has errors though the program has none; slow. */
  readonly fallback: CompileJob | undefined;
}

/** The AST as clang prints it. Errors are code generation's to report, so only the output counts. */
export async function dumpAst({ clang, run }: ClangRun, { job, fallback }: AstJobs): Promise<Buffer> {
  const dump = (one: CompileJob) => runTool(clang, astArgs(one), { ...run, isUrgent: true });
  const { exitCode, stdout } = await dump(job);
  return exitCode === 0 || fallback === undefined ? stdout : (await dump(fallback)).stdout;
}
