/**
 * clang's command lines for eBPF: code generation, the AST, and what of it the user may and may not change. Each of our own flags
 * has its reason beside it. The user's flags come after ours, so that `-O1` or `-mcpu=v4` win.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { UsageError } from '../core/errors.ts';
import { ARCH_FACTS, type Arch } from './arch.ts';

export interface CompileJob {
  /** The source as the user named it: what diagnostics will say. */
  readonly source: string;
  readonly arch: Arch;
  /** Directories of ours that come before all others: the header made for this source, libbpf's missing macros. */
  readonly ourIncludes: readonly string[];
  /** Directories of ours that come last of all: stand-ins for what the system lacks. */
  readonly lastIncludes: readonly string[];
  /** A precompiled header that stands before all of these; for code generation. */
  readonly precompiledHeader?: string | undefined;
  /** Files that are read before the source. */
  readonly forcedIncludes: readonly string[];
  /** Flags of the user, as given. */
  readonly userFlags: readonly string[];
  /** Flags that say what kind of file the source is; for headers, which clang would precompile. */
  readonly inputFlags?: readonly string[];
  /** Which clang it is for; 0 when no path of the user's is absolute, where all do the same. */
  readonly clangMajor?: number;
  /** Directories of ours and the names that they get in the object, so that no path of this machine stays in it. */
  readonly mappedDirectories: readonly MappedDirectory[];
}

export interface MappedDirectory {
  readonly directory: string;
  readonly name: string;
}

/** Flags that would break what comes after the compile, each with the reason that the user is told. */
const REFUSED: readonly { readonly pattern: RegExp; readonly why: string }[] = [
  { pattern: /^(-target|--target.*)$/, why: 'the target follows from --target-arch' },
  { pattern: /^-g.*$/, why: 'BTF, and with it the package, is made from debug information; it is always on' },
  { pattern: /^-(c|S|E|fsyntax-only)$/, why: 'an object is what the package is made of' },
  { pattern: /^-o.*$/, why: 'the object is named after the source; use -o DIR of ecc itself to say where it goes' },
  { pattern: /^-emit-(llvm|ast)$/, why: 'an object is what the package is made of' },
  { pattern: /^-flto(=.*)?$/, why: 'an object is what the package is made of, not bitcode' },
  { pattern: /^-(M|MD|MM|MMD|MF.*|MT.*|MQ.*|MP|MG|MJ.*)$/, why: 'dependencies are written with --depfile FILE' },
];

/** @throws {UsageError} `USAGE_CFLAG` for a flag that would break the build. */
export function checkUserFlags(flags: readonly string[]): void {
  for (const flag of flags) {
    const refused = REFUSED.find(({ pattern }) => pattern.test(flag));
    if (refused === undefined) continue;
    throw new UsageError('USAGE_CFLAG', `-a ${flag}: this flag cannot be given: ${refused.why}`, { details: { flag } });
  }
}

/** Where the system keeps headers, in clang's order for the bpf target, plus the per-architecture directory that it leaves out. */
export function systemIncludes(arch: Arch): string[] {
  return ['/usr/local/include', ...multiarchIncludes(arch), '/usr/include'].filter((directory) =>
    existsSync(directory),
  );
}

/**
 * `asm/types.h` and friends lie in a directory that clang does not search for the bpf target. Without the headers of the
 * wanted architecture those of any other do for most programs.
 */
function multiarchIncludes(arch: Arch): string[] {
  const wanted = path.join('/usr/include', ARCH_FACTS[arch].multiarch);
  if (existsSync(wanted)) return [wanted];
  const any = Object.values(ARCH_FACTS).map(({ multiarch }) => path.join('/usr/include', multiarch));
  return any.filter((directory) => existsSync(directory)).slice(0, 1);
}

/** A directory that clang searches for included files. */
export interface IncludeDirectory {
  readonly path: string;
  /** `-isystem` and the compiler's own: what is found there is not the user's code. */
  readonly system: boolean;
  /** `-iquote`: for `#include "..."` only. */
  readonly quotedOnly: boolean;
}

/** All directories that clang searches for a job, in its order. */
export function searchPath(job: Pick<CompileJob, 'arch' | 'ourIncludes' | 'userFlags'>): IncludeDirectory[] {
  const of = (paths: readonly string[], system: boolean, quotedOnly = false) =>
    paths.map((directory) => ({ path: directory, system, quotedOnly }));
  return [
    ...of(flagValues(job.userFlags, ['-iquote']), false, true),
    ...of(job.ourIncludes, true),
    ...of(flagValues(job.userFlags, ['-I', '--include-directory=', '--include-directory']), false),
    ...of(flagValues(job.userFlags, ['-isystem']), true),
    ...of(systemIncludes(job.arch), true),
    ...of(flagValues(job.userFlags, ['-idirafter']), false),
  ];
}

const DIRECTORY_FLAGS = ['-I', '-isystem', '-iquote', '-idirafter', '--include-directory=', '--include-directory'];
const FILE_FLAGS = ['-include', '-imacros', '--include=', '--include', '--imacros='];

/** The user's include directories out of `-I`, `-isystem`, `-iquote`, `-idirafter`, in order. */
export function userIncludes(flags: readonly string[]): string[] {
  return flagValues(flags, DIRECTORY_FLAGS);
}

/** A directory or file that the user adds to what is read. */
export interface IncludeFlag {
  /** Which of the flags holds the path, and at which character it begins. */
  readonly flag: number;
  readonly offset: number;
  /** The path as given. */
  readonly value: string;
  /** What the object calls the directory. */
  readonly name: string;
  /** A forced include, not a directory. */
  readonly isFile: boolean;
}

/** The user's include directories and forced includes, in order. */
export function includeFlags(flags: readonly string[]): IncludeFlag[] {
  const found: IncludeFlag[] = [];
  let directories = 0;
  for (const { flag, offset, value, option } of flagPlaces(flags, [...DIRECTORY_FLAGS, ...FILE_FLAGS])) {
    const isFile = FILE_FLAGS.includes(option);
    found.push({ flag, offset, value, name: isFile ? '' : includeName(directories++), isFile });
  }
  return found;
}

/** What the object calls the user's include directory of that number. */
function includeName(index: number): string {
  return `inc${index === 0 ? '' : index}`;
}

/** Values of `-D`, without the `-D`. */
export function userDefines(flags: readonly string[]): string[] {
  return flagValues(flags, ['-D', '--define-macro=', '--define-macro']);
}

/** Files of `-include` and `-imacros`. */
export function userForcedIncludes(flags: readonly string[]): string[] {
  return flagValues(flags, FILE_FLAGS);
}

/** Values of flags that are written together (`-Idir`) or apart (`-I dir`). */
function flagValues(flags: readonly string[], names: readonly string[]): string[] {
  return [...flagPlaces(flags, names)].map(({ value }) => value);
}

function* flagPlaces(flags: readonly string[], names: readonly string[]) {
  for (let i = 0; i < flags.length; i++) {
    const flag = flags[i]!;
    const option = names.find((candidate) => flag.startsWith(candidate));
    if (option === undefined || (option === '-include' && flag.startsWith('-include-pch'))) continue;
    const offset = flag === option ? 0 : option.length;
    if (offset === 0) i++;
    const value = flags[i]?.slice(offset);
    if (value !== undefined && value !== '') yield { flag: i, offset, value, option };
  }
}

/** What both runs of clang share: the target and what is included from where. */
function commonArgs(job: CompileJob): string[] {
  const { target } = ARCH_FACTS[job.arch];
  return [
    '-target',
    target,
    `-D__TARGET_ARCH_${job.arch}`,
    // attributes of other compilers in kernel and libbpf headers
    '-Wno-unknown-attributes',
    ...job.ourIncludes.flatMap((directory) => ['-I', directory]),
    ...job.forcedIncludes.flatMap((file) => ['-include', file]),
    ...job.userFlags,
    ...multiarchIncludes(job.arch).flatMap((directory) => ['-idirafter', directory]),
    ...job.lastIncludes.flatMap((directory) => ['-idirafter', directory]),
  ];
}

const SOURCE_IN_DEBUG_INFORMATION = ['-gdwarf-5', '-gembed-source', '-fdebug-compilation-dir=.'];

export interface CodegenOutput {
  readonly object: string;
  /** Where clang lists the files that it read. */
  readonly depfile: string;
}

/**
 * Source to object. The same bytes whatever the directory: paths are mapped to names, the compilation directory is `.`, and the
 * source text travels inside the debug information, since the lines in BTF are looked up under the mapped names.
 */
export function codegenArgs(job: CompileJob, output: CodegenOutput, colour: boolean): string[] {
  return [
    '-g',
    '-O2',
    '-c',
    ...(job.precompiledHeader === undefined ? [] : ['-include-pch', job.precompiledHeader]),
    ...commonArgs(job),
    ...SOURCE_IN_DEBUG_INFORMATION,
    ...pathMaps(job),
    colour ? '-fcolor-diagnostics' : '-fno-color-diagnostics',
    '-MD',
    '-MF',
    output.depfile,
    '-MT',
    'object',
    '-o',
    output.object,
    ...(job.inputFlags ?? []),
    sourceArgument(job.source),
  ];
}

/**
 * A header to its precompiled form, for {@link codegenArgs} of jobs with the same flags of the user's. It goes by the header's size, not
 * by its time, which is another one in every checkout.
 */
export function precompileArgs(job: CompileJob, header: string, output: string): string[] {
  return [
    '-g',
    '-O2',
    ...commonArgs({ ...job, ourIncludes: [], lastIncludes: [], forcedIncludes: [] }),
    ...SOURCE_IN_DEBUG_INFORMATION,
    '-Xclang',
    '-fno-pch-timestamp',
    '-x',
    'c-header',
    header,
    '-o',
    output,
  ];
}

/** Source to clang's AST as JSON on standard output; diagnostics are code generation's to print. */
export function astArgs(job: CompileJob): string[] {
  return [
    '-fsyntax-only',
    '-Xclang',
    '-ast-dump=json',
    '-w',
    ...commonArgs(job),
    ...(job.inputFlags ?? []),
    sourceArgument(job.source),
  ];
}

/** What an editor's language server is to run clang with. */
export function editorArgs(job: CompileJob): string[] {
  return ['-g', '-O2', '-c', ...commonArgs(job), ...(job.inputFlags ?? []), sourceArgument(job.source)];
}

/** A name with a leading dash would be read as a flag. */
export function sourceArgument(source: string): string {
  return source.startsWith('-') ? `./${source}` : source;
}

/** The directory of the source as clang will prefix it to the names of files found beside the source; `''` for the current one. */
export function directoryPrefix(source: string): string {
  const argument = sourceArgument(source);
  const slash = argument.lastIndexOf('/');
  return slash < 0 ? '' : argument.slice(0, slash + 1);
}

/** From this version on a file that was named by an absolute path is no longer taken to lie in the compilation directory. */
const ABSOLUTE_STAYS_ALONE = 15;

/** True when clang's version makes a difference for the names of files in the object: for those that clang is given with an absolute name. */
export function namesAbsolutePaths(job: Pick<CompileJob, 'source' | 'userFlags'>): boolean {
  return [job.source, ...userIncludes(job.userFlags)].some((file) => file.startsWith('/') || file.includes('='));
}

function pathMaps(job: CompileJob): string[] {
  const inDirectory = (from: string) => !from.startsWith('/') || (job.clangMajor ?? 0) < ABSOLUTE_STAYS_ALONE;
  const maps: [string, string][] = [];
  userIncludes(job.userFlags).forEach((directory, index) => {
    maps.push([withSlash(directory), `${includeName(index)}/`]);
  });
  for (const { directory, name } of job.mappedDirectories) maps.push([withSlash(directory), `${name}/`]);
  const prefix = directoryPrefix(job.source);
  if (prefix !== '') maps.push([prefix, '']);
  // clang ends the prefix at the first `=`; directories with one in their names come here by another (aliases.ts)
  return maps
    .filter(([from]) => !from.includes('='))
    .map(([from, to]) => `-ffile-prefix-map=${from}=${inDirectory(from) ? to : `./${to}`}`);
}

function withSlash(directory: string): string {
  return directory.endsWith('/') ? directory : `${directory}/`;
}
