/**
 * The order in which C accepts declarations: what a type needs by value is defined before it, what it only points to is at
 * least declared. Enums come first, since nothing can stand in for them; then structs, unions and typedefs by id, each after
 * what it needs; then anonymous enums that no other type holds; then functions.
 */
import { MalformedError } from '../../core/errors.ts';
import { Kind, type TypeId } from '../kinds.ts';
import { signedWords } from '../signed-words.ts';
import type { Btf } from '../table.ts';
import type { CPrinter } from './printer.ts';

const FORWARD = 1;
const IN_PROGRESS = 2;
const DONE = 4;
/** Everything that is needed to write a pointer to this type, or a function of it, is declared. */
const REACHED = 8;
/** Everything that is needed to write a member of this type is declared. */
const READY = 16;
/** What the members of a tagged struct need, so that it can be written without its tag, is declared. */
const INLINED = 32;
/** Definitions that wait for each other. Kernels stay below 40. */
const MAX_DEPTH = 512;

export class DeclarationOrder {
  readonly #btf: Btf;
  readonly #words: Int32Array;
  readonly #offsets: Uint32Array;
  readonly #printer: CPrinter;
  readonly #state: Uint8Array;
  /** The struct or union that is being prepared; it needs no forward declaration of itself. */
  #current = 0;
  #depth = 0;
  /** Types marked as reached by the walks under way, and how many there are. */
  readonly #marked: Int32Array;
  #markedCount = 0;
  /** How often a reference to the current type was passed over. */
  #selfReferences = 0;

  constructor(btf: Btf, printer: CPrinter) {
    this.#btf = btf;
    this.#words = signedWords(btf);
    this.#offsets = btf.offsets;
    this.#printer = printer;
    this.#state = new Uint8Array(btf.count);
    // a type that is marked is not marked once more before it is taken off again
    this.#marked = new Int32Array(btf.count);
  }

  /** Declares these types, in ascending order of their ids, and what they need. */
  declareTypes(ids: ArrayLike<number>): void {
    const words = this.#words;
    const offsets = this.#offsets;
    const anonymousEnums: TypeId[] = [];
    for (let i = 0; i < ids.length; i++) {
      const id = ids[i]! as TypeId;
      const at = offsets[id]!;
      const kind = (words[at + 1]! >>> 24) & 0x1f;
      if (kind !== Kind.enum && kind !== Kind.enum64) continue;
      if (words[at] === 0) anonymousEnums.push(id);
      else this.#defineEnum(id);
    }
    for (let i = 0; i < ids.length; i++) {
      const id = ids[i]! as TypeId;
      const at = offsets[id]!;
      switch ((words[at + 1]! >>> 24) & 0x1f) {
        case Kind.struct:
        case Kind.union:
          if (words[at] !== 0) this.#defineComposite(id);
          break;
        case Kind.typedef:
          this.#defineTypedef(id);
          break;
        case Kind.fwd:
          this.#declareForward(id);
          break;
        default:
          break;
      }
    }
    for (const id of anonymousEnums) if (!this.#printer.isEnumDeclared(id)) this.#printer.enumeration(id);
  }

  /** Declares what the prototypes of these functions need, then the functions. */
  declareKfuncs(ids: readonly TypeId[]): void {
    for (const id of ids) this.#need(this.#btf.ref(id), false);
    for (const id of ids) this.#printer.kfunc(id);
  }

  /**
   * Sees to it that a type can be written: by value, or only behind a pointer. What led to the type that is being prepared is
   * not remembered as reached: written earlier, inside of another type, it does need the forward declaration.
   */
  #need(id: number, byValue: boolean): void {
    const firstMark = this.#markedCount;
    const selfReferences = this.#selfReferences;
    this.#reach(id, byValue);
    if (selfReferences !== this.#selfReferences) this.#unmark(firstMark);
    else if (byValue) this.#state[id]! |= READY;
    this.#markedCount = firstMark;
  }

  #mark(id: number): void {
    this.#state[id]! |= REACHED;
    this.#marked[this.#markedCount++] = id;
  }

  #unmark(first: number): void {
    for (let i = first; i < this.#markedCount; i++) this.#state[this.#marked[i]!]! &= ~REACHED;
  }

  #reach(id: number, byValue: boolean): void {
    const words = this.#words;
    const state = this.#state;
    for (let chain = 0; chain < MAX_DEPTH; chain++) {
      if (id === 0) return;
      const at = this.#offsets[id]!;
      const info = words[at + 1]!;
      switch ((info >>> 24) & 0x1f) {
        case Kind.const:
        case Kind.volatile:
        case Kind.restrict:
        case Kind.typeTag:
          id = words[at + 2]!;
          break;
        case Kind.ptr:
          if ((state[id]! & REACHED) !== 0) return;
          this.#mark(id);
          id = words[at + 2]!;
          byValue = false;
          break;
        case Kind.array:
          // Also behind a pointer: C wants the element type of any array complete.
          id = words[at + 3]!;
          byValue = true;
          break;
        case Kind.typedef:
          this.#defineTypedef(id as TypeId);
          if (!byValue) return;
          id = words[at + 2]!;
          break;
        case Kind.struct:
        case Kind.union:
          if (words[at] === 0) this.#prepareMembers(id as TypeId);
          else if (byValue) this.#defineComposite(id as TypeId);
          else this.#declareForward(id as TypeId);
          return;
        case Kind.fwd:
          this.#declareForward(id as TypeId);
          return;
        case Kind.enum:
        case Kind.enum64:
          if (words[at] !== 0) this.#defineEnum(id as TypeId);
          return;
        case Kind.int:
          this.#declareInt(id as TypeId);
          return;
        case Kind.funcProto: {
          if ((state[id]! & REACHED) !== 0) return;
          this.#mark(id);
          this.#enter(id);
          for (let i = 0, p = at + 3; i < (info & 0xffff); i++, p += 2) this.#need(words[p + 1]!, false);
          this.#depth--;
          id = words[at + 2]!;
          byValue = false;
          break;
        }
        default:
          return;
      }
    }
    throw tooDeep(id);
  }

  #enter(id: number): void {
    if (++this.#depth > MAX_DEPTH) throw tooDeep(id);
  }

  #prepareMembers(id: TypeId): void {
    const state = this.#state;
    if ((state[id]! & (IN_PROGRESS | DONE)) !== 0) return;
    this.#enter(id);
    state[id]! |= IN_PROGRESS;
    this.#needMembers(id);
    state[id]! = (state[id]! & ~IN_PROGRESS) | DONE;
    this.#depth--;
  }

  #needMembers(id: TypeId): void {
    const words = this.#words;
    const state = this.#state;
    const at = this.#offsets[id]!;
    const end = at + 3 + (words[at + 1]! & 0xffff) * 3;
    for (let m = at + 3; m < end; m += 3) {
      const type = words[m + 1]!;
      if (words[m] !== 0) {
        if ((state[type]! & READY) === 0) this.#need(type, true);
      } else if (this.#isComposite(type)) {
        // An anonymous member with a tag is written in place: its members are needed, not its name.
        this.#prepareInline(type as TypeId);
      } else this.#need(type, true);
    }
  }

  #prepareInline(id: TypeId): void {
    if (this.#btf.nameOff(id) === 0) {
      this.#prepareMembers(id);
      return;
    }
    if ((this.#state[id]! & INLINED) !== 0) return;
    this.#state[id]! |= INLINED;
    this.#enter(id);
    this.#needMembers(id);
    this.#depth--;
  }

  #isComposite(id: number): boolean {
    if (id === 0) return false;
    const kind = (this.#words[this.#offsets[id]! + 1]! >>> 24) & 0x1f;
    return kind === Kind.struct || kind === Kind.union;
  }

  #defineComposite(id: TypeId): void {
    if ((this.#state[id]! & (IN_PROGRESS | DONE)) !== 0) return;
    const outer = this.#current;
    this.#current = id;
    this.#prepareMembers(id);
    this.#current = outer;
    this.#printer.composite(id);
  }

  #declareForward(id: TypeId): void {
    if (id === this.#current) {
      this.#selfReferences++;
      return;
    }
    const definition = this.#btf.kind(id) === Kind.fwd ? this.#printer.names.definitionOf(id) : undefined;
    if (definition !== undefined) {
      this.#declareForward(definition);
      return;
    }
    if ((this.#state[id]! & (FORWARD | DONE)) !== 0) return;
    this.#state[id]! |= FORWARD;
    this.#printer.forward(id);
  }

  #defineEnum(id: TypeId): void {
    if ((this.#state[id]! & DONE) !== 0) return;
    this.#state[id]! |= DONE;
    this.#printer.enumeration(id);
  }

  #defineTypedef(id: TypeId): void {
    if ((this.#state[id]! & (IN_PROGRESS | DONE)) !== 0) return;
    if (this.#printer.names.isBuiltin(id)) return;
    this.#enter(id);
    this.#state[id]! |= IN_PROGRESS;
    const outer = this.#current;
    this.#current = 0;
    this.#need(this.#btf.ref(id), false);
    this.#current = outer;
    this.#state[id]! = (this.#state[id]! & ~IN_PROGRESS) | DONE;
    this.#printer.typedef(id);
    this.#depth--;
  }

  #declareInt(id: TypeId): void {
    if ((this.#state[id]! & DONE) !== 0) return;
    this.#state[id]! |= DONE;
    this.#printer.intAlias(id);
  }
}

function tooDeep(id: number): MalformedError {
  return new MalformedError('BTF_TOO_DEEP', `type ${id}: types are nested too deeply or in a circle`, {
    details: { typeId: id },
  });
}
