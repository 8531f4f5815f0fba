/**
 * Single runs of clang on a source: code generation and the AST. Each can be started before what it reads has been written, and is then held
 * at a gate; clang's own start takes half of its time for a small program.
 */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Trace } from '../core/trace.ts';
import { astArgs, type CompileJob, codegenArgs } from '../toolchain/clang.ts';
import { GATE_FILE } from '../toolchain/gate.ts';
import { type RunOptions, type RunResult, runTool } from '../toolchain/run.ts';
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
  readonly trace: Trace;
}

/** When clang is started, and when it may read its input. */
export interface Turn {
  /** When the input has been written. */
  readonly ready: Promise<void>;
  /** Started at once and held until then; otherwise started then. */
  readonly isHeld: boolean;
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
export function generate(request: ClangRun, turn: Turn, precompiledHeader?: string): Promise<Generated> {
  const { codegen, workDirectory, colour } = request;
  const object = path.join(workDirectory, 'object.o');
  const depfile = path.join(workDirectory, 'object.d');
  return withAliases({ ...codegen, precompiledHeader }, workDirectory, async ({ job, restore }) => {
    const argsOf = (gated: CompileJob) => codegenArgs(gated, { object, depfile }, colour);
    const { exitCode, stderr } = await runInTurn(request, 'code generation', job, argsOf, turn);
    const read = exitCode === 0 ? parseDepfile(await readFile(depfile, 'utf8')) : [];
    const dependencies = read.filter((file) => file !== GATE_FILE).map(restore);
    return { exitCode, object, diagnostics: restore(stderr), dependencies, args: argsOf(job) };
  });
}

export interface AstJobs {
  readonly job: CompileJob;
  /** Taken when that has errors though the program has none; slow. */
  readonly fallback: CompileJob | undefined;
}

/** The AST as clang prints it. Errors are code generation's to report, so only the output counts. */
export async function dumpAst(request: ClangRun, turn: Turn, { job, fallback }: AstJobs): Promise<Buffer> {
  const { exitCode, stdout } = await runInTurn(request, 'AST', job, astArgs, turn);
  if (exitCode === 0 || fallback === undefined) return stdout;
  return (await runInTurn(request, 'AST', fallback, astArgs, { ...turn, isHeld: false })).stdout;
}

async function runInTurn(
  { clang, run, trace }: ClangRun,
  name: string,
  job: CompileJob,
  argsOf: (job: CompileJob) => readonly string[],
  { ready, isHeld }: Turn,
): Promise<RunResult> {
  if (!isHeld) await ready;
  const held = isHeld ? { until: ready, args: argsOf({ ...job, isHeld }) } : undefined;
  return trace.span(`clang: ${name}`, () => runTool(clang, argsOf(job), { ...run, isUrgent: true, held }));
}

/** Code generation that has been started before it was known what it will read. */
export interface EarlyCodegen {
  /** Lets it go on when the input has been written. */
  readonly goOn: (ready: Promise<void>) => Promise<Generated>;
  readonly stop: () => Promise<void>;
}

export function startEarly(request: ClangRun): EarlyCodegen {
  let settle: (ready: Promise<void>) => void;
  const ready = new Promise<void>((resolve) => {
    settle = resolve;
  });
  const stop = new AbortController();
  const run = { ...request.run, signal: eitherOf(stop.signal, request.run.signal) };
  const generated = generate({ ...request, run }, { ready, isHeld: true });
  // whoever lets it go on hears of a failure
  generated.catch(() => undefined);
  return {
    goOn(written) {
      settle(written);
      return generated;
    },
    async stop() {
      stop.abort();
      await generated.catch(() => undefined);
    },
  };
}

export function eitherOf(stop: AbortSignal, signal: AbortSignal | undefined): AbortSignal {
  return signal === undefined ? stop : AbortSignal.any([stop, signal]);
}
