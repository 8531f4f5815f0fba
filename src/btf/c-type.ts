/**
 * A BTF type as C text: `char *(*)[4]`, `struct foo *`, anonymous structs written out with their padding.
 *
 * The text is libbpf's, to the byte, for a use of a type (its `btf_dump__emit_type_decl()`), because the struct and skeleton
 * JSON show it. Definitions of named types are left out: those of kernel headers are written elsewhere.
 */
import { assertNever, MalformedError } from '../core/errors.ts';
import { isComposite, isEnum, isModifier, Kind, kindName, type TypeId } from './kinds.ts';
import { alignOf, isPacked, type KnownAligns, sizeOf } from './layout.ts';
import type { Btf } from './table.ts';

export interface CTypeOptions {
  /** Leave out const, volatile, restrict and type tags at every depth; those behind a typedef are never seen. Default false. */
  readonly stripModifiers?: boolean;
  /** Tabs that the line of a text is taken to start with: what anonymous structs are indented by. Default 2. */
  readonly level?: number;
  /** The name to print for a parameter of a func proto. Default: the one in the BTF. */
  readonly paramName?: (proto: TypeId, index: number) => string;
}

/**
 * Remembers the names that it printed: a second type of the same name becomes `name___2`, as libbpf does to keep its
 * output one valid C file.
 */
export interface CTypePrinter {
  /**
   * The type's text, with a declarator name when one is given (`int (*x)[4]`).
   * @throws {MalformedError} `BTF_TOO_DEEP`, `BTF_TOO_LARGE` for types that no compiler makes; `BTF_BAD_REFERENCE` for a
   * reference to something that is no type of a value (a var, a datasec, …).
   */
  text(id: TypeId, name?: string): string;
  /** Forgets the names printed so far. */
  reset(): void;
}

/** Pointers, arrays, functions and qualifiers around one type. Real ones have fewer than ten. */
const MAX_CHAIN = 256;
/** Anonymous structs within each other and functions taking functions. */
const MAX_NESTING = 100;
/** Characters of one text. The longest of a kernel's members has 300. */
const MAX_TEXT = 1 << 18;
/** Characters that one printer writes in all its texts. Those of a kernel's members take 0.7 million. */
const MAX_TOTAL = 1 << 23;
const MAX_TABS = 13;
const TABS = '\t'.repeat(MAX_TABS);

/** What padding is made of, widest first: C type and width in **bits**. */
const PADDING = [
  ['long', 64],
  ['int', 32],
  ['short', 16],
  ['char', 8],
] as const;

export function makeCTypePrinter(btf: Btf, options: CTypeOptions = {}): CTypePrinter {
  const { stripModifiers = false, level: topLevel = 2, paramName } = options;
  const aligns: KnownAligns = new Map();
  const packed = new Map<TypeId, boolean>();
  const printedNames = new Map<TypeId, string>();
  const tagCounts = new Map<string, number>();
  const identCounts = new Map<string, number>();
  let out = '';
  let written = 0;
  let nesting = 0;

  function emit(text: string): void {
    out += text;
    written += text.length + 1;
    if (out.length > MAX_TEXT || written > MAX_TOTAL) throw tooLarge(written > MAX_TOTAL);
  }

  const newLine = (level: number) => emit(`\n${TABS.slice(0, level)}`);

  function emitDeclaration(id: TypeId, name: string, level: number): void {
    if (++nesting > MAX_NESTING) throw tooDeep(btf, id);
    emitChain(collectChain(id), name, level);
    nesting--;
  }

  /** From the declared type inwards to the type that everything else decorates. */
  function collectChain(id: TypeId): TypeId[] {
    const chain: TypeId[] = [];
    for (let length = 0; length < MAX_CHAIN; length++) {
      const kind = btf.kind(id);
      if (!stripModifiers || !isModifier(kind)) chain.push(id);
      switch (kind) {
        case Kind.ptr:
        case Kind.const:
        case Kind.volatile:
        case Kind.restrict:
        case Kind.typeTag:
        case Kind.funcProto:
          id = btf.ref(id);
          break;
        case Kind.array:
          id = btf.arrayElement(id);
          break;
        case Kind.void:
        case Kind.int:
        case Kind.float:
        case Kind.enum:
        case Kind.enum64:
        case Kind.fwd:
        case Kind.struct:
        case Kind.union:
        case Kind.typedef:
          return chain;
        case Kind.func:
        case Kind.var:
        case Kind.datasec:
        case Kind.declTag:
          throw new MalformedError(
            'BTF_BAD_REFERENCE',
            `type ${id} (${kindName(kind)} ${btf.name(id)}) is used as the type of a value`,
            { details: { typeId: id } },
          );
        default:
          return assertNever(kind);
      }
    }
    throw tooDeep(btf, id);
  }

  /** Prints a chain from its last entry, the innermost type, to its first. Empties it. */
  function emitChain(chain: TypeId[], name: string, level: number): void {
    let afterPointer = true;
    for (let id = chain.pop(); id !== undefined; id = chain.pop()) {
      const kind = btf.kind(id);
      switch (kind) {
        case Kind.ptr:
          emit(afterPointer ? '*' : ' *');
          break;
        case Kind.const:
          emit(' const');
          break;
        case Kind.volatile:
          emit(' volatile');
          break;
        case Kind.restrict:
          emit(' restrict');
          break;
        case Kind.array:
          dropModifiers(chain);
          if (chain.length === 0) {
            emitName(name, afterPointer);
          } else {
            const nested = btf.kind(chain[chain.length - 1]!) === Kind.array;
            if (name !== '' && !afterPointer) emit(' ');
            if (!nested) emit('(');
            emitChain(chain, name, level);
            if (!nested) emit(')');
          }
          emit(`[${btf.arrayLength(id)}]`);
          return;
        case Kind.funcProto:
          dropModifiers(chain);
          if (chain.length === 0) {
            emitName(name, afterPointer);
          } else {
            emit(' (');
            emitChain(chain, name, level);
            emit(')');
          }
          emitParams(id, level);
          return;
        default:
          emitQualifiersBefore(chain);
          emitInnermost(id, kind, level);
      }
      afterPointer = kind === Kind.ptr;
    }
    emitName(name, afterPointer);
  }

  function emitName(name: string, afterPointer: boolean): void {
    if (name !== '') emit(afterPointer ? name : ` ${name}`);
  }

  /** Qualifiers of the innermost type go before it: `const int`. */
  function emitQualifiersBefore(chain: TypeId[]): void {
    while (chain.length > 0) {
      const kind = btf.kind(chain[chain.length - 1]!);
      if (kind === Kind.const) emit('const ');
      else if (kind === Kind.volatile) emit('volatile ');
      else if (kind === Kind.restrict) emit('restrict ');
      else return;
      chain.pop();
    }
  }

  /** C has no place for qualifiers of an array or a function. */
  function dropModifiers(chain: TypeId[]): void {
    while (chain.length > 0 && isModifier(btf.kind(chain[chain.length - 1]!))) chain.pop();
  }

  function emitInnermost(id: TypeId, kind: Kind, level: number): void {
    if (btf.nameOff(id) === 0 && isComposite(kind)) emitComposite(id, kind, level);
    else if (btf.nameOff(id) === 0 && isEnum(kind)) emitEnum(id, kind, level);
    else emit(innermostText(id, kind));
  }

  function innermostText(id: TypeId, kind: Kind): string {
    switch (kind) {
      case Kind.void:
        return 'void';
      case Kind.struct:
      case Kind.union:
        return `${kindName(kind)} ${uniqueName(id, kind)}`;
      case Kind.enum:
      case Kind.enum64:
        return `enum ${uniqueName(id, kind)}`;
      case Kind.fwd:
        return `${btf.kindFlag(id) ? 'union' : 'struct'} ${btf.name(id)}`;
      case Kind.typedef:
        return uniqueName(id, kind);
      case Kind.typeTag:
        return ` __attribute__((btf_type_tag("${btf.name(id)}")))`;
      default:
        return btf.name(id);
    }
  }

  function uniqueName(id: TypeId, kind: Kind): string {
    const known = printedNames.get(id);
    if (known !== undefined) return known;
    let name = btf.name(id);
    const isForwardEnum = kind === Kind.enum && btf.vlen(id) === 0;
    if (!isForwardEnum) name = counted(kind === Kind.typedef ? identCounts : tagCounts, name);
    printedNames.set(id, name);
    return name;
  }

  function counted(counts: Map<string, number>, name: string): string {
    const count = (counts.get(name) ?? 0) + 1;
    counts.set(name, count);
    return count === 1 ? name : `${name}___${count}`;
  }

  function emitParams(proto: TypeId, level: number): void {
    const count = btf.vlen(proto);
    emit('(');
    // clang writes f(void) as one parameter of type void
    if (count !== 1 || btf.paramType(proto, 0) !== 0) {
      for (let i = 0; i < count; i++) {
        if (i > 0) emit(', ');
        const type = btf.paramType(proto, i);
        if (i === count - 1 && type === 0) emit('...');
        else emitDeclaration(type, paramName?.(proto, i) ?? btf.paramName(proto, i), level);
      }
    }
    emit(')');
  }

  function emitEnum(id: TypeId, kind: Kind, level: number): void {
    const count = btf.vlen(id);
    const suffix = kind === Kind.enum ? '' : btf.kindFlag(id) ? 'LL' : 'ULL';
    let isWide = false;
    emit('enum');
    if (count > 0) {
      emit(' {');
      for (let i = 0; i < count; i++) {
        const value = btf.enumeratorValue(id, i);
        if (BigInt.asUintN(64, value) > 0xffffffffn) isWide = true;
        newLine(level + 1);
        emit(`${counted(identCounts, btf.enumeratorName(id, i))} = ${value}${suffix},`);
      }
      newLine(level);
      emit('}');
    }
    const size = btf.recordedSize(id);
    if (size === 1) emit(' __attribute__((mode(byte)))');
    else if (size === 8 && (kind === Kind.enum || !isWide)) emit(' __attribute__((mode(word)))');
  }

  function emitComposite(id: TypeId, kind: Kind, level: number): void {
    const count = btf.vlen(id);
    const size = btf.recordedSize(id);
    const isTight = kind === Kind.struct && isPackedStruct(id);
    let end = 0;
    let wasBitfield = false;
    emit(`${kindName(kind)} {`);
    for (let i = 0; i < count; i++) {
      const type = btf.memberType(id, i);
      const offset = btf.memberBitOffset(id, i);
      const width = btf.memberBitSize(id, i);
      const align = isTight ? 1 : (alignOf(btf, type, aligns) ?? 1);
      emitPadding(end, offset, align, wasBitfield && width > 0, level + 1);
      newLine(level + 1);
      emitDeclaration(type, btf.memberName(id, i), level + 1);
      emit(width > 0 ? `: ${width};` : ';');
      wasBitfield = width > 0;
      end = offset + (width > 0 ? width : 8 * (sizeOf(btf, type) ?? 0));
    }
    if (kind === Kind.struct) emitPadding(end, size * 8, alignOf(btf, id, aligns) ?? 1, false, level + 1);
    if (count > 0 || size > 0) newLine(level);
    emit('}');
    if (isTight) emit(' __attribute__((packed))');
  }

  function isPackedStruct(id: TypeId): boolean {
    let known = packed.get(id);
    if (known === undefined) {
      known = isPacked(btf, id, aligns);
      packed.set(id, known);
    }
    return known;
  }

  /**
   * Unnamed bit-fields that move the compiler from bit `at` to bit `next`, where the next member is aligned to `align`
   * **bytes**.
   */
  function emitPadding(at: number, next: number, align: number, inBitfield: boolean, level: number): void {
    if (at >= next) return;
    let picked = PADDING.findIndex(([, bits]) => roundUp(at, bits) <= next);
    if (picked < 0) picked = PADDING.length - 1;
    const aligned = roundUp(at, PADDING[picked]![1]);
    if (aligned > at && aligned <= next) {
      const isNeeded =
        inBitfield ||
        (aligned === next && roundUp(at, align * 8) !== aligned) ||
        (aligned !== next && next - aligned <= aligned - at);
      if (isNeeded) {
        newLine(level);
        emit(`${PADDING[picked]![0]}: ${inBitfield ? aligned - at : 0};`);
      }
      at = aligned;
    }
    while (at !== next) {
      const bits = Math.min(next - at, PADDING[picked]![1]);
      if (bits !== PADDING[picked]![1]) picked = PADDING.findLastIndex(([, width]) => width >= bits);
      newLine(level);
      emit(`${PADDING[picked]![0]}: ${bits};`);
      at += bits;
    }
  }

  return {
    text(id, name = '') {
      out = '';
      nesting = 0;
      emitDeclaration(id, name, topLevel);
      return out;
    },
    reset() {
      if (printedNames.size + identCounts.size === 0) return;
      printedNames.clear();
      tagCounts.clear();
      identCounts.clear();
    },
  };
}

function roundUp(value: number, step: number): number {
  return step <= 0 ? value : Math.ceil(value / step) * step;
}

function tooLarge(inTotal: boolean): MalformedError {
  const what = inTotal ? `all types together is longer than ${MAX_TOTAL}` : `one type is longer than ${MAX_TEXT}`;
  return new MalformedError('BTF_TOO_LARGE', `the C text of ${what} characters`);
}

function tooDeep(btf: Btf, id: TypeId): MalformedError {
  return new MalformedError(
    'BTF_TOO_DEEP',
    `type ${id} (${kindName(btf.kind(id))} ${btf.name(id)}): types are nested too deeply or in a circle`,
    { details: { typeId: id } },
  );
}
