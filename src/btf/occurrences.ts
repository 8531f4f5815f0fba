/**
 * Where the names of a table occur: from the bytes of a name to the types that bear it or have an enumerator of that name. Ships with
 * a kernel's BTF, so that what a program mentions is found without going through all that it does not mention.
 *
 * A hash table that holds type ids and nothing else: which name led to an id is looked up in the type. Names of members are not in it.
 */
import { Kind, type TypeId } from './kinds.ts';
import type { BtfParts } from './table.ts';
import { HEAD_WORDS } from './words.ts';

/** The arrays that an index consists of. */
export interface OccurrenceArrays {
  /** By bucket: where its list begins in `ids`; one more than there are buckets, whose number is a power of two. */
  readonly starts: Uint32Array;
  /** Ids of types, ascending within a bucket, each once in it. */
  readonly ids: Uint16Array;
}

const MOST_TYPES = 1 << 16;

type Table = Pick<BtfParts, 'words' | 'offsets' | 'strings'>;

export class Occurrences {
  readonly arrays: OccurrenceArrays;
  readonly #table: Table;
  readonly #mask: number;

  constructor(table: Table, arrays: OccurrenceArrays) {
    this.arrays = arrays;
    this.#table = table;
    this.#mask = arrays.starts.length - 2;
  }

  /** Offset of a name in the string section, 0 when no type and no enumerator is called that. Only names in ASCII are found. */
  find(name: string): number {
    const { words, offsets, strings } = this.#table;
    const { starts, ids } = this.arrays;
    const bucket = hashOfText(name) & this.#mask;
    const last = starts[bucket + 1]!;
    for (let index = starts[bucket]!; index < last; index++) {
      const at = offsets[ids[index]!]!;
      if (isAt(strings, words[at]!, name)) return words[at]!;
      const step = enumeratorWords(words[at + 1]!);
      if (step === 0) continue;
      const end = at + HEAD_WORDS + (words[at + 1]! & 0xffff) * step;
      for (let word = at + HEAD_WORDS; word < end; word += step)
        if (isAt(strings, words[word]!, name)) return words[word]!;
    }
    return 0;
  }

  /** The types that bear the name at that offset, or have an enumerator of that name; ascending. */
  bearers(nameOff: number): TypeId[] {
    const { words, offsets, strings } = this.#table;
    const { starts, ids } = this.arrays;
    const bucket = hashAt(strings, nameOff) & this.#mask;
    const last = starts[bucket + 1]!;
    const found: TypeId[] = [];
    for (let index = starts[bucket]!; index < last; index++) {
      const id = ids[index] as TypeId;
      const at = offsets[id]!;
      let isBearer = words[at] === nameOff;
      const step = isBearer ? 0 : enumeratorWords(words[at + 1]!);
      const end = at + HEAD_WORDS + (words[at + 1]! & 0xffff) * step;
      for (let word = at + HEAD_WORDS; word < end && !isBearer; word += step) isBearer = words[word] === nameOff;
      if (isBearer) found.push(id);
    }
    return found;
  }
}

/**
 * Linear in the table. Expects what all writers of BTF do: equal strings are stored once.
 * @throws {RangeError} more types than two bytes can number, which no kernel has.
 */
export function indexOccurrences(table: Table): OccurrenceArrays {
  if (table.offsets.length > MOST_TYPES)
    throw new RangeError(`${table.offsets.length} types, at most ${MOST_TYPES} can be indexed`);
  const hashes: number[] = [];
  const owners: number[] = [];
  eachName(table, (nameOff, id) => {
    hashes.push(hashAt(table.strings, nameOff));
    owners.push(id);
  });
  // one or two to a bucket: fewer make the file smaller, and finding a name a look into more enums
  let buckets = 1;
  while (buckets < owners.length / 2) buckets *= 2;
  const lists = Array.from({ length: buckets }, () => new Set<number>());
  for (const [index, id] of owners.entries()) lists[hashes[index]! & (buckets - 1)]!.add(id);

  const starts = new Uint32Array(buckets + 1);
  for (const [bucket, list] of lists.entries()) starts[bucket + 1] = starts[bucket]! + list.size;
  const ids = new Uint16Array(starts[buckets]!);
  for (const [bucket, list] of lists.entries()) ids.set([...list], starts[bucket]);
  return { starts, ids };
}

/** Calls back for each name that C programs can refer to but for members', types in the order of the table. */
function eachName({ words, offsets }: Table, found: (nameOff: number, id: number) => void): void {
  for (let id = 1; id < offsets.length; id++) {
    const at = offsets[id]!;
    const info = words[at + 1]!;
    switch ((info >>> 24) & 0x1f) {
      case Kind.struct:
      case Kind.union:
      case Kind.enum:
      case Kind.enum64:
      case Kind.fwd:
      case Kind.typedef:
      case Kind.func:
      case Kind.declTag: {
        if (words[at] !== 0) found(words[at]!, id);
        const step = enumeratorWords(info);
        for (let index = 0; step !== 0 && index < (info & 0xffff); index++) {
          const nameOff = words[at + HEAD_WORDS + index * step]!;
          if (nameOff !== 0) found(nameOff, id);
        }
        break;
      }
      default:
        break;
    }
  }
}

/** An index as it ships: the number of buckets as a power of two, how many ids each bucket has, the ids; each two bytes, little-endian. */
export function packOccurrences({ starts, ids }: OccurrenceArrays): Uint8Array {
  const counts = Array.from(starts.subarray(1), (start, bucket) => start - starts[bucket]!);
  const cells = Uint16Array.from([Math.log2(counts.length), ...counts, ...ids]);
  return littleEndian(new Uint8Array(cells.buffer));
}

/** The reverse; `undefined` for bytes that are no index. */
export function unpackOccurrences(bytes: Uint8Array): OccurrenceArrays | undefined {
  const cells = new Uint16Array(littleEndian(bytes).buffer, bytes.byteOffset, bytes.length >>> 1);
  const buckets = 2 ** (cells[0] ?? Infinity);
  if (buckets >= cells.length) return undefined;
  const starts = new Uint32Array(buckets + 1);
  let start = 0;
  for (let bucket = 1; bucket <= buckets; bucket++) {
    start += cells[bucket]!;
    starts[bucket] = start;
  }
  const ids = cells.subarray(buckets + 1);
  return start === ids.length ? { starts, ids } : undefined;
}

/** Numbers of two bytes from the machine's byte order to little-endian or back, in place. */
function littleEndian(bytes: Uint8Array): Uint8Array {
  const isLittle = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;
  return isLittle ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).swap16();
}

function enumeratorWords(info: number): number {
  const kind = (info >>> 24) & 0x1f;
  return kind === Kind.enum ? 2 : kind === Kind.enum64 ? 3 : 0;
}

function hashAt(strings: Uint8Array, start: number): number {
  let hash = 0x811c9dc5;
  for (let at = start, byte = strings[at]!; byte !== 0; byte = strings[++at]!)
    hash = Math.imul(hash ^ byte, 0x01000193);
  return (hash ^ (hash >>> 15)) >>> 0;
}

/** The same of a text in ASCII, as names in C are; what else it is asked for has no hash that anything would be found by. */
function hashOfText(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return (hash ^ (hash >>> 15)) >>> 0;
}

function isAt(strings: Uint8Array, start: number, name: string): boolean {
  if (strings[start + name.length] !== 0) return false;
  for (let i = 0; i < name.length; i++) if (strings[start + i] !== name.charCodeAt(i)) return false;
  return true;
}
