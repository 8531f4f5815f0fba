/** What lies behind a compile that failed, where clang's own words do not say it. */
import path from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { CompileError, type EccError, isEccError, MalformedError, ToolError } from '../core/errors.ts';
import { listKernels, readKernelBtf } from '../headers/data.ts';
import { describeThing, describeVersions, findInKernels, type KernelFinding } from '../headers/explain.ts';
import type { Arch } from '../toolchain/arch.ts';
import type { IncludeDirectory } from '../toolchain/clang.ts';
import { installHint } from '../toolchain/tools.ts';
import type { ToolVersion } from '../toolchain/version.ts';
import { explainMissingInclude, explainNames } from './explain-names.ts';
import { findForgottenIncludes } from './header-only.ts';
import type { Toolchain } from './toolchain.ts';

/** CO-RE relocations for enumerators came with clang 12, and source text in debug information works for bpf from 11 on. */
const OLDEST_CLANG = 12;

export interface FailureContext {
  readonly source: string;
  readonly tools: Toolchain;
  readonly version: () => Promise<ToolVersion>;
  readonly headerOnly: boolean;
  readonly userFiles: readonly string[];
  readonly arch: Arch;
  readonly cacheDir: string | undefined;
  /** Where the program's kernel types come from. */
  readonly kernelHeader: 'none' | 'own' | 'made';
  readonly includes: readonly IncludeDirectory[];
  /** A directory whose headers stand in for ours. */
  readonly workspace: string | undefined;
}

/** The error to show: the same one, or one that says more. */
export async function explainFailure(error: unknown, context: FailureContext): Promise<unknown> {
  if (!isEccError(error) || error.code !== 'COMPILE_FAILED') return error;
  const { major, text } = await context.version().catch(() => ({ major: 0, text: '' }));
  if (major > 0 && major < OLDEST_CLANG) {
    return new ToolError(
      'TOOL_TOO_OLD',
      `${context.tools.clang.path} is ${text}; clang ${OLDEST_CLANG} or newer is needed`,
      {
        details: { version: text, diagnostics: error.details.diagnostics },
        hint: `${installHint('clang')}   or name a newer one with --clang-bin`,
        cause: error,
      },
    );
  }
  const diagnostics = stripVTControlCharacters(String(error.details.diagnostics));
  const remarks = context.headerOnly ? forgottenIncludes(diagnostics, context.userFiles) : [];
  if (remarks.length === 0) remarks.push(...(await explain(diagnostics, context)));
  return remarks.length === 0 ? error : withRemarks(error, remarks);
}

async function explain(diagnostics: string, context: FailureContext): Promise<string[]> {
  const missing =
    explainWorkspace(diagnostics, context) ?? explainMissingInclude(diagnostics, context.source, context.includes);
  if (missing !== undefined) return [missing];
  const inKernels = await kernelRemarks(diagnostics, context);
  const known = new Set(inKernels.map(({ name }) => name));
  const names = explainNames(diagnostics, context.includes, context.kernelHeader !== 'none', known);
  return [...inKernels.map(({ text }) => text), ...names, ...clashRemarks(diagnostics)];
}

/** What we have ourselves, and the workspace that is used instead has not. */
function explainWorkspace(diagnostics: string, { workspace, arch }: FailureContext): string | undefined {
  const wanted = /'(vmlinux\.h|bpf\/[\w.]+)' file not found/.exec(diagnostics)?.[1];
  if (wanted === undefined || workspace === undefined) return undefined;
  return `a workspace is used instead of ecc's own headers, and ${workspace} has neither include/${wanted} nor include/vmlinux/${arch}/${wanted}`;
}

/** A few tenths of a second: only after a failure, and only when a name is missing. */
async function kernelRemarks(diagnostics: string, context: FailureContext): Promise<{ name: string; text: string }[]> {
  if (!/no member named|unknown type|undeclared|incomplete/.test(diagnostics)) return [];
  const { arch, cacheDir } = context;
  const kernels = await Promise.all(
    listKernels()
      .filter((kernel) => kernel.arch === arch)
      .map(async ({ version }) => ({
        version,
        btf: await readKernelBtf(arch, version, cacheDir === undefined ? {} : { cacheDirectory: cacheDir }),
      })),
  );
  return findInKernels(diagnostics, kernels).map((finding) => ({
    name: finding.thing.kind === 'member' ? finding.thing.member : finding.thing.name,
    text: `${describeThing(finding.thing)}: ${describeVersions(finding)}${advice(finding, context.kernelHeader)}`,
  }));
}

function advice({ thing, having, lacking }: KernelFinding, kernelHeader: FailureContext['kernelHeader']): string {
  const newest = having.at(-1)!;
  if (kernelHeader === 'none') return '; add  #include "vmlinux.h"';
  if (kernelHeader === 'own')
    return `; your own vmlinux.h is of another kernel: without it, ecc takes the types of ${newest}`;
  if (lacking.length === 0) return '';
  const both =
    thing.kind === 'member' ? `; a program for kernels without it too asks bpf_core_field_exists() first` : '';
  return `; --vmlinux ${newest} has it${both}`;
}

const CLASH =
  /^(.*?):\d+:\d+: error: (?:.*\bredefinition of|conflicting types for|redeclaration of|redefinition of enumerator|typedef redefinition)[^\n]*?'(?:struct |union |enum )?(\w+)'/gm;
const PREVIOUS = /^(.*?):\d+:\d+: note: previous (?:definition|declaration) is here/m;
const KERNEL_HEADER = 'vmlinux.h';

/** Two headers that define the same. */
function clashRemarks(diagnostics: string): string[] {
  for (const match of diagnostics.matchAll(CLASH)) {
    const [, file, name] = match;
    const previous = PREVIOUS.exec(diagnostics.slice(match.index))?.[1];
    if (previous === undefined) continue;
    const files = [file!, previous];
    if (!files.some((one) => path.basename(one) === KERNEL_HEADER)) continue;
    const other = files.find((one) => path.basename(one) !== KERNEL_HEADER);
    const system = /\/include\/(?:[\w-]+-linux-gnu\/)?((?:linux|asm|asm-generic|net|netinet|sys)\/.*)$/.exec(
      other ?? '',
    )?.[1];
    return [
      system === undefined
        ? `${name} is in vmlinux.h already: leave out the program's own, or give it another name (struct ${name}___mine is the same to CO-RE)`
        : `${name} is in vmlinux.h and in <${system}>, which cannot be read together: leave out <${system}>, and  #define  the macros that you need from it`,
    ];
  }
  return [];
}

/**
 * clang 14 only warns of functions that nobody declares; then the object refers to one that nobody has.
 * @param diagnostics  clang's warnings
 */
export function explainObject(error: unknown, diagnostics: string, includes: readonly IncludeDirectory[]): unknown {
  if (!isEccError(error) || !error.code.startsWith('BTF_EXTERN_') || error.hint !== undefined) return error;
  const remarks = explainNames(stripVTControlCharacters(diagnostics), includes, true);
  if (remarks.length === 0) return error;
  const { code, message, details, file } = error;
  return new MalformedError(code, message, { details, hint: remarks.join('\n'), cause: error }).in(file ?? '');
}

/** clang says that a name is unknown; which include the header forgot is more use. */
function forgottenIncludes(diagnostics: string, userFiles: readonly string[]): string[] {
  const users = new Set(userFiles.map((file) => path.resolve(file)));
  return findForgottenIncludes(diagnostics, (file) => users.has(path.resolve(file))).map(
    ({ file, line, message, hint }) => `${file}:${line}: ${message}; ${hint}`,
  );
}

/** The remarks before the hint that repeats the command. */
function withRemarks(error: EccError, remarks: readonly string[]): EccError {
  const hint = [...remarks, ...(error.hint === undefined ? [] : [error.hint])].join('\n');
  return new CompileError(error.code, error.message, {
    details: { ...error.details, remarks },
    hint,
    cause: error,
  }).in(error.file ?? '');
}
