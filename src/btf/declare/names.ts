/**
 * The C name of every type, where one name has several owners: `struct`, `union` and `enum` tags share one namespace, typedefs,
 * enumerators and functions another. The first owner by id keeps the name, the others are renamed `NAME___2`, `NAME___3`, which
 * CO-RE takes for flavours of NAME. Names that the program defines itself become `NAME___kernel`.
 *
 * Expects what all writers of BTF do: equal strings are stored once.
 */
import { isComposite, isEnum, Kind, type TypeId } from '../kinds.ts';
import { signedWords } from '../signed-words.ts';
import type { Btf } from '../table.ts';
import { declaredTypes } from './kind-lists.ts';
import { NameMarks } from './name-marks.ts';
import { markedTypes } from './named-types.ts';

/** Suffix of what the program defines itself but the kernel's types need all the same. */
export const KERNEL_FLAVOUR = '___kernel';
const KERNEL_OWNER = 0;

/** A type or enumerator that does not bear its own name in C. */
export interface Rename {
  readonly kind: 'struct' | 'union' | 'enum' | 'typedef' | 'enumerator';
  readonly name: string;
  readonly as: string;
}

/** clang has a type of that name, for bpf another one than the kernel's: it is not ours to declare. */
const BUILTIN_TYPEDEF = '__builtin_va_list';

/** What the program makes of a tag: a mark in {@link NameRequest.ownTags}. */
export const OwnTagMark = { struct: 1, union: 2, enum: 3, renamed: 4 } as const;

export interface NameRequest {
  /**
   * Tags that the program defines itself, each with its {@link OwnTagMark}. A forward declaration may bear such a name if it is of
   * the same kind, then it is the program's struct.
   */
  readonly ownTags?: NameMarks | undefined;
  /** Typedefs, enumerators, variables and functions that the program defines itself. */
  readonly ownOrdinary?: NameMarks | undefined;
  /** The names that will be asked for. Default: all. */
  readonly relevant?: NameMarks;
  /** What {@link declaredTypes} gives, when it is known. */
  readonly declared?: ArrayLike<TypeId>;
}

export class CNames {
  readonly #btf: Btf;
  /** Which of those with its name a type is, from 2 on; {@link KERNEL_OWNER} for those that a program defines itself. */
  readonly #typeSuffix = new Map<number, number>();
  /** By type, 1 for a key of `#typeSuffix`: cheaper to ask. */
  readonly #hasSuffix: Uint8Array;
  readonly #enumeratorSuffix = new Map<number, string>();
  /** Name offset → the first type with that tag. */
  readonly #tags = new Map<number, TypeId>();
  /** Name offset → number of types with that tag, where there are several. */
  readonly #sharedTags = new Map<number, number>();
  /** Owners so far of each name in the namespace of typedefs and enumerators, by name offset. */
  readonly #ordinary: NameMarks;
  readonly #ownTags: NameMarks | undefined;
  readonly #ownOrdinary: NameMarks | undefined;
  readonly #builtins = new Set<number>();

  constructor(btf: Btf, { ownTags, ownOrdinary, relevant, declared }: NameRequest = {}) {
    this.#btf = btf;
    this.#hasSuffix = new Uint8Array(btf.count);
    this.#ordinary = new NameMarks(btf, relevant === undefined);
    this.#ownTags = ownTags;
    this.#ownOrdinary = ownOrdinary;
    this.#claim(relevant, relevant === undefined ? (declared ?? declaredTypes(btf)) : markedTypes(btf, relevant));
  }

  #claim(relevant: NameMarks | undefined, ids: ArrayLike<number>): void {
    const { offsets } = this.#btf;
    const words = signedWords(this.#btf);
    const ordinary = this.#ordinary;
    const hasOwn = this.#ownTags !== undefined || this.#ownOrdinary !== undefined;
    const forwards: TypeId[] = [];
    for (let i = 0; i < ids.length; i++) {
      const id = ids[i]!;
      const at = offsets[id]!;
      const info = words[at + 1]!;
      const name = words[at]!;
      switch ((info >>> 24) & 0x1f) {
        case Kind.struct:
        case Kind.union:
          if (name !== 0 && (relevant === undefined || relevant.get(name) === 1)) this.#claimTag(id as TypeId, name);
          break;
        case Kind.enum:
        case Kind.enum64: {
          if (name !== 0 && (relevant === undefined || relevant.get(name) === 1)) this.#claimTag(id as TypeId, name);
          // Who defines an enum himself defines its values as well.
          const isOwn = hasOwn && this.#isOwnTag(name);
          const step = ((info >>> 24) & 0x1f) === Kind.enum ? 2 : 3;
          const end = at + 3 + (info & 0xffff) * step;
          for (let m = at + 3; m < end; m += step) {
            const enumerator = words[m]!;
            if (relevant !== undefined && relevant.get(enumerator) === 0) continue;
            const owners = ordinary.get(enumerator) + 1;
            ordinary.set(enumerator, owners);
            if (owners === 1 && !hasOwn) continue;
            if (owners > 1) this.#enumeratorSuffix.set(m, `___${owners}`);
            else if (isOwn || this.#isOwnOrdinary(enumerator)) this.#enumeratorSuffix.set(m, KERNEL_FLAVOUR);
          }
          break;
        }
        case Kind.typedef:
          if (relevant === undefined || relevant.get(name) === 1) this.#claimTypedef(id, name);
          break;
        case Kind.fwd:
          if (relevant === undefined || relevant.get(name) === 1) forwards.push(id as TypeId);
          break;
        default:
          break;
      }
    }
    for (const id of forwards) this.#claimForward(id);
  }

  #claimTypedef(id: number, name: number): void {
    if (this.#startsWithBuiltin(name) && this.#btf.string(name) === BUILTIN_TYPEDEF) {
      this.#builtins.add(id);
      return;
    }
    const owners = this.#ordinary.get(name) + 1;
    this.#ordinary.set(name, owners);
    if (owners > 1) this.#suffixType(id, owners);
    else if (this.#isOwnOrdinary(name)) this.#suffixType(id, KERNEL_OWNER);
  }

  /** A quick look at `__b`, so that few names are decoded. */
  #startsWithBuiltin(name: number): boolean {
    const { strings } = this.#btf;
    return strings[name + 2] === 0x62 && strings[name] === 0x5f && strings[name + 1] === 0x5f;
  }

  #claimTag(id: TypeId, name: number): void {
    if (this.#tags.has(name)) {
      const owners = (this.#sharedTags.get(name) ?? 1) + 1;
      this.#sharedTags.set(name, owners);
      this.#suffixType(id, owners);
      return;
    }
    this.#tags.set(name, id);
    const own = this.#ownTags === undefined ? 0 : this.#ownTags.get(name);
    if (own !== 0 && own !== tagMark(this.#btf, id)) this.#suffixType(id, KERNEL_OWNER);
  }

  /** A forward declaration without definition bears its name beside others of its kind, but not beside another kind's. */
  #claimForward(id: TypeId): void {
    if (this.definitionOf(id) !== undefined) return;
    const name = this.#btf.nameOff(id);
    const first = this.#tags.get(name);
    if (first === undefined || !isSameForward(this.#btf, first, id)) this.#claimTag(id, name);
  }

  /** True for a typedef that the compiler brings along. */
  isBuiltin(typedef: number): boolean {
    return this.#builtins.has(typedef);
  }

  /** The compiler's own typedef that a type is another name for, directly or through other typedefs. */
  builtinBehind(id: TypeId): TypeId | undefined {
    if (this.#builtins.size === 0) return undefined;
    for (let chain = 0; chain < 8 && this.#btf.kind(id) === Kind.typedef; chain++) {
      if (this.#builtins.has(id)) return id;
      id = this.#btf.ref(id);
    }
    return undefined;
  }

  #suffixType(id: number, owner: number): void {
    this.#typeSuffix.set(id, owner);
    this.#hasSuffix[id] = 1;
  }

  #isOwnTag(nameOff: number): boolean {
    return this.#ownTags !== undefined && this.#ownTags.get(nameOff) !== 0;
  }

  #isOwnOrdinary(nameOff: number): boolean {
    return this.#ownOrdinary !== undefined && this.#ownOrdinary.get(nameOff) !== 0;
  }

  /** Tags among these types that the program defines itself are called `NAME___kernel` from now on. */
  flavourOwnTags(types: Iterable<TypeId>): void {
    if (this.#ownTags === undefined) return;
    for (const id of types) {
      if (!this.#isOwnTag(this.#btf.nameOff(id)) || this.#typeSuffix.has(id)) continue;
      const kind = this.#btf.kind(id);
      if (isComposite(kind) || isEnum(kind)) this.#suffixType(id, KERNEL_OWNER);
    }
  }

  /** The struct or union that a forward declaration stands for, when the table defines one of that name. */
  definitionOf(forward: TypeId): TypeId | undefined {
    const name = this.#btf.nameOff(forward);
    const first = this.#tags.get(name);
    if (first === undefined) return undefined;
    if (this.#btf.kind(first) === definedKind(this.#btf, forward)) return first;
    return this.#sharedTags.has(name) ? findDefinition(this.#btf, forward) : undefined;
  }

  /** What follows the recorded name of a type: `''` for nearly all. */
  typeSuffix(id: number): string {
    if (this.#hasSuffix[id] === 0) return '';
    const owner = this.#typeSuffix.get(id);
    return owner === undefined ? '' : owner === KERNEL_OWNER ? KERNEL_FLAVOUR : `___${owner}`;
  }

  /** What follows the recorded name of the enumerator at a word index. */
  enumeratorSuffix(word: number): string {
    const isOnly = this.#ordinary.get(this.#btf.words[word]!) <= 1;
    if (isOnly && this.#ownTags === undefined && this.#ownOrdinary === undefined) return '';
    return this.#enumeratorSuffix.get(word) ?? '';
  }

  /** A suffix that nobody bears yet, for an enumerator that has to be printed once more. */
  freshEnumeratorSuffix(word: number): string {
    const nameOff = this.#btf.words[word]!;
    const owners = this.#ordinary.get(nameOff) + 1;
    this.#ordinary.set(nameOff, owners);
    return `___${owners}`;
  }

  /** True when a typedef or an enumerator bears the name at that offset: a function cannot. */
  isTaken(nameOff: number): boolean {
    return this.#ordinary.get(nameOff) > 0;
  }

  /** Everything that is renamed, types first, in id order. */
  renames(): Rename[] {
    const types = [...this.#typeSuffix.keys()].sort((a, b) => a - b);
    const enumerators = [...this.#enumeratorSuffix].sort(([a], [b]) => a - b);
    return [
      ...types.map((id) => {
        const name = this.#btf.name(id as TypeId);
        return { kind: tagWord(this.#btf, id as TypeId), name, as: name + this.typeSuffix(id) };
      }),
      ...enumerators.map(([word, suffix]) => {
        const name = this.#btf.string(this.#btf.words[word]!);
        return { kind: 'enumerator' as const, name, as: name + suffix };
      }),
    ];
  }
}

function tagMark(btf: Btf, id: TypeId): number {
  switch (btf.kind(id)) {
    case Kind.struct:
      return OwnTagMark.struct;
    case Kind.union:
      return OwnTagMark.union;
    case Kind.fwd:
      return btf.kindFlag(id) ? OwnTagMark.union : OwnTagMark.struct;
    default:
      return OwnTagMark.enum;
  }
}

function definedKind(btf: Btf, forward: TypeId): Kind {
  return btf.kindFlag(forward) ? Kind.union : Kind.struct;
}

function isSameForward(btf: Btf, a: TypeId, b: TypeId): boolean {
  return btf.kind(a) === Kind.fwd && btf.kind(b) === Kind.fwd && btf.kindFlag(a) === btf.kindFlag(b);
}

/** The first struct, or union, of the name of a forward declaration. Linear where it is not known where names occur: there are few of those. */
export function findDefinition(btf: Btf, forward: TypeId): TypeId | undefined {
  const { words, offsets, occurrences } = btf;
  const name = btf.nameOff(forward);
  const kind = definedKind(btf, forward);
  if (occurrences !== undefined) {
    return occurrences.bearers(name).find((id) => btf.nameOff(id) === name && btf.kind(id) === kind);
  }
  for (let id = 1; id < offsets.length; id++) {
    const at = offsets[id]!;
    if (words[at] === name && ((words[at + 1]! >>> 24) & 0x1f) === kind) return id as TypeId;
  }
  return undefined;
}

/** The C keyword before a type's name. */
function tagWord(btf: Btf, id: TypeId): Exclude<Rename['kind'], 'enumerator'> {
  switch (btf.kind(id)) {
    case Kind.struct:
      return 'struct';
    case Kind.union:
      return 'union';
    case Kind.fwd:
      return btf.kindFlag(id) ? 'union' : 'struct';
    case Kind.typedef:
      return 'typedef';
    default:
      return 'enum';
  }
}
