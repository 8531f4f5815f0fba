/**
 * Values as the reference loader prints them, straight from bytes by BTF: as JSON, and as text for tables, which is the same but for
 * strings on the top level. Where the reference cannot print (bitfields, 64-bit enums, strings without a NUL, anonymous
 * members) this prints what is there.
 */
import { Kind, type TypeId } from '../btf/kinds.ts';
import { resolve, sizeOf } from '../btf/layout.ts';
import type { Btf } from '../btf/table.ts';

/** The value at `at`; `end` is where the bytes end: what is beyond reads as zero. */
type Print = (view: DataView, at: number, end: number) => string;

export interface Printer {
  readonly json: Print;
  /** As `json`, but strings bare. */
  readonly text: Print;
}

export interface Field extends Printer {
  readonly name: string;
}

const BOOL = 4;
const SIGNED = 1;
/** Nesting of types by value; BTF from strangers may be circular. */
const MAX_DEPTH = 64;

/**
 * What a record consists of: the members of a struct, those of anonymous ones among them, or one field named after the type.
 */
export function fieldsOf(btf: Btf, typeId: TypeId): Field[] {
  const id = resolve(btf, typeId);
  const kind = btf.kind(id);
  if (kind === Kind.struct || kind === Kind.union) return members(btf, id, 0, 0);
  return [{ name: btf.name(typeId) || btf.name(id), ...printerOf(btf, typeId, 0) }];
}

/** Single values out of a record, each with a name. */
export function fieldsAt(
  btf: Btf,
  members: readonly { readonly name: string; readonly offset: number; readonly typeId: TypeId }[],
): Field[] {
  return members.map(({ name, offset, typeId }) => shifted({ name, ...printerOf(btf, typeId, 0) }, offset));
}

/** A field that lies `offset` bytes further on. */
function shifted({ name, json, text }: Field, offset: number): Field {
  return {
    name,
    json: (view, at, end) => json(view, at + offset, end),
    text: (view, at, end) => text(view, at + offset, end),
  };
}

/** All fields as one JSON object, keys in alphabetical order. */
export function jsonObject(fields: readonly Field[]): Print {
  const sorted = [...fields].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  const keys = sorted.map(({ name }, i) => `${i === 0 ? '' : ','}${JSON.stringify(name)}:`);
  return (view, at, end) => {
    let text = '{';
    for (let i = 0; i < sorted.length; i++) text += keys[i]! + sorted[i]!.json(view, at, end);
    return `${text}}`;
  };
}

function members(btf: Btf, id: TypeId, base: number, depth: number): Field[] {
  const fields: Field[] = [];
  for (let i = 0; i < btf.vlen(id); i++) {
    const name = btf.memberName(id, i);
    const type = btf.memberType(id, i);
    const bits = btf.memberBitOffset(id, i);
    const inner = resolve(btf, type);
    const isComposite = btf.kind(inner) === Kind.struct || btf.kind(inner) === Kind.union;
    if (name === '' && isComposite && depth < MAX_DEPTH) {
      fields.push(...members(btf, inner, base + (bits >>> 3), depth + 1));
      continue;
    }
    const width = btf.memberBitSize(id, i);
    const printer = width === 0 ? printerOf(btf, type, depth + 1) : bitfield(btf, type, bits & 7, width);
    const offset = base + (bits >>> 3);
    fields.push(shifted({ name, ...printer }, offset));
  }
  return fields;
}

function printerOf(btf: Btf, typeId: TypeId, depth: number): Printer {
  const id = resolve(btf, typeId);
  const kind = btf.kind(id);
  if (depth > MAX_DEPTH) return both(() => 'null');
  switch (kind) {
    case Kind.int:
      return both(printInt(btf, id));
    case Kind.ptr:
      return both((view, at, end) => String(unsigned(view, at, end, 8)));
    case Kind.float: {
      const size = btf.recordedSize(id);
      return both((view, at, end) => printFloat(size, view, at, end));
    }
    case Kind.enum:
    case Kind.enum64:
      return quoted(printEnum(btf, id));
    case Kind.array:
      return printArray(btf, id, depth);
    case Kind.struct:
    case Kind.union:
      return both(printComposite(btf, id, depth));
    default:
      return both(() => 'null');
  }
}

function both(print: Print): Printer {
  return { json: print, text: print };
}

function quoted(print: Print): Printer {
  return { json: (view, at, end) => JSON.stringify(print(view, at, end)), text: print };
}

/** Up to 8 bytes, little endian; those beyond `end` are zero. */
function unsigned(view: DataView, at: number, end: number, size: number): bigint {
  if (at + size <= end && size === 8) return view.getBigUint64(at, true);
  let value = 0n;
  for (let i = Math.min(size, end - at) - 1; i >= 0; i--) value = (value << 8n) | BigInt(view.getUint8(at + i));
  return value;
}

function printInt(btf: Btf, id: TypeId): Print {
  const size = btf.recordedSize(id);
  const { encoding } = btf.int(id);
  if ((encoding & BOOL) !== 0) return (view, at, end) => (at < end && view.getUint8(at) !== 0 ? 'true' : 'false');
  const signed = (encoding & SIGNED) !== 0;
  switch (size) {
    case 1:
      return (view, at, end) => (at >= end ? '0' : String(signed ? view.getInt8(at) : view.getUint8(at)));
    case 2:
      return (view, at, end) =>
        at + 2 > end ? '0' : String(signed ? view.getInt16(at, true) : view.getUint16(at, true));
    case 4:
      return (view, at, end) =>
        at + 4 > end ? '0' : String(signed ? view.getInt32(at, true) : view.getUint32(at, true));
    case 16:
      return (view, at, end) => {
        const value = unsigned(view, at, end, 8) | (unsigned(view, at + 8, end, 8) << 64n);
        return `"${signed ? BigInt.asIntN(128, value) : value}"`;
      };
    default:
      return (view, at, end) => {
        const value = unsigned(view, at, end, size);
        return String(signed ? BigInt.asIntN(size * 8, value) : value);
      };
  }
}

/** As `serde_json` prints numbers: whole ones with `.0`, no infinities. */
function printFloat(size: number, view: DataView, at: number, end: number): string {
  if (at + size > end) return '0.0';
  const value = size === 4 ? view.getFloat32(at, true) : size === 8 ? view.getFloat64(at, true) : Number.NaN;
  if (!Number.isFinite(value)) return 'null';
  const text = Object.is(value, -0) ? '-0' : String(value);
  return /^-?\d+$/.test(text) ? `${text}.0` : text;
}

function printEnum(btf: Btf, id: TypeId): Print {
  const size = btf.recordedSize(id);
  const bits = size * 8;
  const names = new Map<bigint, string>();
  for (let i = 0; i < btf.vlen(id); i++) {
    const value = BigInt.asIntN(bits, btf.enumeratorValue(id, i));
    if (!names.has(value)) names.set(value, btf.enumeratorName(id, i));
  }
  return (view, at, end) => {
    const value = BigInt.asIntN(bits, unsigned(view, at, end, size));
    return `${names.get(value) ?? '<UNKNOWN_VARIANT>'}(${value})`;
  };
}

const utf8 = new TextDecoder();

function printArray(btf: Btf, id: TypeId, depth: number): Printer {
  const element = btf.arrayElement(id);
  const length = btf.arrayLength(id);
  const inner = resolve(btf, element);
  const size = sizeOf(btf, element) ?? 0;
  if (btf.kind(inner) === Kind.int && btf.name(inner) === 'char' && size === 1)
    return quoted((view, at, end) => printString(length, view, at, end));
  const { json } = printerOf(btf, element, depth + 1);
  return both((view, at, end) => {
    // a flexible array takes what is left
    const count = length > 0 ? length : size > 0 ? Math.max(0, Math.floor((end - at) / size)) : 0;
    let text = '[';
    for (let i = 0; i < count; i++) text += (i === 0 ? '' : ',') + json(view, at + i * size, end);
    return `${text}]`;
  });
}

function printString(length: number, view: DataView, at: number, end: number): string {
  const limit = length > 0 ? Math.min(at + length, end) : end;
  let stop = at;
  while (stop < limit && view.getUint8(stop) !== 0) stop++;
  return stop <= at ? '' : utf8.decode(new Uint8Array(view.buffer, view.byteOffset + at, stop - at));
}

function printComposite(btf: Btf, id: TypeId, depth: number): Print {
  const isStruct = btf.kind(id) === Kind.struct;
  const text = (name: string, value: string): Field => ({ name, ...quoted(() => value) });
  return jsonObject([
    text('__EUNOMIA_TYPE', isStruct ? 'struct' : 'union'),
    text('__EUNOMIA_TYPE_NAME', btf.name(id)),
    ...members(btf, id, 0, depth),
  ]);
}

/** @param shift  bits between the first byte and the field */
function bitfield(btf: Btf, typeId: TypeId, shift: number, width: number): Printer {
  const id = resolve(btf, typeId);
  const bytes = Math.ceil((shift + width) / 8);
  const isInt = btf.kind(id) === Kind.int;
  const encoding = isInt ? btf.int(id).encoding : btf.kindFlag(id) ? SIGNED : 0;
  const value: (view: DataView, at: number, end: number) => bigint = (view, at, end) => {
    const raw = BigInt.asUintN(width, unsigned(view, at, end, bytes) >> BigInt(shift));
    return (encoding & SIGNED) !== 0 ? BigInt.asIntN(width, raw) : raw;
  };
  if ((encoding & BOOL) !== 0) return both((view, at, end) => (value(view, at, end) === 0n ? 'false' : 'true'));
  if (isInt) return both((view, at, end) => String(value(view, at, end)));
  const names = new Map<bigint, string>();
  for (let i = 0; i < btf.vlen(id); i++) names.set(btf.enumeratorValue(id, i), btf.enumeratorName(id, i));
  return quoted((view, at, end) => {
    const found = value(view, at, end);
    return `${names.get(found) ?? '<UNKNOWN_VARIANT>'}(${found})`;
  });
}
