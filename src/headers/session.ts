/**
 * The kernel header of one source through as many compiles as it takes: small at first, with more names, fewer, or members of an
 * older kernel when clang or the object says so, at last the whole. Who runs clang writes {@link HeaderSession.header} to a
 * file, compiles, and asks after each run whether to try again; the last run's diagnostics are the ones to show.
 *
 *     clang failed ──► afterDiagnostics ─┬─ true: header() has changed, compile again
 *     clang succeeded ──► afterObject ───┘─ false: that was it
 */
import { basename } from 'node:path';
import type { BtfExt } from '../btf/ext.ts';
import { COMPOSITES, ENUMS, Kind } from '../btf/kinds.ts';
import type { Btf } from '../btf/table.ts';
import { diagnoseHeader, type HeaderProblem } from './diagnose.ts';
import type { FoundHeader, KeptHeaders } from './kept.ts';
import { type HeaderRequest, makeFullHeader, makeHeader, type OwnNames, type OwnTagUse } from './make-header.ts';
import { OlderKernel } from './older.ts';
import { hasThing } from './presence.ts';
import { findDeclaredOnly } from './too-small.ts';

/** Compiles against a header that grows; then the whole one. clang stops after 20 errors, so one compile may not show all. */
const MAX_SMALL = 6;
/** Compiles against the whole header, for what it alone clashes with. */
const MAX_FULL = 4;

export interface SessionOptions {
  /** The kernel's types; asked for only when they are needed. */
  readonly btf: () => Promise<Btf>;
  /** Headers that were made before. */
  readonly kept?: KeptHeaders | undefined;
  /** What the scan of the source found. */
  readonly identifiers: ReadonlySet<string>;
  readonly declaredFunctions: ReadonlySet<string>;
  /** Names that the program defines itself, as far as the scan could tell. */
  readonly own?: OwnNames;
  /** Where the BTF comes from, for the header's first line. */
  readonly origin?: string;
  /** BTF of an older kernel, for types and members that `btf` no longer has; asked for at most once, when something is missing. */
  readonly older?: () => Promise<Btf | undefined>;
  /** Start with the whole header. */
  readonly full?: boolean;
  /** Told what can wait until the compiler is running. */
  readonly whenIdle?: (work: () => void) => void;
}

export class HeaderSession {
  readonly #options: SessionOptions;
  readonly #added = new Set<string>();
  readonly #ownTags: Map<string, OwnTagUse>;
  readonly #ownOrdinary: Set<string>;
  /** Members of the older kernel that were added, as `type.member`. */
  readonly #overlaid = new Set<string>();
  #older: OlderKernel | null | undefined;
  #btf: Btf | undefined;
  #found: FoundHeader | undefined;
  #isFull: boolean;
  #distrustsKept = false;
  #tries = 0;
  #text: string | undefined;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#ownTags = new Map(options.own?.tags);
    this.#ownOrdinary = new Set(options.own?.ordinary);
    this.#isFull = options.full === true;
  }

  /** Text of the header for the next compile. */
  async header(): Promise<string> {
    this.#text ??= await this.#make();
    return this.#text;
  }

  /** False when the header came out of the cache and is not what was put there: it is made anew then. Tells best while clang is running. */
  isSound(): boolean {
    if (this.#found?.isWhole() === false) {
      this.#text = undefined;
      this.#distrustsKept = true;
    }
    this.#found = undefined;
    return this.#text !== undefined;
  }

  /** True once the whole header is in use. */
  get isFull(): boolean {
    return this.#isFull;
  }

  async #make(): Promise<string> {
    const { identifiers, declaredFunctions, origin } = this.#options;
    const request: HeaderRequest = {
      identifiers: new Set([...identifiers, ...this.#added]),
      // What clang did not find declared is not, whatever the scan saw.
      declaredFunctions: new Set([...declaredFunctions].filter((name) => !this.#added.has(name))),
      own: { tags: this.#ownTags, ordinary: this.#ownOrdinary },
      ...(origin === undefined ? {} : { origin }),
    };
    if (!this.#isFull) return this.#makeSmall(request);
    // All kfuncs: one that the small header lacked may have a name that is pasted together.
    const { identifiers: _, ...everything } = request;
    return makeFullHeader(await this.#kernel(), everything).text;
  }

  async #makeSmall(request: HeaderRequest): Promise<string> {
    const kept = this.#older === undefined ? this.#options.kept : undefined;
    this.#found = this.#distrustsKept ? undefined : kept?.find(request);
    if (this.#found !== undefined) return this.#found.text;
    const { text } = makeHeader(await this.#kernel(), request);
    if (kept !== undefined) this.#options.whenIdle?.(() => kept.keep(request, text));
    return text;
  }

  async #kernel(): Promise<Btf> {
    this.#btf ??= await this.#options.btf();
    return this.#btf;
  }

  /**
   * After a compile that failed: true when the header was at fault and has changed.
   * @param stderr  all that clang printed
   */
  async afterDiagnostics(stderr: string): Promise<boolean> {
    const problems = diagnoseHeader(stderr, await this.header(), (path) => basename(path) === 'vmlinux.h');
    let changed = false;
    let known = false;
    for (const problem of problems) {
      const outcome = await this.#take(problem);
      if (outcome === 'changed') changed = true;
      if (outcome !== 'unknown') known = true;
    }
    return this.#again(changed, known);
  }

  /**
   * After a compile that succeeded: true when the object shows that the header was too small, and it has grown.
   * @param object  the object's BTF, `ext` its .BTF.ext
   * @param stderr  warnings; clang 14 compiles calls of functions that are not declared
   */
  async afterObject(object: Btf, ext: BtfExt, stderr = ''): Promise<boolean> {
    if (this.#isFull) return false;
    const declared = findDeclaredOnly(object, ext);
    const missing = diagnoseHeader(stderr, '', () => false).flatMap((problem) =>
      problem.kind === 'missing' ? problem.name : [],
    );
    if (declared.length === 0 && missing.length === 0) return false;
    const kernel = await this.#kernel();
    let changed = false;
    for (const name of declared) if (isCompositeOf(kernel, name)) changed = this.#add(name, true) || changed;
    for (const name of missing)
      if (hasThing(kernel, { kind: 'function', name })) changed = this.#add(name, false) || changed;
    return this.#again(changed, changed);
  }

  /** @param known  something about the header is wrong, even if more of the same does not help */
  #again(changed: boolean, known: boolean): boolean {
    this.#tries++;
    if (!this.#isFull && known && (!changed || this.#tries >= MAX_SMALL)) {
      this.#isFull = true;
      this.#tries = 0;
      changed = true;
    } else if (this.#isFull && this.#tries >= MAX_FULL) {
      changed = false;
    }
    if (changed) this.#text = undefined;
    return changed;
  }

  /** `known`: the kernel has that name, but the header is as good as it gets; `unknown`: not about the kernel's types. */
  async #take(problem: HeaderProblem): Promise<'changed' | 'known' | 'unknown'> {
    const kernel = await this.#kernel();
    switch (problem.kind) {
      case 'missing': {
        const { name, isTag } = problem;
        if (isTag ? isTagOf(kernel, name) : isOrdinaryName(kernel, name))
          return this.#add(name, isTag) ? 'changed' : 'known';
        return (await this.#borrowType(name, isTag)) ? 'changed' : 'unknown';
      }
      case 'clash': {
        const { name, isTag } = problem;
        if (!(isTag ? isTagOf(kernel, name) || isForward(kernel, name) : isOrdinaryName(kernel, name)))
          return 'unknown';
        return (isTag ? this.#leaveOutTag(name) : this.#leaveOut(name)) ? 'changed' : 'known';
      }
      case 'no-member':
        return (await this.#borrowMember(problem.type, problem.member)) ? 'changed' : 'unknown';
    }
  }

  /** False when the name was in already, so that more of the same would not help. */
  #add(name: string, isTag: boolean): boolean {
    const { identifiers, declaredFunctions } = this.#options;
    // Left out because the program seemed to define it, which in this branch of its conditionals it does not.
    const wasOwn = isTag ? this.#ownTags.delete(name) : this.#ownOrdinary.delete(name);
    const isIn = this.#added.has(name) || (identifiers.has(name) && !declaredFunctions.has(name));
    this.#added.add(name);
    return wasOwn || (!isIn && !this.#isFull);
  }

  #leaveOut(name: string): boolean {
    if (this.#ownOrdinary.has(name)) return false;
    this.#ownOrdinary.add(name);
    return true;
  }

  /** The first time the tag is left out where it can be, the second time it is renamed wherever it stands. */
  #leaveOutTag(name: string): boolean {
    const known = this.#ownTags.get(name);
    if (known === 'renamed') return false;
    this.#ownTags.set(name, known === undefined ? 'struct' : 'renamed');
    return true;
  }

  async #openOlder(): Promise<OlderKernel | undefined> {
    if (this.#older === undefined) {
      const btf = await this.#options.older?.();
      this.#older = btf === undefined ? null : new OlderKernel(await this.#options.btf(), btf);
    }
    return this.#older ?? undefined;
  }

  async #borrowType(name: string, isTag: boolean): Promise<boolean> {
    const older = await this.#openOlder();
    if (older === undefined || !older.addNamed(name, isTag)) return false;
    this.#added.add(name);
    this.#btf = older.combined();
    return true;
  }

  async #borrowMember(type: string, member: string): Promise<boolean> {
    const key = `${type}.${member}`;
    if (this.#overlaid.has(key)) return false;
    this.#overlaid.add(key);
    const older = await this.#openOlder();
    if (older?.addMember(type, member) !== true) return false;
    this.#btf = older.combined();
    return true;
  }
}

/** A struct, union or enum that the kernel defines. */
function isTagOf(btf: Btf, name: string): boolean {
  return btf.find(name, ...COMPOSITES, ...ENUMS) !== undefined;
}

function isCompositeOf(btf: Btf, name: string): boolean {
  return btf.find(name, ...COMPOSITES) !== undefined;
}

/** What C calls an ordinary identifier: a typedef, an enumerator, a function. */
function isOrdinaryName(btf: Btf, name: string): boolean {
  return (
    btf.find(name, Kind.typedef) !== undefined ||
    hasThing(btf, { kind: 'function', name }) ||
    hasThing(btf, { kind: 'enumerator', name })
  );
}

/** A tag that the kernel only declares. */
function isForward(btf: Btf, name: string): boolean {
  return btf.find(name, Kind.fwd) !== undefined;
}
