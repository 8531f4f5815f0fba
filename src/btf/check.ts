/**
 * What is asked of every table once, while it is opened: where its types begin, and that all they refer to is there.
 *
 * This is the first code that runs, over a million words, before the engine has compiled it well. So the loops are small and do the
 * same whatever the kind: such loops are compiled soonest, and what they were compiled for stays true. What exactly is wrong with a
 * bad table is found out afterwards.
 */
import { MalformedError } from '../core/errors.ts';
import { aKind, Kind } from './kinds.ts';
import { signedWords } from './signed-words.ts';
import type { Btf } from './table.ts';
import { HEAD_WORDS } from './words.ts';

const KINDS = 32;
/** Words of a type by kind, its elements aside; 0 for kinds that there are not. */
const WORDS = new Uint8Array(KINDS).fill(HEAD_WORDS, Kind.int, Kind.enum64 + 1);
for (const kind of [Kind.int, Kind.var, Kind.declTag]) WORDS[kind] = HEAD_WORDS + 1;
WORDS[Kind.array] = HEAD_WORDS + 3;
/** Words of each of `vlen` elements. */
const ELEMENT_WORDS = new Uint8Array(KINDS);
for (const kind of [Kind.struct, Kind.union, Kind.datasec, Kind.enum64]) ELEMENT_WORDS[kind] = 3;
for (const kind of [Kind.enum, Kind.funcProto]) ELEMENT_WORDS[kind] = 2;

/** All bits for the kinds whose third word is a type. */
const REFERS = new Int32Array(KINDS);
for (const kind of [
  ...[Kind.ptr, Kind.typedef, Kind.volatile, Kind.const, Kind.restrict, Kind.typeTag],
  ...[Kind.func, Kind.funcProto, Kind.var, Kind.declTag],
]) {
  REFERS[kind] = -1;
}
/** All bits for the kinds whose elements begin with a name, and for those that have a type in their elements. */
const NAMES = new Int32Array(KINDS);
const TYPES = new Int32Array(KINDS);
for (const kind of [Kind.struct, Kind.union, Kind.funcProto]) NAMES[kind] = TYPES[kind] = -1;
for (const kind of [Kind.enum, Kind.enum64]) NAMES[kind] = -1;
TYPES[Kind.datasec] = -1;
/** Which word of an element is the type. */
const TYPE_COLUMN = new Uint8Array(KINDS).fill(1);
TYPE_COLUMN[Kind.datasec] = 0;

/** Words of a type with that info word; 0 when there is no such kind. */
function wordsOf(info: number): number {
  const kind = (info >>> 24) & 0x1f;
  return WORDS[kind]! + ELEMENT_WORDS[kind]! * (info & 0xffff);
}

/**
 * The word at which each type begins, by id, those of the base included.
 * @param what  names the bytes in messages
 * @throws {MalformedError} `BTF_TRUNCATED`, `BTF_BAD_KIND`
 */
export function placeTypes(words: Uint32Array, base: Btf | undefined, what: string): Uint32Array {
  const firstId = base?.count ?? 1;
  const firstWord = base?.words.length ?? 0;
  const places = new Uint32Array(firstId + Math.floor((words.length - firstWord) / HEAD_WORDS));
  if (base !== undefined) places.set(base.offsets);
  const count = fillPlaces(signedWords({ words }), firstWord, places, firstId);
  const last = places[count - 1]!;
  const end = count === firstId ? firstWord : last + wordsOf(words[last + 1]!);
  if (end > words.length) throw truncated(what, count - 1, end, words.length);
  if (end < words.length && end + HEAD_WORDS > words.length)
    throw truncated(what, count, end + HEAD_WORDS, words.length);
  if (end < words.length) throw badKind(what, count, words[end + 1]!);
  return places.slice(0, count);
}

/** Notes where each type begins, as far as there are types; gives the id behind the last. */
function fillPlaces(words: Int32Array, firstWord: number, places: Uint32Array, firstId: number): number {
  const end = words.length - HEAD_WORDS;
  let id = firstId;
  for (let at = firstWord, size = 0; at <= end; at += size) {
    size = wordsOf(words[at + 1]!);
    if (size === 0) break;
    places[id++] = at;
  }
  return id;
}

/**
 * Checks that the names and types that types refer to are there.
 * @param firstId  the first type to be checked: a base is not checked again
 * @throws {MalformedError} `BTF_BAD_NAME`, `BTF_BAD_TYPE_ID`, `BTF_BAD_FUNC`
 */
export function checkReferences(
  words: Uint32Array,
  offsets: Uint32Array,
  firstId: number,
  stringsLength: number,
  what: string,
): void {
  const signed = signedWords({ words });
  const isGood =
    areNamesAndTypesInside(signed, offsets, firstId, stringsLength) && haveFuncsPrototypes(signed, offsets, firstId);
  if (!isGood) throwFirstBad(words, offsets, firstId, stringsLength, what);
}

function areNamesAndTypesInside(
  words: Int32Array,
  offsets: Uint32Array,
  firstId: number,
  stringsLength: number,
): boolean {
  let name = 0;
  let type = 0;
  let signs = 0;
  for (let id = firstId; id < offsets.length; id++) {
    const at = offsets[id]!;
    const info = words[at + 1]!;
    const kind = (info >>> 24) & 0x1f;
    const ownName = words[at]!;
    const ref = words[at + 2]! & REFERS[kind]!;
    if (ownName > name) name = ownName;
    if (ref > type) type = ref;
    signs |= ownName | ref;
    const step = ELEMENT_WORDS[kind]!;
    const end = at + HEAD_WORDS + step * (info & 0xffff);
    for (let element = at + HEAD_WORDS; element < end; element += step) {
      const elementName = words[element]! & NAMES[kind]!;
      const elementType = words[element + TYPE_COLUMN[kind]!]! & TYPES[kind]!;
      if (elementName > name) name = elementName;
      if (elementType > type) type = elementType;
      signs |= elementName | elementType;
    }
    if (kind === Kind.array) {
      type = Math.max(type, words[at + 3]!, words[at + 4]!);
      signs |= words[at + 3]! | words[at + 4]!;
    }
  }
  // what is negative here is larger than any table
  return name < stringsLength && type < offsets.length && signs >= 0;
}

/** libbpf refuses a func that does not refer to a prototype; code that prints or rewrites functions relies on it. */
function haveFuncsPrototypes(words: Int32Array, offsets: Uint32Array, firstId: number): boolean {
  for (let id = firstId; id < offsets.length; id++) {
    const at = offsets[id]!;
    if (((words[at + 1]! >>> 24) & 0x1f) !== Kind.func) continue;
    const proto = words[at + 2]!;
    if (proto === 0 || ((words[offsets[proto]! + 1]! >>> 24) & 0x1f) !== Kind.funcProto) return false;
  }
  return true;
}

/** Says what is wrong, once something is. */
function throwFirstBad(
  words: Uint32Array,
  offsets: Uint32Array,
  firstId: number,
  stringsLength: number,
  what: string,
): void {
  const count = offsets.length;
  for (let id = firstId; id < count; id++) {
    const at = offsets[id]!;
    const info = words[at + 1]!;
    const kind = (info >>> 24) & 0x1f;
    const vlen = info & 0xffff;
    if (words[at]! >= stringsLength && words[at] !== 0) throw badName(what, id, words[at]!, stringsLength);
    switch (kind) {
      case Kind.ptr:
      case Kind.typedef:
      case Kind.volatile:
      case Kind.const:
      case Kind.restrict:
      case Kind.var:
      case Kind.declTag:
      case Kind.typeTag:
        if (words[at + 2]! >= count) throw badReference(what, id, words[at + 2]!, count);
        break;
      case Kind.func: {
        // libbpf refuses a func that does not refer to a prototype; code that prints or rewrites functions relies on it.
        const proto = words[at + 2]!;
        if (proto >= count) throw badReference(what, id, proto, count);
        const protoKind = proto === 0 ? Kind.void : (words[offsets[proto]! + 1]! >>> 24) & 0x1f;
        if (protoKind !== Kind.funcProto) throw badFunc(what, id, proto, protoKind);
        break;
      }
      case Kind.array:
        if (words[at + 3]! >= count) throw badReference(what, id, words[at + 3]!, count);
        if (words[at + 4]! >= count) throw badReference(what, id, words[at + 4]!, count);
        break;
      case Kind.struct:
      case Kind.union:
        for (let i = 0, m = at + HEAD_WORDS; i < vlen; i++, m += 3) {
          if (words[m]! >= stringsLength) throw badName(what, id, words[m]!, stringsLength);
          if (words[m + 1]! >= count) throw badReference(what, id, words[m + 1]!, count);
        }
        break;
      case Kind.funcProto:
        if (words[at + 2]! >= count) throw badReference(what, id, words[at + 2]!, count);
        for (let i = 0, m = at + HEAD_WORDS; i < vlen; i++, m += 2) {
          if (words[m]! >= stringsLength) throw badName(what, id, words[m]!, stringsLength);
          if (words[m + 1]! >= count) throw badReference(what, id, words[m + 1]!, count);
        }
        break;
      case Kind.enum:
      case Kind.enum64: {
        const step = kind === Kind.enum ? 2 : 3;
        for (let i = 0, m = at + HEAD_WORDS; i < vlen; i++, m += step) {
          if (words[m]! >= stringsLength) throw badName(what, id, words[m]!, stringsLength);
        }
        break;
      }
      case Kind.datasec:
        for (let i = 0, m = at + HEAD_WORDS; i < vlen; i++, m += 3) {
          if (words[m]! >= count) throw badReference(what, id, words[m]!, count);
        }
        break;
      default:
        break;
    }
  }
}

function truncated(what: string, id: number, end: number, length: number): MalformedError {
  return new MalformedError(
    'BTF_TRUNCATED',
    `${what}: type ${id} ends at 0x${(end * 4).toString(16)}, the type section at 0x${(length * 4).toString(16)}`,
    {
      details: { typeId: id },
    },
  );
}

function badKind(what: string, id: number, info: number): MalformedError {
  const kind = (info >>> 24) & 0x1f;
  return new MalformedError('BTF_BAD_KIND', `${what}: type ${id} is of unknown kind ${kind}`, {
    details: { typeId: id, kind },
  });
}

function badReference(what: string, id: number, ref: number, count: number): MalformedError {
  return new MalformedError('BTF_BAD_TYPE_ID', `${what}: type ${id} refers to type ${ref}, the table has ${count}`, {
    details: { typeId: id, ref, count },
  });
}

function badFunc(what: string, id: number, proto: number, kind: number): MalformedError {
  return new MalformedError(
    'BTF_BAD_FUNC',
    `${what}: func ${id} refers to type ${proto}, ${aKind(kind)}, expected a funcProto`,
    { details: { typeId: id, ref: proto } },
  );
}

function badName(what: string, id: number, offset: number, length: number): MalformedError {
  return new MalformedError(
    'BTF_BAD_NAME',
    `${what}: type ${id} has a name at 0x${offset.toString(16)}, the strings end at 0x${length.toString(16)}`,
    {
      details: { typeId: id, nameOffset: offset },
    },
  );
}
