/**
 * Sizes, alignments and the type behind names and qualifiers. Depths are bounded, so cyclic BTF from strangers ends in an
 * error and not in a loop.
 *
 * @see libbpf `btf__resolve_size()`, `btf__align_of()`, whose answers these are for a 64-bit target
 */
import { MalformedError } from '../core/errors.ts';
import { Kind, kindName, type TypeId } from './kinds.ts';
import type { Btf } from './table.ts';

/** libbpf's bound on a chain of typedefs, qualifiers and arrays. */
const MAX_CHAIN = 32;
/** Structs within structs, by value. No kernel has come near. */
const MAX_NESTING = 128;
export const POINTER_SIZE = 8;

/** Follows typedefs and qualifiers (const, volatile, restrict, type tags) to the type itself. */
export function resolve(btf: Btf, id: TypeId): TypeId {
  for (let depth = 0; depth < MAX_CHAIN; depth++) {
    switch (btf.kind(id)) {
      case Kind.typedef:
      case Kind.const:
      case Kind.volatile:
      case Kind.restrict:
      case Kind.typeTag:
        id = btf.ref(id);
        break;
      default:
        return id;
    }
  }
  throw tooDeep(btf, id);
}

/** Follows qualifiers, but keeps typedefs. */
export function stripModifiers(btf: Btf, id: TypeId): TypeId {
  for (let depth = 0; depth < MAX_CHAIN; depth++) {
    const kind = btf.kind(id);
    if (kind !== Kind.const && kind !== Kind.volatile && kind !== Kind.restrict && kind !== Kind.typeTag) return id;
    id = btf.ref(id);
  }
  throw tooDeep(btf, id);
}

/** Size in **bytes**; `undefined` for what has none: void, forward declarations, functions. */
export function sizeOf(btf: Btf, id: TypeId): number | undefined {
  let elements = 1;
  for (let depth = 0; depth < MAX_CHAIN; depth++) {
    const kind = btf.kind(id);
    switch (kind) {
      case Kind.int:
      case Kind.enum:
      case Kind.enum64:
      case Kind.float:
      case Kind.struct:
      case Kind.union:
      case Kind.datasec:
        return elements * btf.recordedSize(id);
      case Kind.ptr:
        return elements * POINTER_SIZE;
      case Kind.array:
        elements *= btf.arrayLength(id);
        id = btf.arrayElement(id);
        break;
      case Kind.typedef:
      case Kind.const:
      case Kind.volatile:
      case Kind.restrict:
      case Kind.typeTag:
      case Kind.var:
      case Kind.declTag:
        id = btf.ref(id);
        break;
      default:
        return undefined;
    }
  }
  throw tooDeep(btf, id);
}

/** Alignments already worked out: handing the same map to several calls makes them share the work. */
export type KnownAligns = Map<TypeId, number | undefined>;

/**
 * Alignment in **bytes** of a type as the compiler for a 64-bit target lays it out, 1 for a packed composite; `undefined` for
 * what has none.
 */
export function alignOf(btf: Btf, id: TypeId, known: KnownAligns = new Map()): number | undefined {
  return alignAt(btf, id, 0, known);
}

function alignAt(btf: Btf, id: TypeId, depth: number, known: KnownAligns): number | undefined {
  if (depth > MAX_NESTING) throw tooDeep(btf, id);
  const kind = btf.kind(id);
  switch (kind) {
    case Kind.int:
    case Kind.enum:
    case Kind.enum64:
    case Kind.float:
      return Math.min(POINTER_SIZE, btf.recordedSize(id));
    case Kind.ptr:
      return POINTER_SIZE;
    case Kind.typedef:
    case Kind.const:
    case Kind.volatile:
    case Kind.restrict:
    case Kind.typeTag:
    case Kind.var:
      return alignAt(btf, btf.ref(id), depth + 1, known);
    case Kind.array:
      return alignAt(btf, btf.arrayElement(id), depth + 1, known);
    case Kind.struct:
    case Kind.union: {
      if (known.has(id)) return known.get(id);
      const align = compositeAlign(btf, id, depth, known);
      known.set(id, align);
      return align;
    }
    default:
      return undefined;
  }
}

function compositeAlign(btf: Btf, id: TypeId, depth: number, known: KnownAligns): number | undefined {
  let max = 1;
  for (let i = 0; i < btf.vlen(id); i++) {
    const align = alignAt(btf, btf.memberType(id, i), depth + 1, known);
    if (align === undefined) return undefined;
    if (btf.memberBitSize(id, i) === 0 && btf.memberBitOffset(id, i) % (8 * align) !== 0) return 1;
    max = Math.max(max, align);
  }
  return btf.recordedSize(id) % max === 0 ? max : 1;
}

/** True for a struct that only `__attribute__((packed))` lays out this way. */
export function isPacked(btf: Btf, id: TypeId, known: KnownAligns = new Map()): boolean {
  let max = 1;
  for (let i = 0; i < btf.vlen(id); i++) {
    const align = alignOf(btf, btf.memberType(id, i), known) ?? 1;
    if (btf.memberBitSize(id, i) === 0 && align > 0 && btf.memberBitOffset(id, i) % (8 * align) !== 0) return true;
    max = Math.max(max, align);
  }
  return btf.recordedSize(id) % max !== 0;
}

function tooDeep(btf: Btf, id: TypeId): MalformedError {
  return new MalformedError(
    'BTF_TOO_DEEP',
    `type ${id} (${kindName(btf.kind(id))} ${btf.name(id)}): types are nested too deeply or in a circle`,
    {
      details: { typeId: id },
    },
  );
}
