/**
 * Which types a kernel header for a set of identifiers has to define. A type is in when it is named, or one of its
 * enumerators is, or when one that is in holds it by value. What is only pointed to stays a forward declaration, unless the
 * member that points to it is named: then the program may well look behind it.
 *
 * Works on words and name offsets: the loop over all types is the cost of making a small header.
 */
import type { NameMarks } from '../btf/declare/name-marks.ts';
import type { CNames } from '../btf/declare/names.ts';
import { Kind, type TypeId } from '../btf/kinds.ts';
import type { Btf } from '../btf/table.ts';
import { MalformedError } from '../core/errors.ts';

/** Anonymous composites and function types within each other. */
const MAX_NESTING = 512;
const DEFINED = 1;
/** Followed as a type whose name is known: pointers behind it lead to full types. */
const OPENED = 2;
/** Followed as a type that is only declared. */
const REACHED = 4;

export class Closure {
  /** By type id, non-zero for a type that the header defines. */
  readonly types: Uint8Array;
  readonly #btf: Btf;
  readonly #names: CNames;
  readonly #marks: NameMarks;
  readonly #followed: Uint8Array;
  readonly #queue: TypeId[] = [];
  #nesting = 0;

  /** @param marks  the identifiers, by name offset */
  constructor(btf: Btf, names: CNames, marks: NameMarks) {
    this.types = new Uint8Array(btf.count);
    this.#followed = new Uint8Array(btf.count);
    this.#btf = btf;
    this.#names = names;
    this.#marks = marks;
  }

  /** Adds every type that is named or has a named enumerator, and what those need. */
  addNamed(): void {
    const { words, offsets } = this.#btf;
    const marks = this.#marks;
    for (let id = 1; id < offsets.length; id++) {
      const at = offsets[id]!;
      const info = words[at + 1]!;
      const kind = (info >>> 24) & 0x1f;
      const name = words[at]!;
      switch (kind) {
        case Kind.struct:
        case Kind.union:
        case Kind.fwd:
          if (marks[name] === 1 && !this.#names.isExcluded(name)) this.#define(id as TypeId);
          break;
        case Kind.typedef:
          if (marks[name] === 1 && !this.#names.isExcluded(name)) {
            this.#define(id as TypeId);
            this.#open(words[at + 2]! as TypeId);
          }
          break;
        case Kind.enum:
        case Kind.enum64: {
          const step = kind === Kind.enum ? 2 : 3;
          const end = at + 3 + (info & 0xffff) * step;
          let wanted = marks[name] === 1 && !this.#names.isExcluded(name);
          for (let m = at + 3; m < end && !wanted; m += step)
            wanted = marks[words[m]!] === 1 && !this.#names.isExcluded(words[m]!);
          if (wanted) this.#define(id as TypeId);
          break;
        }
        default:
          break;
      }
    }
    this.#drain();
  }

  /** Adds what the prototypes of functions refer to, with full types behind the pointers. */
  addPrototypes(funcs: readonly TypeId[]): void {
    for (const func of funcs) {
      const proto = this.#btf.ref(func);
      this.#open(this.#btf.ref(proto));
      for (let i = 0; i < this.#btf.vlen(proto); i++) this.#open(this.#btf.paramType(proto, i));
    }
    this.#drain();
  }

  #define(id: TypeId): void {
    if (this.types[id] !== 0) return;
    this.types[id] = DEFINED;
    this.#queue.push(id);
  }

  #drain(): void {
    for (let id = this.#queue.pop(); id !== undefined; id = this.#queue.pop()) {
      switch (this.#btf.kind(id)) {
        case Kind.struct:
        case Kind.union:
          if (this.#names.isExcluded(this.#btf.nameOff(id))) this.#names.setKernelFlavour(id);
          this.#followMembers(id);
          break;
        case Kind.fwd: {
          const definition = this.#names.definitionOf(id);
          if (definition !== undefined) this.#define(definition);
          break;
        }
        case Kind.typedef:
          this.#follow(this.#btf.ref(id), false, false);
          break;
        case Kind.enum:
        case Kind.enum64:
          if (this.#names.isExcluded(this.#btf.nameOff(id))) this.#names.setKernelFlavour(id);
          break;
        default:
          break;
      }
    }
  }

  #enter(id: number): void {
    if (++this.#nesting > MAX_NESTING)
      throw new MalformedError('BTF_TOO_DEEP', `type ${id}: types are nested too deeply or in a circle`, {
        details: { typeId: id },
      });
  }

  #followMembers(id: TypeId): void {
    const { words, offsets } = this.#btf;
    this.#enter(id);
    const at = offsets[id]!;
    const end = at + 3 + (words[at + 1]! & 0xffff) * 3;
    for (let m = at + 3; m < end; m += 3) this.#follow(words[m + 1]!, true, this.#marks[words[m]!] === 1);
    this.#nesting--;
  }

  /** A type that a name leads to: it, and what is behind its pointers, are defined. */
  #open(id: TypeId): void {
    this.#follow(id, true, true);
  }

  /**
   * @param byValue  the type itself is needed, not only its declaration
   * @param open  what is behind a pointer is needed as well
   */
  #follow(id: number, byValue: boolean, open: boolean): void {
    const { words, offsets } = this.#btf;
    for (let chain = 0; chain < offsets.length; chain++) {
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
          if (words[at] === 0) {
            if ((this.#followed[id]! & REACHED) !== 0) return;
            this.#followed[id]! |= REACHED;
            this.#followMembers(id as TypeId);
          } else if (byValue) this.#define(id as TypeId);
          return;
        case Kind.fwd:
          if (byValue) this.#define(id as TypeId);
          return;
        case Kind.enum:
        case Kind.enum64:
          if (words[at] !== 0) this.#define(id as TypeId);
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
  }
}
