/**
 * What is asked of every table once, while it is opened: where its types begin, and that all they refer to is there.
 *
 * This is the first code that runs, over a million words, before the engine has compiled it well. So it is one loop over the words, which only
 * finds out whether the table is good. What exactly is wrong with a bad one is found out afterwards.
 */
import { MalformedError } from '../core/errors.ts';
import { aKind, Kind } from './kinds.ts';
import { EACH, FIXED, IS_FUNC, NAMED, PART, REFERS, SHAPES, TYPED, wordsOf } from './shapes.ts';
import { signedWords } from './signed-words.ts';
import type { Btf } from './table.ts';
import { HEAD_WORDS } from './words.ts';

/** A table that is being opened. */
interface Unchecked {
  /** Words of the base, then its own. */
  readonly words: Uint32Array;
  readonly base: Btf | undefined;
  /** Length of the string section, that of the base included. */
  readonly stringsLength: number;
  /** Names the bytes in messages. */
  readonly what: string;
}

/**
 * Checks the types of a table and that the names and types that they refer to are there. A base is not checked again.
 * @returns the word at which each type begins, by id, those of the base included
 * @throws {MalformedError} `BTF_TRUNCATED`, `BTF_BAD_KIND`, `BTF_BAD_NAME`, `BTF_BAD_TYPE_ID`, `BTF_BAD_FUNC`
 */
export function checkTypes(table: Unchecked): Uint32Array {
  const good = placesOfGood(table);
  if (good !== undefined) return good;
  const places = placeTypes(table.words, table.base, table.what);
  throwFirstBad(table.words, places, table.base?.count ?? 1, table.stringsLength, table.what);
  return places;
}

/** What {@link checkTypes} gives, `undefined` when anything is wrong. */
function placesOfGood({ words, base, stringsLength }: Unchecked): Uint32Array | undefined {
  const firstId = base?.count ?? 1;
  const places = roomForPlaces(words, base);
  const prototypes = new Int32Array(room(places.length - firstId));
  const signed = signedWords({ words });
  const seen = passOverTypes(signed, base?.words.length ?? 0, places, firstId, prototypes);
  // what is negative is larger than any table
  const isInside = seen.maxName < stringsLength && seen.maxType < seen.count && seen.signs >= 0;
  if (seen.end !== words.length || !isInside || !areFuncProtos(prototypes, seen.funcs, signed, places))
    return undefined;
  return places.subarray(0, seen.count);
}

/** What was seen in a pass over types. */
interface Seen {
  /** The word behind the last type that is whole and of a known kind. */
  readonly end: number;
  /** Number of type ids, and of funcs. */
  readonly count: number;
  readonly funcs: number;
  /** The largest offset of a name and the largest id that were referred to, as signed numbers, and the bits of all of them. */
  readonly maxName: number;
  readonly maxType: number;
  readonly signs: number;
}

/** Notes where each type begins and what funcs refer to, as far as there are types. Does the same for all kinds, see ./shapes.ts. */
function passOverTypes(
  words: Int32Array,
  firstWord: number,
  places: Uint32Array,
  firstId: number,
  prototypes: Int32Array,
): Seen {
  const lastHead = words.length - HEAD_WORDS;
  let at = firstWord;
  let id = firstId;
  let funcs = 0;
  let maxName = 0;
  let maxType = 0;
  let signs = 0;
  while (at <= lastHead) {
    const info = words[at + 1]!;
    const shape = SHAPES[(info >>> 24) & 0x1f]!;
    const fixed = (shape >> FIXED) & PART;
    const each = (shape >> EACH) & PART;
    let place = at + (shape & PART);
    const end = place + fixed + each * (info & 0xffff);
    if (place === at || end > words.length) break;
    places[id++] = at;
    const ownName = words[at]!;
    const ref = words[at + 2]! & -((shape >> REFERS) & 1);
    if (ownName > maxName) maxName = ownName;
    if (ref > maxType) maxType = ref;
    signs |= ownName | ref;
    prototypes[funcs] = ref;
    funcs += (shape >> IS_FUNC) & 1;
    if (place < end) {
      const names = -((shape >> NAMED) & 1);
      const types = -((shape >> TYPED) & 1);
      for (const step = fixed + each; place < end; place += step) {
        const first = words[place]!;
        const name = first & names;
        const firstType = first ^ name;
        const type = words[place + 1]! & types;
        if (name > maxName) maxName = name;
        if (firstType > maxType) maxType = firstType;
        if (type > maxType) maxType = type;
        signs |= first | type;
      }
    }
    at = end;
  }
  return { end: at, count: id, funcs, maxName, maxType, signs };
}

/** libbpf refuses a func that does not refer to a prototype; code that prints or rewrites functions relies on it. */
function areFuncProtos(ids: Int32Array, count: number, words: Int32Array, places: Uint32Array): boolean {
  for (let index = 0; index < count; index++) {
    const id = ids[index]!;
    if (id === 0 || ((words[places[id]! + 1]! >>> 24) & 0x1f) !== Kind.funcProto) return false;
  }
  return true;
}

/**
 * The word at which each type begins, by id, those of the base included: all that is asked of a table that is known to be good.
 * @param what  names the bytes in messages
 * @throws {MalformedError} `BTF_TRUNCATED`, `BTF_BAD_KIND`
 */
export function placeTypes(words: Uint32Array, base: Btf | undefined, what: string): Uint32Array {
  const firstId = base?.count ?? 1;
  const firstWord = base?.words.length ?? 0;
  const places = roomForPlaces(words, base);
  const count = fillPlaces(signedWords({ words }), firstWord, places, firstId);
  const last = places[count - 1]!;
  const end = count === firstId ? firstWord : last + wordsOf(words[last + 1]!);
  if (end > words.length) throw truncated(what, count - 1, end, words.length);
  if (end < words.length && end + HEAD_WORDS > words.length)
    throw truncated(what, count, end + HEAD_WORDS, words.length);
  if (end < words.length) throw badKind(what, count, words[end + 1]!);
  return places.subarray(0, count);
}

/** Places for as many types as there can be, those of the base filled in. */
function roomForPlaces(words: Uint32Array, base: Btf | undefined): Uint32Array {
  const own = Math.floor((words.length - (base?.words.length ?? 0)) / HEAD_WORDS);
  const places = new Uint32Array(room((base?.count ?? 1) + own));
  places[0] = 0;
  if (base !== undefined) places.set(base.offsets);
  return places;
}

/** Memory for words, not cleared: of what is never written to, most is no memory at all. */
function room(words: number): ArrayBuffer {
  return Buffer.allocUnsafeSlow(words * Uint32Array.BYTES_PER_ELEMENT).buffer as ArrayBuffer;
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
