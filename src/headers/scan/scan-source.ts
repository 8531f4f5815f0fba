/**
 * What a source and everything that it includes mention: the identifiers that its kernel header is made for, the struct tags
 * that it could export, the files that a build of it depends on.
 *
 * A superset by design: conditionals are ignored, so a branch that is not taken adds names, and an include that does not
 * matter may be missing. Names that token pasting builds are not seen; the guards in ../session.ts catch those.
 */
import { readFileSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { isOurHeader } from '../marker.ts';
import { type Definitions, findDefinitions, type OwnTag } from './definitions.ts';
import { type PasteMacro, pastedNames } from './pastes.ts';
import { type FileTokens, type IncludeDirective, parseIncludeTarget, scanTokens } from './tokens.ts';

/** Its prototypes mention half of the kernel; what it needs of it is in `ALWAYS` of ../make-header.ts. */
const HELPER_DEFS = 'bpf_helper_defs.h';
const VMLINUX = 'vmlinux.h';
/** A vmlinux.h of the user's that is larger holds types; a smaller one may only include another. */
const LARGEST_STUB = 64 * 1024;

/** A directory in which clang looks for included files. */
export interface IncludePath {
  readonly path: string;
  /** `-isystem` and the compiler's own: what is found there is not the user's code. */
  readonly system: boolean;
  /** `-iquote`. */
  readonly quotedOnly?: boolean;
}

export interface ScanRequest {
  /** Path of the source. */
  readonly source: string;
  /** Its text. */
  readonly text: string;
  /** In the order in which clang searches them. */
  readonly includePaths: readonly IncludePath[];
  /** Values of `-D`: `NAME` or `NAME=VALUE`. */
  readonly defines?: readonly string[];
  /** Files of `-include`. */
  readonly forcedIncludes?: readonly string[];
  /** Text of a regular file, `undefined` when there is none. Default: the file system. */
  readonly readText?: (path: string) => string | undefined;
  /** Keeps what was found in files that did not change, for builds of several sources. */
  readonly cache?: ScanCache;
}

export interface SourceStructTag {
  readonly tag: string;
  readonly file: string;
  /** 1-based. */
  readonly line: number;
}

export interface ScannedFile {
  readonly path: string;
  readonly system: boolean;
  /** Whether its text was looked at: not that of a whole `vmlinux.h`, nor that of libbpf's list of helpers. */
  readonly isScanned: boolean;
}

export interface SourceScan {
  readonly identifiers: ReadonlySet<string>;
  /** Functions that the program or a header of its declares at file scope. */
  readonly declaredFunctions: ReadonlySet<string>;
  /** What the user's files define under names of their own choice. */
  readonly own: Definitions;
  /** Tags behind `struct` in the user's files, in the order in which the files are read. */
  readonly structTags: readonly SourceStructTag[];
  /** The texts of the user's files. */
  readonly userTexts: readonly string[];
  /** All files that were found, the source first. */
  readonly files: readonly ScannedFile[];
  /** Where a file was looked for and not found: would there be one, the scan could differ. */
  readonly missing: readonly string[];
  /** True when something includes a `vmlinux.h`. */
  readonly includesVmlinux: boolean;
  /** The user's own `vmlinux.h`; one that adds something to ours is none. */
  readonly ownVmlinux: string | undefined;
}

/** Tokens of files by path; valid as long as the text is the same. */
export class ScanCache {
  readonly #files = new Map<string, { readonly text: string; readonly tokens: FileTokens }>();

  tokens(path: string, text: string): FileTokens {
    const known = this.#files.get(path);
    if (known?.text === text) return known.tokens;
    const tokens = scanTokens(text);
    this.#files.set(path, { text, tokens });
    return tokens;
  }
}

/** Reads a source and its includes. A few ms for a program and libbpf's headers. Files that cannot be read count as missing. */
export function scanSource(request: ScanRequest): SourceScan {
  const scanner = new Scanner(request);
  scanner.run();
  return scanner.result();
}

interface FoundFile {
  readonly path: string;
  readonly system: boolean;
  /** Index of the include path under which it was found, -1 when it was found beside the including file. */
  readonly pathIndex: number;
}

interface PendingInclude {
  readonly directive: IncludeDirective;
  readonly from: FoundFile;
}

class Scanner {
  readonly #request: ScanRequest;
  readonly #readText: (path: string) => string | undefined;
  readonly #identifiers = new Set<string>();
  readonly #declaredFunctions = new Set<string>();
  readonly #own = { tags: new Map<string, OwnTag>(), ordinary: new Set<string>() };
  readonly #structTags = new Map<string, SourceStructTag>();
  readonly #files = new Map<string, ScannedFile>();
  readonly #missing = new Set<string>();
  readonly #includeMacros = new Map<string, Set<string>>();
  readonly #pending: PendingInclude[] = [];
  readonly #pasteMacros: PasteMacro[] = [];
  readonly #userTexts: string[] = [];
  #includesVmlinux = false;
  #ownVmlinux: string | undefined;
  /** The user's own `vmlinux.h` includes another one, which is nowhere: it means ours. */
  #extendsOurs = false;

  constructor(request: ScanRequest) {
    this.#request = request;
    this.#readText = request.readText ?? readRegularFile;
  }

  run(): void {
    const { source, text, defines = [], forcedIncludes = [] } = this.#request;
    for (const define of defines) this.#define(define);
    const main: FoundFile = { path: source, system: false, pathIndex: -1 };
    this.#files.set(resolve(source), { path: source, system: false, isScanned: true });
    this.#take(text, scanTokens(text), main);
    for (const name of forcedIncludes) {
      // clang looks for these from the working directory, then as for a quoted include.
      const from: FoundFile = { path: './-', system: false, pathIndex: -1 };
      this.#include({ form: 'quoted', name, next: false, line: 0 }, from);
    }
    this.#followMacros();
    this.#addPastedNames();
  }

  result(): SourceScan {
    return {
      identifiers: this.#identifiers,
      declaredFunctions: this.#declaredFunctions,
      own: this.#own,
      structTags: [...this.#structTags.values()],
      userTexts: this.#userTexts,
      files: [...this.#files.values()],
      missing: [...this.#missing],
      includesVmlinux: this.#includesVmlinux,
      ownVmlinux: this.#extendsOurs ? undefined : this.#ownVmlinux,
    };
  }

  #define(define: string): void {
    const equals = define.indexOf('=');
    for (const word of scanTokens(define).identifiers) this.#identifiers.add(word);
    if (equals > 0) this.#addIncludeMacro(define.slice(0, equals), define.slice(equals + 1));
  }

  #addIncludeMacro(name: string, value: string): void {
    const values = this.#includeMacros.get(name);
    if (values === undefined) this.#includeMacros.set(name, new Set([value]));
    else values.add(value);
  }

  #take(text: string, tokens: FileTokens, file: FoundFile): void {
    for (const word of tokens.identifiers) this.#identifiers.add(word);
    for (const name of tokens.declaredFunctions) this.#declaredFunctions.add(name);
    for (const [name, value] of tokens.includeMacros) this.#addIncludeMacro(name, value);
    this.#pasteMacros.push(...tokens.pasteMacros);
    if (!file.system) {
      this.#userTexts.push(text);
      const { tags, ordinary } = findDefinitions(text);
      for (const [tag, kind] of tags) if (!this.#own.tags.has(tag)) this.#own.tags.set(tag, kind);
      for (const name of ordinary) this.#own.ordinary.add(name);
      for (const { tag, line } of tokens.structTags)
        if (!this.#structTags.has(tag)) this.#structTags.set(tag, { tag, file: file.path, line });
    }
    for (const directive of tokens.includes) {
      if (directive.form === 'macro') this.#pending.push({ directive, from: file });
      else this.#include(directive, file);
    }
  }

  #addPastedNames(): void {
    for (const macro of this.#pasteMacros) {
      for (const text of this.#userTexts)
        if (text.includes(macro.name)) for (const name of pastedNames(text, macro)) this.#identifiers.add(name);
    }
  }

  /** Includes whose file name is in a macro: any definition that was seen may be the one. */
  #followMacros(): void {
    const followed = new Set<string>();
    for (let progress = true; progress; ) {
      progress = false;
      for (const { directive, from } of [...this.#pending]) {
        for (const target of this.#macroTargets(directive.name, new Set())) {
          const key = `${from.path}\0${directive.next}\0${target.form}\0${target.name}`;
          if (followed.has(key)) continue;
          followed.add(key);
          progress = true;
          this.#include({ ...target, next: directive.next, line: directive.line }, from);
        }
      }
    }
  }

  #macroTargets(name: string, through: Set<string>): Pick<IncludeDirective, 'form' | 'name'>[] {
    if (through.has(name)) return [];
    through.add(name);
    return [...(this.#includeMacros.get(name) ?? [])].flatMap((value) => {
      const target = parseIncludeTarget(value);
      if (target === undefined) return [];
      return target.form === 'macro' ? this.#macroTargets(target.name, through) : [target];
    });
  }

  #include(directive: IncludeDirective, from: FoundFile): void {
    const isVmlinux = basename(directive.name) === VMLINUX;
    if (isVmlinux) this.#includesVmlinux = true;
    for (const candidate of this.#candidates(directive, from)) {
      const key = resolve(candidate.path);
      if (this.#files.has(key)) return;
      if (this.#missing.has(candidate.path)) continue;
      const text = this.#readText(candidate.path);
      if (text === undefined) {
        this.#missing.add(candidate.path);
        continue;
      }
      if (isVmlinux && isOurHeader(text)) continue;
      const isScanned = !(isVmlinux && text.length > LARGEST_STUB) && basename(candidate.path) !== HELPER_DEFS;
      this.#files.set(key, { path: candidate.path, system: candidate.system, isScanned });
      if (isVmlinux) this.#ownVmlinux ??= candidate.path;
      if (!isScanned) return;
      this.#take(text, this.#request.cache?.tokens(key, text) ?? scanTokens(text), candidate);
      return;
    }
    if (directive.name === VMLINUX && basename(from.path) === VMLINUX) this.#extendsOurs = true;
  }

  *#candidates(directive: IncludeDirective, from: FoundFile): Generator<FoundFile> {
    const { includePaths } = this.#request;
    const { name } = directive;
    if (name.startsWith('/')) {
      yield { path: name, system: from.system, pathIndex: -1 };
      return;
    }
    if (directive.form === 'quoted' && !directive.next)
      yield { path: join(dirname(from.path), name), system: from.system, pathIndex: from.pathIndex };
    for (let index = directive.next ? from.pathIndex + 1 : 0; index < includePaths.length; index++) {
      const { path, system, quotedOnly = false } = includePaths[index]!;
      if (quotedOnly && directive.form === 'angled') continue;
      yield { path: join(path, name), system, pathIndex: index };
    }
  }
}

function readRegularFile(path: string): string | undefined {
  try {
    if (statSync(path, { throwIfNoEntry: false })?.isFile() !== true) return undefined;
    return readFileSync(path, 'utf8');
  } catch {
    // Unreadable is as good as missing here: clang will say so if the file matters.
    return undefined;
  }
}
