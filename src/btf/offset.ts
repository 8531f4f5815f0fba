/**
 * Where a member is, by a path such as `mm.arg_start`: through structs within structs, anonymous members, arrays, typedefs, and,
 * unlike C's `offsetof`, through pointers, each of which is a place to read an address from.
 */
import { UsageError } from '../core/errors.ts';
import { nearest } from '../core/nearest.ts';
import { findDefinition } from './declare/names.ts';
import { getType } from './get-type.ts';
import { isComposite, Kind, kindName, type TypeId } from './kinds.ts';
import { resolve, sizeOf } from './layout.ts';
import type { Btf } from './table.ts';

/** Where a member is, and how to get there. */
export interface MemberLocation {
  /** The member's type, as declared. */
  readonly typeId: TypeId;
  /**
   * From the start of the object that holds it, in **bits**: the root type's, or, when pointers were crossed, what the last of them
   * points to.
   */
  readonly bitOffset: number;
  /** The same in **bytes**; for a bitfield, of the byte that it starts in. */
  readonly byteOffset: number;
  /** Size of the member, of a bitfield its width, in **bits**; 0 where it has none: `void`, flexible arrays. */
  readonly bitSize: number;
  readonly isBitfield: boolean;
  /**
   * The pointers on the way, outermost first, each as the offset, in **bytes**, of the address to follow from the object reached so
   * far. Empty when the member lies in the root type itself.
   */
  readonly derefs: readonly number[];
}

type Step = { readonly member: string } | { readonly index: number };

/** Where a walk along a path has come to. */
interface Cursor {
  typeId: TypeId;
  bitOffset: number;
  /** Width of the member reached when that is a bitfield; else 0. */
  bitfield: number;
  /** The member reached ends its struct. */
  isLast: boolean;
  readonly derefs: number[];
}

/**
 * Follows a path from a type.
 *
 * A path is made of member names and indices: `a.b`, `a[2].b`, `a.b[1][3]`. Members of anonymous structs and unions are named as in C.
 * `.` and `->` mean the same: a pointer is followed wherever the path goes on behind one, and shows in
 * {@link MemberLocation.derefs}. Indices must lie in their array, but for one of length 0 or 1 that ends its struct.
 * @param root  a type id, or a name for {@link getType}
 * @throws {UsageError} `USAGE_TYPE`, `USAGE_MEMBER` (the hint has members that are close), `USAGE_PATH`
 */
export function offsetOf(btf: Btf, root: TypeId | string, path: string): MemberLocation {
  const typeId = typeof root === 'string' ? getType(btf, root) : root;
  const cursor: Cursor = { typeId, bitOffset: 0, bitfield: 0, isLast: false, derefs: [] };
  for (const step of parsePath(path)) {
    if ('member' in step) enterMember(btf, cursor, step.member, path);
    else enterElement(btf, cursor, step.index, path);
  }
  return Object.freeze({
    typeId: cursor.typeId,
    bitOffset: cursor.bitOffset,
    byteOffset: Math.floor(cursor.bitOffset / 8),
    bitSize: cursor.bitfield || (sizeOf(btf, cursor.typeId) ?? 0) * 8,
    isBitfield: cursor.bitfield !== 0,
    derefs: Object.freeze(cursor.derefs),
  });
}

function parsePath(path: string): Step[] {
  const steps: Step[] = [];
  const token = /(\.|->)?([^\s.[\]<>-]+)|\[(\d{1,10})\]/y;
  for (let at = 0; at < path.length; at = token.lastIndex) {
    const match = token.exec(path);
    const [, separator, member, index] = match ?? [];
    if (match === null || (member !== undefined && (separator === undefined) !== (at === 0)))
      throw new UsageError('USAGE_PATH', `'${path}' is no path to a member`, {
        details: { path, position: at },
        hint: 'such as: a.b, a[2].b',
      });
    steps.push(member === undefined ? { index: Number(index) } : { member });
  }
  if (steps.length === 0) throw new UsageError('USAGE_PATH', 'the path to the member is empty');
  return steps;
}

function enterMember(btf: Btf, cursor: Cursor, name: string, path: string): void {
  let owner = resolve(btf, cursor.typeId);
  if (btf.kind(owner) === Kind.ptr) owner = definitionOf(btf, follow(btf, cursor, owner));
  const kind = btf.kind(owner);
  if (!isComposite(kind)) {
    const why = kind === Kind.fwd ? 'is only declared, not defined' : 'has no members';
    throw new UsageError('USAGE_MEMBER', `${path}: ${shown(btf, owner)}, where ${name} is looked for, ${why}`, {
      details: { path, member: name, typeId: owner },
    });
  }
  const found = findMember(btf, owner, name);
  if (found === undefined) throw noMember(btf, owner, name, path);
  cursor.typeId = btf.memberType(found.owner, found.index);
  cursor.bitOffset += found.bitOffset;
  cursor.bitfield = btf.memberBitSize(found.owner, found.index);
  cursor.isLast = found.index === btf.vlen(found.owner) - 1;
}

function enterElement(btf: Btf, cursor: Cursor, index: number, path: string): void {
  const array = resolve(btf, cursor.typeId);
  const kind = btf.kind(array);
  if (kind === Kind.ptr) cursor.typeId = follow(btf, cursor, array);
  else if (kind === Kind.array) {
    const length = btf.arrayLength(array);
    // As libbpf does: the last array may be longer than it says.
    if (index >= length && !(cursor.isLast && length <= 1))
      throw new UsageError('USAGE_PATH', `${path}: index ${index} of an array of ${length}`, {
        details: { path, index, length },
      });
    cursor.typeId = btf.arrayElement(array);
  } else
    throw new UsageError('USAGE_PATH', `${path}: [${index}] of ${shown(btf, array)}, which is no array`, {
      details: { path, index, typeId: array },
    });
  const size = sizeOf(btf, cursor.typeId);
  if (size === undefined)
    throw new UsageError('USAGE_PATH', `${path}: [${index}] of ${shown(btf, cursor.typeId)}, which has no size`, {
      details: { path, index, typeId: cursor.typeId },
    });
  cursor.bitOffset += index * size * 8;
  cursor.isLast = false;
}

/** Goes behind a pointer: the type that it points to, typedefs and qualifiers kept. */
function follow(btf: Btf, cursor: Cursor, pointer: TypeId): TypeId {
  cursor.derefs.push(cursor.bitOffset / 8);
  cursor.bitOffset = 0;
  cursor.isLast = false;
  return btf.ref(pointer);
}

/** The type itself; of a forward declaration what it declares, when the table has that. */
function definitionOf(btf: Btf, id: TypeId): TypeId {
  const resolved = resolve(btf, id);
  return btf.kind(resolved) === Kind.fwd ? (findDefinition(btf, resolved) ?? resolved) : resolved;
}

interface FoundMember {
  /** The struct or union that declares it: an anonymous member of the one asked, or that itself. */
  readonly owner: TypeId;
  readonly index: number;
  /** From the start of the one asked. */
  readonly bitOffset: number;
}

/** A named member, also of the anonymous members. Each type is searched once, however often it is a member. */
function findMember(btf: Btf, composite: TypeId, name: string): FoundMember | undefined {
  for (const { owner, bitOffset } of withAnonymous(btf, composite)) {
    for (let index = 0; index < btf.vlen(owner); index++) {
      if (btf.memberName(owner, index) !== name) continue;
      return { owner, index, bitOffset: bitOffset + btf.memberBitOffset(owner, index) };
    }
  }
  return undefined;
}

/** A composite and all that its anonymous members are made of. */
function* withAnonymous(
  btf: Btf,
  composite: TypeId,
): Generator<{ readonly owner: TypeId; readonly bitOffset: number }> {
  const seen = new Set([composite]);
  const pending = [{ owner: composite, bitOffset: 0 }];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    yield next;
    const { owner, bitOffset } = next;
    for (let index = btf.vlen(owner); index-- > 0; ) {
      if (btf.memberName(owner, index) !== '') continue;
      const inner = resolve(btf, btf.memberType(owner, index));
      if (!isComposite(btf.kind(inner)) || seen.has(inner)) continue;
      seen.add(inner);
      pending.push({ owner: inner, bitOffset: bitOffset + btf.memberBitOffset(owner, index) });
    }
  }
}

function noMember(btf: Btf, composite: TypeId, name: string, path: string): UsageError {
  const names = new Set<string>();
  for (const { owner } of withAnonymous(btf, composite))
    for (let index = 0; index < btf.vlen(owner); index++) names.add(btf.memberName(owner, index));
  names.delete('');
  const close = nearest(name, names);
  return new UsageError('USAGE_MEMBER', `${path}: ${shown(btf, composite)} has no member ${name}`, {
    details: { path, member: name, typeId: composite, close },
    ...(close.length > 0 && { hint: `close to it: ${close.join(', ')}` }),
  });
}

/** A type as messages name it. */
function shown(btf: Btf, id: TypeId): string {
  const kind = btf.kind(id);
  if (kind === Kind.fwd) return `${btf.kindFlag(id) ? 'union' : 'struct'} ${btf.name(id)}`;
  return kind === Kind.void ? 'void' : `${kindName(kind)} ${btf.name(id) || `of type id ${id}`}`;
}
