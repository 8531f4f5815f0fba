/**
 * BTF types as tables of C that the standalone loader prints values by: kinds, sizes, members, names of enumerators. Names of typedefs,
 * qualifiers and whatever else does not change how a value looks are gone; members of nameless structs and unions
 * are their parent's.
 */
import { IntEncoding, isComposite, Kind, kindName, type TypeId } from '../../btf/kinds.ts';
import { resolve, sizeOf } from '../../btf/layout.ts';
import type { Btf } from '../../btf/table.ts';
import { assertNever, MalformedError } from '../../core/errors.ts';
import { cString } from './literal.ts';

/** What a value is to the loader; `enum kind` of `templates/standalone/loader.h`. */
export type ValueKind = 'BYTES' | 'INT' | 'UINT' | 'BOOL' | 'FLOAT' | 'POINTER' | 'ENUM' | 'TEXT' | 'ARRAY' | 'STRUCT';

export interface ValueType {
  readonly kind: ValueKind;
  /** **Bytes**; 0 for a flexible array. */
  readonly size: number;
  /** The type without names and qualifiers. */
  readonly typeId: TypeId;
}

export interface TypeTable {
  /** An expression that points to the table's entry for a type. Entries are made on demand. */
  pointerTo(id: TypeId): string;
  /** All entries that were asked for; nothing when none was. */
  emit(): string;
}

/** By value, within each other. Compilers' own limits are lower. */
const MAX_NESTING = 128;
const INT_SIZES = [1, 2, 4, 8, 16];

/** What kind of value a type is; `undefined` for types without values: void, functions, forward declarations. */
export function valueType(btf: Btf, id: TypeId): ValueType | undefined {
  const typeId = resolve(btf, id);
  const size = sizeOf(btf, typeId);
  return size === undefined ? undefined : { kind: valueKind(btf, typeId), size, typeId };
}

function valueKind(btf: Btf, id: TypeId): ValueKind {
  const kind = btf.kind(id);
  switch (kind) {
    case Kind.int: {
      const { encoding } = btf.int(id);
      if (!INT_SIZES.includes(btf.recordedSize(id))) return 'BYTES';
      if (encoding & IntEncoding.bool) return 'BOOL';
      return encoding & IntEncoding.signed ? 'INT' : 'UINT';
    }
    case Kind.float:
      return [4, 8].includes(btf.recordedSize(id)) ? 'FLOAT' : 'BYTES';
    case Kind.ptr:
      return 'POINTER';
    case Kind.enum:
    case Kind.enum64:
      return 'ENUM';
    case Kind.array:
      return isChar(btf, btf.arrayElement(id)) ? 'TEXT' : 'ARRAY';
    case Kind.struct:
    case Kind.union:
      return 'STRUCT';
    case Kind.void:
    case Kind.fwd:
    case Kind.func:
    case Kind.funcProto:
    case Kind.var:
    case Kind.datasec:
    case Kind.declTag:
    case Kind.typedef:
    case Kind.volatile:
    case Kind.const:
    case Kind.restrict:
    case Kind.typeTag:
      return 'BYTES';
    default:
      return assertNever(kind);
  }
}

/** Plain `char`: arrays of it are text, those of `unsigned char` and its typedefs are numbers. */
function isChar(btf: Btf, id: TypeId): boolean {
  const element = resolve(btf, id);
  return btf.kind(element) === Kind.int && btf.recordedSize(element) === 1 && btf.name(element) === 'char';
}

interface Member {
  readonly name: string;
  readonly type: ValueType;
  /** From the start of the outermost struct that it is flattened into. */
  readonly bitOffset: number;
  readonly bitSize: number;
}

export function makeTypeTable(btf: Btf): TypeTable {
  const indexes = new Map<TypeId, number>();
  const entries: string[] = [];
  const parts: string[] = [];

  function pointerTo(id: TypeId): string {
    const type = valueType(btf, id);
    return type === undefined ? 'NULL' : `&types[${indexOf(type, 0)}]`;
  }

  function indexOf(type: ValueType, depth: number): number {
    const known = indexes.get(type.typeId);
    if (known !== undefined) return known;
    if (depth > MAX_NESTING) throw tooDeep(btf, type.typeId);
    const index = entries.length;
    indexes.set(type.typeId, index);
    entries.push('');
    entries[index] = entryOf(type, index, depth);
    return index;
  }

  function entryOf({ kind, size, typeId }: ValueType, index: number, depth: number): string {
    const fields = [`.kind = KIND_${kind}`, `.size = ${size}`];
    if (kind === 'ENUM') {
      if (btf.kindFlag(typeId)) fields.push('.is_signed = true');
      parts.push(emitValues(btf, typeId, index));
      fields.push(`.values = values_${index}`);
    } else if (kind === 'ARRAY') {
      const element = valueType(btf, btf.arrayElement(typeId));
      if (element !== undefined) fields.push(`.element = &types[${indexOf(element, depth + 1)}]`);
    } else if (kind === 'STRUCT') {
      const members = [...membersOf(btf, typeId, 0, depth)];
      if (isOpen(btf, typeId)) fields.push('.is_open = true');
      const lines = members.map(
        ({ name, type, bitOffset, bitSize }) =>
          `\t{ ${cString(name)}, &types[${indexOf(type, depth + 1)}], ${bitOffset}, ${bitSize} },\n`,
      );
      parts.push(`static const struct member members_${index}[] = {\n${lines.join('')}\t{ .name = NULL },\n};\n`);
      fields.push(`.members = members_${index}`);
    }
    return `\t/* ${describe(btf, typeId)} */\n\t{ ${fields.join(', ')} },\n`;
  }

  return {
    pointerTo,
    emit() {
      if (entries.length === 0) return '';
      const size = entries.length;
      return [
        `static const struct type types[${size}];\n`,
        ...parts,
        `static const struct type types[${size}] = {\n${entries.join('')}};\n`,
      ].join('\n');
    },
  };
}

/** Members with a name and a size, in order; those of nameless structs in the place of these. */
function* membersOf(btf: Btf, id: TypeId, baseBits: number, depth: number): Generator<Member> {
  if (depth > MAX_NESTING) throw tooDeep(btf, id);
  for (let i = 0; i < btf.vlen(id); i++) {
    const type = valueType(btf, btf.memberType(id, i));
    if (type === undefined) continue;
    const name = btf.memberName(id, i);
    const bitOffset = baseBits + btf.memberBitOffset(id, i);
    if (name !== '') yield { name, type, bitOffset, bitSize: btf.memberBitSize(id, i) };
    else if (isComposite(btf.kind(type.typeId))) yield* membersOf(btf, type.typeId, bitOffset, depth + 1);
  }
}

/** True for a struct that ends in a flexible array, its own or that of its last member. */
function isOpen(btf: Btf, id: TypeId): boolean {
  for (let depth = 0; depth < MAX_NESTING; depth++) {
    const kind = btf.kind(id);
    if (kind === Kind.array) return btf.arrayLength(id) === 0;
    if (kind !== Kind.struct || btf.vlen(id) === 0) return false;
    id = resolve(btf, btf.memberType(id, btf.vlen(id) - 1));
  }
  throw tooDeep(btf, id);
}

function emitValues(btf: Btf, id: TypeId, index: number): string {
  const lines: string[] = [];
  for (let i = 0; i < btf.vlen(id); i++) {
    lines.push(`\t{ ${cString(btf.enumeratorName(id, i))}, ${int64(btf.enumeratorValue(id, i))} },\n`);
  }
  return `static const struct enumerator values_${index}[] = {\n${lines.join('')}\t{ .name = NULL },\n};\n`;
}

/** C has no constant for the smallest number: it is a minus before one that is too large. */
function int64(value: bigint): string {
  const signed = BigInt.asIntN(64, value);
  return signed === -(1n << 63n) ? 'INT64_MIN' : `INT64_C(${signed})`;
}

function describe(btf: Btf, id: TypeId): string {
  const kind = btf.kind(id);
  if (kind === Kind.array) return `${describe(btf, resolve(btf, btf.arrayElement(id)))}[${btf.arrayLength(id)}]`;
  if (kind === Kind.ptr) return 'pointer';
  const name = btf.name(id).replaceAll('*/', '');
  return kind === Kind.int || kind === Kind.float ? name : `${kindName(kind)} ${name === '' ? '(nameless)' : name}`;
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
