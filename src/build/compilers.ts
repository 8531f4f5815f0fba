/**
 * The two runs of clang, side by side, and again when the kernel header made for the source turns out to be too small. What is
 * shown to the user are the diagnostics of the last try.
 */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { parseBtfExt } from '../btf/ext.ts';
import { parseBtf } from '../btf/table.ts';
import { CompileError, ToolError } from '../core/errors.ts';
import type { Trace } from '../core/trace.ts';
import { type ElfFile, parseElf } from '../elf/elf.ts';
import { findProducer } from '../elf/producer.ts';
import { stripDebug } from '../elf/strip.ts';
import type { HeaderSession } from '../headers/session.ts';
import { type RunOptions, runTool, shellCommand } from '../toolchain/run.ts';
import type { Tool } from '../toolchain/tools.ts';
import { type AstJobs, type ClangRun, dumpAst, type Generated, generate } from './clang-runs.ts';
import { emitExportMarkers } from './exports.ts';
import { withoutNotesIn } from './own-notes.ts';
import { isPrecompiled, type PrecompiledHeader, precompile } from './precompiled.ts';

export interface CompilerRun extends ClangRun {
  /** llvm-strip, if one was named. */
  readonly strip: Tool | undefined;
  /** For objects that we do not strip ourselves; throws when there is none. */
  readonly getStrip: () => Tool;
  /** Stands for the user's own kernel header in code generation, once it is there. */
  readonly precompiled: PrecompiledHeader | undefined;
  /** Makes what clang needs for the AST. */
  readonly ast: () => Promise<AstJobs>;
  /** Makes the kernel header, and grows it; `undefined` when the user's own is used or none is needed. */
  readonly openSession: (() => HeaderSession) | undefined;
  /** Where the kernel header and the export markers are written. */
  readonly headerFile: string;
  readonly markersFile: string;
  /** Struct tags that get a marker. */
  readonly tags: readonly string[];
  /** Whether the AST has to be made beside the object; asked when the object is being made. */
  readonly needsAst: () => boolean;
  readonly trace: Trace;
  /** Called when clang has been started and there is nothing to do but wait. */
  readonly onWaiting: () => void;
  /** Called once, as soon as there is an object. */
  readonly onObject: () => void;
}

export interface CompilerOutput {
  /** The stripped object. */
  readonly object: Uint8Array;
  /** What clang calls itself; `undefined` when the object does not say. */
  readonly producer: string | undefined;
  /** The AST as clang printed it, if it was needed. */
  readonly ast: Buffer | undefined;
  /** Clang's warnings, as they are to be shown. */
  readonly diagnostics: string;
  /** The files that clang read. */
  readonly dependencies: readonly string[];
}

/** Enough for a header that has to grow a few times; the session goes over to the full header before. */
const MAX_TRIES = 12;

/**
 * @throws {CompileError} `COMPILE_FAILED` with clang's own diagnostics.
 * @throws {ToolError} `TOOL_NO_BPF` for a clang that cannot compile for bpf, `TOOL_FAILED`.
 */
export async function runCompilers(run: CompilerRun): Promise<CompilerOutput> {
  const stop = new AbortController();
  const precompiling = startPrecompiling(run, stop.signal);
  try {
    const output = await compileUntilGood(run);
    await precompiling;
    return output;
  } finally {
    stop.abort();
    await precompiling;
  }
}

async function compileUntilGood(run: CompilerRun): Promise<CompilerOutput> {
  const { openSession, trace } = run;
  const tags = new Set(run.tags);
  let session: HeaderSession | undefined;
  let precompiled = run.precompiled !== undefined && isPrecompiled(run.precompiled) ? run.precompiled.file : undefined;
  for (let tries = 1; ; tries++) {
    session ??= openSession?.();
    const header = session && (await trace.span('kernel header', () => session!.header()));
    writeFileSync(run.markersFile, emitExportMarkers(tags));
    if (header !== undefined) writeFileSync(run.headerFile, header);
    const stopAst = new AbortController();
    const generation = trace.span('clang: code generation', () => generate(run, precompiled));
    // both are waited for below; until then a failure is no unhandled one
    generation.catch(() => undefined);
    const ast = run.needsAst() ? startAst(run, stopAst.signal) : undefined;
    ast?.catch(() => undefined);
    try {
      setImmediate(() => {
        run.onWaiting();
        session?.isSound();
      });
      const generated = await generation;
      if (session !== undefined && !session.isSound()) continue;
      if (generated.exitCode === 0) {
        const enough = await checkAndStrip(run, session, generated);
        if (enough !== undefined) {
          run.onObject();
          const diagnostics = withoutNotesIn(run.markersFile, generated.diagnostics);
          return { ...generated, diagnostics, ...enough, ast: await ast };
        }
        if (tries < MAX_TRIES) continue;
      }
      if (precompiled !== undefined) {
        precompiled = undefined;
        continue;
      }
      const plain = stripVTControlCharacters(generated.diagnostics);
      const clash = clashingTag(plain, tags);
      if (clash !== undefined) {
        tags.delete(clash);
        continue;
      }
      if (tries < MAX_TRIES && (await session?.afterDiagnostics(plain))) continue;
      throw compileError(run, generated);
    } finally {
      stopAst.abort();
      // an AST that nobody waits for any more
      await ast?.catch(() => undefined);
    }
  }
}

/** Beside everything else, when clang is at work on the source. */
async function startPrecompiling(
  { precompiled, codegen, clang, run, trace }: CompilerRun,
  stop: AbortSignal,
): Promise<void> {
  if (precompiled === undefined || existsSync(precompiled.file)) return;
  const options = { ...run, signal: eitherOf(stop, run.signal) };
  await trace.span('clang: precompiled header', () => precompile(precompiled, codegen, clang, options));
}

async function startAst(run: CompilerRun, stop: AbortSignal): Promise<Buffer> {
  const jobs = await run.ast();
  const stoppable = { ...run, run: { ...run.run, signal: eitherOf(stop, run.run.signal) } };
  return run.trace.span('clang: AST', () => dumpAst(stoppable, jobs));
}

function eitherOf(stop: AbortSignal, signal: AbortSignal | undefined): AbortSignal {
  return signal === undefined ? stop : AbortSignal.any([stop, signal]);
}

/** The stripped object, or nothing when it was compiled against too small a header. */
async function checkAndStrip(
  run: CompilerRun,
  session: HeaderSession | undefined,
  { object: file, diagnostics }: Generated,
): Promise<Pick<CompilerOutput, 'object' | 'producer'> | undefined> {
  const { trace, strip } = run;
  const bytes = readFileSync(file);
  const elf = parseElf(bytes);
  const isGood =
    session === undefined ||
    (await trace.span('check the header', () => isEnough(session, elf, stripVTControlCharacters(diagnostics))));
  if (!isGood) return undefined;
  const stripped = strip === undefined ? trace.span('strip', () => stripDebug(bytes)) : undefined;
  const object = stripped ?? (await trace.span('llvm-strip', () => runStrip(strip ?? run.getStrip(), file, run.run)));
  return { object, producer: findProducer(elf) };
}

async function isEnough(session: HeaderSession, elf: ElfFile, diagnostics: string): Promise<boolean> {
  const types = elf.findSection('.BTF');
  const ext = elf.findSection('.BTF.ext');
  if (types === undefined || ext === undefined) return true;
  const btf = parseBtf(elf.data(types));
  return !(await session.afterObject(btf, parseBtfExt(elf.data(ext), btf), diagnostics));
}

async function runStrip(tool: Tool, file: string, options: RunOptions): Promise<Buffer> {
  const output = `${file}.stripped`;
  rmSync(output, { force: true });
  const { exitCode, stderr } = await runTool(tool, ['-g', file, '-o', output], { ...options, isUrgent: true });
  if (exitCode !== 0) {
    throw new ToolError('TOOL_FAILED', `${tool.path} exited with ${exitCode}: ${stderr.trim().split('\n')[0]}`, {
      hint: 'llvm-strip of the same LLVM version as clang is needed; name it with --llvm-strip-bin',
    });
  }
  return readFileSync(output);
}

/** A tag that is a struct in one place of the program and something else in another cannot have a marker. */
function clashingTag(diagnostics: string, tags: ReadonlySet<string>): string | undefined {
  const match = /use of '(\w+)' with tag type that does not match previous declaration/.exec(diagnostics);
  return match !== null && tags.has(match[1]!) ? match[1] : undefined;
}

function compileError(run: CompilerRun, { exitCode, diagnostics: all, args }: Generated): CompileError | ToolError {
  const { clang } = run;
  const diagnostics = withoutNotesIn(run.markersFile, all);
  if (/unable to create target|No available targets are compatible/.test(diagnostics)) {
    return new ToolError('TOOL_NO_BPF', `${clang.path} was built without the bpf target`, {
      hint: 'install clang from the distribution (apt install clang), or name another one with --clang-bin',
    });
  }
  const name = path.basename(clang.path);
  return new CompileError('COMPILE_FAILED', `${name} exited with ${exitCode}\n${diagnostics.trimEnd()}`, {
    details: { exitCode, diagnostics, command: [clang.path, ...args] },
    hint: `repeat with: ${shellCommand(name, userCommand(run))}`,
  }).in(run.codegen.source);
}

/** The command without what only our own pipeline needs, for repeating by hand. */
function userCommand({ codegen }: CompilerRun): string[] {
  return ['-target', 'bpf', '-g', '-O2', `-D__TARGET_ARCH_${codegen.arch}`, ...codegen.userFlags, '-c', codegen.source];
}
