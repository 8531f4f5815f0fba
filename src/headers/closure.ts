/**
 * Which types a kernel header for a set of identifiers has to define. A type is in when it is named, or one of its
 * enumerators is, or when one that is in holds it by value. What is only pointed to stays a forward declaration, unless the
 * member that points to it is named: then the program may well look behind it.
 *
 * Works on words and name offsets: the loop over all types is the cost of making a small header.
 */
import { KFUNC_TAG, selectKfuncs } from '../btf/declare/kfuncs.ts';
import { NameMarks, type NameTest } from '../btf/declare/name-marks.ts';
import { markedTypes } from '../btf/declare/named-types.ts';
import { findDefinition, type NameRequest } from '../btf/declare/names.ts';
import { Kind, type TypeId } from '../btf/kinds.ts';
import { signedWords } from '../btf/signed-words.ts';
import type { Btf } from '../btf/table.ts';
import { MalformedError } from '../core/errors.ts';

/** Followed from where a name leads: what is behind its pointers is defined as well. */
const OPENED = 1;
/** Followed as something that is only declared. */
const REACHED = 2;
/** Anonymous composites and function types within each other, and links of a chain. Kernels stay below 40. */
const MAX_NESTING = 512;

export class Closure {
  /** The names, by offset, of everything that the header defines or declares. */
  readonly names: NameMarks;
  readonly #btf: Btf;
  readonly #words: Int32Array;
  readonly #offsets: Uint32Array;
  readonly #marks: NameMarks;
  readonly #members: NameTest | undefined;
  readonly #ownTags: NameMarks | undefined;
  readonly #ownOrdinary: NameMarks | undefined;
  readonly #defined: Uint8Array;
  readonly #followed: Uint8Array;
  readonly #types: TypeId[] = [];
  readonly #queue: TypeId[] = [];
  #kfuncs: readonly TypeId[] = [];
  #nesting = 0;

  /**
   * @param marks  the identifiers
   * @param own  names that the program defines itself, which therefore name nothing of the kernel's
   * @param members  the identifiers, where `marks` does not have those of members
   */
  constructor(
    btf: Btf,
    marks: NameMarks,
    own: Pick<NameRequest, 'ownTags' | 'ownOrdinary'> = {},
    members: NameTest | undefined = undefined,
  ) {
    this.names = new NameMarks(btf);
    this.#btf = btf;
    this.#words = signedWords(btf);
    this.#offsets = btf.offsets;
    this.#marks = marks;
    this.#members = members;
    this.#ownTags = own.ownTags;
    this.#ownOrdinary = own.ownOrdinary;
    this.#defined = new Uint8Array(btf.count);
    this.#followed = new Uint8Array(btf.count);
  }

  /** Ids of the types that the header defines, ascending. */
  types(): TypeId[] {
    return this.#types.toSorted((a, b) => a - b);
  }

  /** The kfuncs that are named. */
  kfuncs(): readonly TypeId[] {
    return this.#kfuncs;
  }

  /** Adds every type that is named or has a named enumerator, and what those need. */
  addNamed(): void {
    const words = this.#words;
    const offsets = this.#offsets;
    const marks = this.#marks;
    const funcs: TypeId[] = [];
    const declTags: TypeId[] = [];
    let funcCount = 0;
    for (const id of this.#candidates()) {
      const at = offsets[id]!;
      const info = words[at + 1]!;
      const isNamed = marks.get(words[at]!) === 1;
      switch ((info >>> 24) & 0x1f) {
        case Kind.struct:
        case Kind.union:
        case Kind.fwd:
          if (isNamed && !isIn(this.#ownTags, words[at]!)) this.#define(id as TypeId);
          break;
        case Kind.typedef:
          if (isNamed && !isIn(this.#ownOrdinary, words[at]!)) {
            this.#define(id as TypeId);
            this.#open(words[at + 2]!);
          }
          break;
        case Kind.enum:
          if (isNamed && !isIn(this.#ownTags, words[at]!)) this.#define(id as TypeId);
          else if (this.#hasNamedEnumerator(at, info, 2)) this.#define(id as TypeId);
          break;
        case Kind.enum64:
          if (isNamed && !isIn(this.#ownTags, words[at]!)) this.#define(id as TypeId);
          else if (this.#hasNamedEnumerator(at, info, 3)) this.#define(id as TypeId);
          break;
        case Kind.func:
          funcCount++;
          if (isNamed) funcs.push(id as TypeId);
          break;
        case Kind.declTag:
          declTags.push(id as TypeId);
          break;
        default:
          break;
      }
    }
    this.#kfuncs = selectKfuncs(this.#btf, funcs, declTags, funcCount);
    this.#drain();
  }

  /** All types, or, where the table knows where its names occur, those with marked names and what tells which functions are kfuncs. */
  #candidates(): Uint32Array {
    const tag = this.#btf.occurrences?.find(KFUNC_TAG) ?? 0;
    return markedTypes(this.#btf, tag === 0 ? undefined : this.#marks, [tag]);
  }

  #hasNamedEnumerator(at: number, info: number, step: number): boolean {
    const words = this.#words;
    const marks = this.#marks;
    const end = at + 3 + (info & 0xffff) * step;
    for (let m = at + 3; m < end; m += step)
      if (marks.get(words[m]!) === 1 && !isIn(this.#ownOrdinary, words[m]!)) return true;
    return false;
  }

  /** Adds what the prototypes of functions refer to, with full types behind the pointers. */
  addPrototypes(funcs: readonly TypeId[]): void {
    for (const func of funcs) {
      const proto = this.#btf.ref(func);
      this.#open(this.#btf.ref(proto));
      for (let i = 0; i < this.#btf.vlen(proto); i++) this.#open(this.#btf.paramType(proto, i));
      this.names.set(this.#btf.nameOff(func), 1);
    }
    this.#drain();
  }

  #define(id: TypeId): void {
    if (this.#defined[id] !== 0) return;
    this.#defined[id] = 1;
    this.#types.push(id);
    this.#queue.push(id);
  }

  #drain(): void {
    const words = this.#words;
    for (let id = this.#queue.pop(); id !== undefined; id = this.#queue.pop()) {
      const at = this.#offsets[id]!;
      this.names.set(words[at]!, 1);
      switch ((words[at + 1]! >>> 24) & 0x1f) {
        case Kind.struct:
        case Kind.union:
          this.#followMembers(id);
          break;
        case Kind.fwd: {
          const definition = findDefinition(this.#btf, id);
          if (definition !== undefined) this.#define(definition);
          break;
        }
        case Kind.typedef:
          this.#follow(words[at + 2]!, false, false);
          break;
        case Kind.enum:
        case Kind.enum64:
          this.#nameEnumerators(id);
          break;
        default:
          break;
      }
    }
  }

  #nameEnumerators(id: number): void {
    const words = this.#words;
    const at = this.#offsets[id]!;
    const info = words[at + 1]!;
    const step = ((info >>> 24) & 0x1f) === Kind.enum ? 2 : 3;
    const end = at + 3 + (info & 0xffff) * step;
    for (let m = at + 3; m < end; m += step) this.names.set(words[m]!, 1);
  }

  #enter(id: number): void {
    if (++this.#nesting > MAX_NESTING) throw tooDeep(id);
  }

  #followMembers(id: number): void {
    const words = this.#words;
    this.#enter(id);
    const at = this.#offsets[id]!;
    const end = at + 3 + (words[at + 1]! & 0xffff) * 3;
    for (let m = at + 3; m < end; m += 3) this.#follow(words[m + 1]!, true, this.#isNamedMember(words[m]!));
    this.#nesting--;
  }

  #isNamedMember(nameOff: number): boolean {
    return this.#members === undefined ? this.#marks.get(nameOff) === 1 : this.#members.has(nameOff);
  }

  /** A type that a name leads to: it, and what is behind its pointers, are defined. */
  #open(id: number): void {
    this.#follow(id, true, true);
  }

  /**
   * @param byValue  the type itself is needed, not only its declaration
   * @param open  what is behind a pointer is needed as well
   */
  #follow(id: number, byValue: boolean, open: boolean): void {
    const words = this.#words;
    const offsets = this.#offsets;
    for (let chain = 0; chain < MAX_NESTING; chain++) {
      if (id === 0) return;
      const at = offsets[id]!;
      const info = words[at + 1]!;
      switch ((info >>> 24) & 0x1f) {
        case Kind.const:
        case Kind.volatile:
        case Kind.restrict:
        case Kind.typeTag:
          id = words[at + 2]!;
          break;
        case Kind.ptr: {
          const mark = open ? OPENED : REACHED;
          if ((this.#followed[id]! & mark) !== 0) return;
          this.#followed[id]! |= mark;
          byValue = open;
          id = words[at + 2]!;
          break;
        }
        case Kind.array:
          byValue = true;
          id = words[at + 3]!;
          break;
        case Kind.typedef:
          this.#define(id as TypeId);
          if (!byValue) return;
          id = words[at + 2]!;
          break;
        case Kind.struct:
        case Kind.union:
          this.names.set(words[at]!, 1);
          if (words[at] === 0) {
            if ((this.#followed[id]! & REACHED) !== 0) return;
            this.#followed[id]! |= REACHED;
            this.#followMembers(id);
          } else if (byValue) this.#define(id as TypeId);
          return;
        case Kind.fwd:
          this.names.set(words[at]!, 1);
          if (byValue) this.#define(id as TypeId);
          return;
        case Kind.enum:
        case Kind.enum64:
          if (words[at] !== 0) this.#define(id as TypeId);
          else this.#nameEnumerators(id);
          return;
        case Kind.funcProto: {
          if ((this.#followed[id]! & REACHED) !== 0) return;
          this.#followed[id]! |= REACHED;
          this.#enter(id);
          for (let i = 0, p = at + 3; i < (info & 0xffff); i++, p += 2) this.#follow(words[p + 1]!, false, false);
          this.#nesting--;
          id = words[at + 2]!;
          byValue = false;
          open = false;
          break;
        }
        default:
          return;
      }
    }
    throw tooDeep(id);
  }
}

function isIn(marks: NameMarks | undefined, nameOff: number): boolean {
  return marks !== undefined && marks.get(nameOff) !== 0;
}

function tooDeep(id: number): MalformedError {
  return new MalformedError('BTF_TOO_DEEP', `type ${id}: types are nested too deeply or in a circle`, {
    details: { typeId: id },
  });
}
