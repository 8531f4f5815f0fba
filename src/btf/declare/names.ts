/**
 * The C name of every type, where one name has several owners: `struct`, `union` and `enum` tags share one namespace, typedefs,
 * enumerators and functions another. The first owner by id keeps the name, the others are renamed `NAME___2`, `NAME___3`, which
 * CO-RE takes for flavours of NAME. Names that the program defines itself become `NAME___kernel`.
 *
 * Expects what all writers of BTF do: equal strings are stored once.
 */
import { isComposite, isEnum, Kind, type TypeId } from '../kinds.ts';
import type { Btf } from '../table.ts';
import { markNames, type NameMarks } from './name-marks.ts';

/** Suffix of what the program defines itself but the kernel's types need all the same. */
export const KERNEL_FLAVOUR = '___kernel';

/** A type or enumerator that does not bear its own name in C. */
export interface Rename {
  readonly kind: 'struct' | 'union' | 'enum' | 'typedef' | 'enumerator';
  readonly name: string;
  readonly as: string;
}

/** clang has a type of that name, for bpf another one than the kernel's: it is not ours to declare. */
const BUILTIN_TYPEDEF = '__builtin_va_list';

export interface NameRequest {
  /** Names that the program defines itself. */
  readonly exclude?: ReadonlySet<string>;
  /** Names, excluded as well, that not even a forward declaration may bear. */
  readonly rename?: ReadonlySet<string>;
}

function marksOf(btf: Btf, names: ReadonlySet<string>): NameMarks | undefined {
  return names.size === 0 ? undefined : markNames(btf, names);
}

export class CNames {
  readonly #btf: Btf;
  readonly #typeSuffix = new Map<number, string>();
  readonly #enumeratorSuffix = new Map<number, string>();
  /** Name offset → the first struct or union that is defined under it. */
  readonly #composites = new Map<number, TypeId>();
  /** Owners so far of each name in the namespace of typedefs and enumerators, by name offset. */
  readonly #ordinary: Uint16Array;
  readonly #excluded: NameMarks | undefined;
  readonly #renamed: NameMarks | undefined;
  readonly #builtins = new Set<number>();

  constructor(btf: Btf, { exclude, rename }: NameRequest = {}) {
    this.#btf = btf;
    this.#ordinary = new Uint16Array(btf.strings.length);
    this.#excluded = marksOf(btf, new Set([...(exclude ?? []), ...(rename ?? [])]));
    this.#renamed = marksOf(btf, rename ?? new Set());
    this.#claim();
  }

  #claim(): void {
    const { words, offsets } = this.#btf;
    const tags = new Map<number, number>();
    const forwards: TypeId[] = [];
    for (let id = 1; id < offsets.length; id++) {
      const at = offsets[id]!;
      const info = words[at + 1]!;
      const kind = (info >>> 24) & 0x1f;
      const name = words[at]!;
      switch (kind) {
        case Kind.struct:
        case Kind.union:
          if (name === 0) break;
          if (!this.#composites.has(name)) this.#composites.set(name, id as TypeId);
          this.#claimTag(tags, id, name);
          break;
        case Kind.enum:
        case Kind.enum64: {
          if (name !== 0) this.#claimTag(tags, id, name);
          const step = kind === Kind.enum ? 2 : 3;
          // Who defines an enum himself defines its values as well.
          const isOwn = this.isExcluded(name);
          for (let i = 0, m = at + 3; i < (info & 0xffff); i++, m += step) {
            const owners = ++this.#ordinary[words[m]!]!;
            if (owners > 1) this.#enumeratorSuffix.set(m, `___${owners}`);
            else if (isOwn || this.isExcluded(words[m]!)) this.#enumeratorSuffix.set(m, KERNEL_FLAVOUR);
          }
          break;
        }
        case Kind.typedef: {
          if (this.#startsWithBuiltin(name) && this.#btf.string(name) === BUILTIN_TYPEDEF) {
            this.#builtins.add(id);
            break;
          }
          const owners = ++this.#ordinary[name]!;
          if (owners > 1) this.#typeSuffix.set(id, `___${owners}`);
          else if (this.isExcluded(name)) this.#typeSuffix.set(id, KERNEL_FLAVOUR);
          break;
        }
        case Kind.fwd:
          forwards.push(id as TypeId);
          break;
        default:
          break;
      }
    }
    for (const id of forwards) this.#claimForward(tags, id);
  }

  /** A quick look at `__b`, so that few names are decoded. */
  #startsWithBuiltin(name: number): boolean {
    const { strings } = this.#btf;
    return strings[name + 2] === 0x62 && strings[name] === 0x5f && strings[name + 1] === 0x5f;
  }

  #claimTag(tags: Map<number, number>, id: number, name: number): void {
    const owners = (tags.get(name) ?? 0) + 1;
    tags.set(name, owners);
    if (owners > 1) this.#typeSuffix.set(id, `___${owners}`);
    else if (this.#renamed !== undefined && this.#renamed[name] === 1) this.#typeSuffix.set(id, KERNEL_FLAVOUR);
  }

  /** A forward declaration of something that is defined as well, or that shares a name with something else. */
  #claimForward(tags: Map<number, number>, id: TypeId): void {
    const name = this.#btf.nameOff(id);
    if (this.definitionOf(id) !== undefined) return;
    if (tags.has(name)) this.#claimTag(tags, id, name);
    else if (this.#renamed !== undefined && this.#renamed[name] === 1) this.#typeSuffix.set(id, KERNEL_FLAVOUR);
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

  /** True where a name, given by its offset, is one that the program defines itself. */
  isExcluded(nameOff: number): boolean {
    return this.#excluded !== undefined && this.#excluded[nameOff] === 1;
  }

  /** A tag that the program defines itself is needed with its members: from now on it is called `NAME___kernel`. */
  setKernelFlavour(id: TypeId): void {
    if (!this.#typeSuffix.has(id)) this.#typeSuffix.set(id, KERNEL_FLAVOUR);
  }

  /** For a header with all types: every excluded tag is called `NAME___kernel`. */
  flavourExcludedTags(): void {
    if (this.#excluded === undefined) return;
    for (const id of this.#btf.ids()) {
      if (!this.isExcluded(this.#btf.nameOff(id)) || this.#typeSuffix.has(id)) continue;
      const kind = this.#btf.kind(id);
      if (isComposite(kind) || isEnum(kind)) this.setKernelFlavour(id);
    }
  }

  /** The struct or union that a forward declaration stands for, when the table defines one of that name. */
  definitionOf(forward: TypeId): TypeId | undefined {
    const found = this.#composites.get(this.#btf.nameOff(forward));
    const kind = this.#btf.kindFlag(forward) ? Kind.union : Kind.struct;
    return found !== undefined && this.#btf.kind(found) === kind ? found : undefined;
  }

  /** What follows the recorded name of a type: `''` for nearly all. */
  typeSuffix(id: number): string {
    return this.#typeSuffix.get(id) ?? '';
  }

  /** What follows the recorded name of the enumerator at a word index. */
  enumeratorSuffix(word: number): string {
    return this.#enumeratorSuffix.get(word) ?? '';
  }

  /** A suffix that nobody bears yet, for an enumerator that has to be printed once more. */
  freshEnumeratorSuffix(word: number): string {
    return `___${++this.#ordinary[this.#btf.words[word]!]!}`;
  }

  /** True when a typedef or an enumerator bears the name at that offset: a function cannot. */
  isTaken(nameOff: number): boolean {
    return this.#ordinary[nameOff]! > 0;
  }

  /** Everything that is renamed, types first, in id order. */
  renames(): Rename[] {
    const types = [...this.#typeSuffix].sort(([a], [b]) => a - b);
    const enumerators = [...this.#enumeratorSuffix].sort(([a], [b]) => a - b);
    return [
      ...types.map(([id, suffix]) => {
        const name = this.#btf.name(id as TypeId);
        return { kind: tagWord(this.#btf, id as TypeId), name, as: name + suffix };
      }),
      ...enumerators.map(([word, suffix]) => {
        const name = this.#btf.string(this.#btf.words[word]!);
        return { kind: 'enumerator' as const, name, as: name + suffix };
      }),
    ];
  }
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
