/**
 * Maps of a loaded object: get, set, delete, walk, one by one or many at a time. Keys and values go through the codecs of their C
 * types; where a type is not known they are bytes. Every operation is one system call, made here and now: they take about a
 * microsecond and never wait.
 */
import { LoadError } from '../core/errors.ts';
import type { Codec } from '../decode/index.ts';
import type { MapTypeName } from '../object/map-types.ts';
import { type Errno, errnoOf, type Native } from './native.ts';

/** What turns bytes into a key or a value and back. */
export type ValueCodec<T> = Pick<Codec<T>, 'decode' | 'encode'>;

/** When a type is not known: bytes in, bytes out. */
export const BYTES_CODEC: ValueCodec<Uint8Array> = {
  decode: (source) => new Uint8Array(source as Uint8Array),
  encode: (value) => value,
};

/** `any`: put in or replace; `create`: only if it is not there; `replace`: only if it is. */
export type SetMode = 'any' | 'create' | 'replace';

const FLAGS: Readonly<Record<SetMode, bigint>> = { any: 0n, create: 1n, replace: 2n };
/** Entries that are fetched with one call. */
const BATCH = 512;
/** Errnos of kernels and map types without batch operations. */
const NO_BATCH = new Set(['EINVAL', 'ENOTSUP', 'EOPNOTSUPP', 'ENOTSUPP']);

export interface MapInfo {
  readonly name: string;
  readonly fd: number;
  readonly type: MapTypeName;
  /** Bytes. */
  readonly keySize: number;
  /** Bytes of one value. */
  readonly valueSize: number;
  readonly maxEntries: number;
}

/**
 * @template K the key, @template V the value; of a per-CPU map an array with a value for each possible CPU
 */
export class BpfMap<K, V> implements Iterable<[K, V]> {
  readonly info: MapInfo;
  readonly #native: Native;
  readonly #key: ValueCodec<K>;
  readonly #value: ValueCodec<unknown>;
  readonly #cpus: number;
  /** Bytes of a value of one CPU: the kernel rounds up to 8. */
  readonly #stride: number;
  readonly #valueBytes: number;
  readonly #isOpen: () => boolean;

  /** @internal */
  constructor(
    native: Native,
    info: MapInfo,
    codecs: { readonly key: ValueCodec<K>; readonly value: ValueCodec<unknown> },
    isOpen: () => boolean,
  ) {
    this.info = info;
    this.#native = native;
    this.#key = codecs.key;
    this.#value = codecs.value;
    this.#isOpen = isOpen;
    const perCpu = info.type.includes('percpu');
    this.#cpus = perCpu ? native.possibleCpus : 0;
    this.#stride = perCpu ? (info.valueSize + 7) & ~7 : info.valueSize;
    this.#valueBytes = perCpu ? this.#stride * this.#cpus : info.valueSize;
  }

  get name(): string {
    return this.info.name;
  }

  get fd(): number {
    return this.info.fd;
  }

  /** The value of a key, `undefined` when there is none. */
  get(key: K): V | undefined {
    const value = Buffer.alloc(this.#valueBytes);
    const result = this.#bpf.bpf_map_lookup_elem_flags(this.fd, this.#encodeKey(key), value, 0n);
    if (result === 0) return this.#decodeValue(value);
    return this.#absent(result, 'lookup');
  }

  has(key: K): boolean {
    const value = Buffer.alloc(this.#valueBytes);
    const result = this.#bpf.bpf_map_lookup_elem_flags(this.fd, this.#encodeKey(key), value, 0n);
    if (result !== 0) this.#absent(result, 'lookup');
    return result === 0;
  }

  /** @throws {LoadError} `LOAD_MAP` with the errno: `E2BIG` when the map is full, `EEXIST`, `ENOENT` by `mode` */
  set(key: K, value: V, mode: SetMode = 'any'): this {
    this.#check(
      this.#bpf.bpf_map_update_elem(this.fd, this.#encodeKey(key), this.#encodeValue(value), FLAGS[mode]),
      'update',
    );
    return this;
  }

  /** False when there was nothing to delete. */
  delete(key: K): boolean {
    const result = this.#bpf.bpf_map_delete_elem(this.fd, this.#encodeKey(key));
    if (result !== 0) this.#absent(result, 'delete');
    return result === 0;
  }

  /** The value of a key, which is deleted in the same step. Hash maps need Linux 5.14. */
  take(key: K): V | undefined {
    const value = Buffer.alloc(this.#valueBytes);
    const result = this.#bpf.bpf_map_lookup_and_delete_elem(this.fd, this.#encodeKey(key), value);
    return result === 0 ? this.#decodeValue(value) : this.#absent(result, 'lookup and delete');
  }

  /** Adds to a queue, a stack or a bloom filter. */
  push(value: V): void {
    this.#check(this.#bpf.bpf_map_update_elem(this.fd, null, this.#encodeValue(value), 0n), 'push');
  }

  /** Takes from a queue or a stack; `undefined` when it is empty. */
  pop(): V | undefined {
    const value = Buffer.alloc(this.#valueBytes);
    const result = this.#bpf.bpf_map_lookup_and_delete_elem(this.fd, null, value);
    return result === 0 ? this.#decodeValue(value) : this.#absent(result, 'pop');
  }

  /** Keys as they are met. While others add and delete, some may be met twice or not at all: that is the kernel's promise. */
  *keys(): Generator<K> {
    let key: Uint8Array | null = null;
    // deleting the key that was met makes the kernel start again; the bound ends a walk that never gets through
    for (let i = 0; i < this.info.maxEntries * 2 + 1; i++) {
      const next = Buffer.alloc(this.info.keySize);
      const result = this.#bpf.bpf_map_get_next_key(this.fd, key, next);
      if (result !== 0) {
        this.#absent(result, 'get next key');
        return;
      }
      yield this.#key.decode(next);
      key = next;
    }
  }

  *values(): Generator<V> {
    for (const [, value] of this) yield value;
  }

  entries(): Generator<[K, V]> {
    return this[Symbol.iterator]();
  }

  /** All entries, with one call for many where kernel and map type can (hashes and arrays from Linux 5.6). */
  *[Symbol.iterator](): Generator<[K, V]> {
    const first = this.#lookupBatch(null);
    if (first === undefined) {
      for (const key of [...this.keys()]) {
        const value = this.get(key);
        if (value !== undefined) yield [key, value];
      }
      return;
    }
    for (let batch = first; ; ) {
      yield* batch.entries;
      if (batch.next === undefined) return;
      const more = this.#lookupBatch(batch.next);
      if (more === undefined) return;
      batch = more;
    }
  }

  /** Puts many in; one call where kernel and map type can. */
  setMany(entries: Iterable<readonly [K, V]>): void {
    const all = [...entries];
    if (all.length === 0) return;
    const keys = Buffer.concat(all.map(([key]) => this.#encodeKey(key) ?? Buffer.alloc(0)));
    const values = Buffer.concat(all.map(([, value]) => this.#encodeValue(value)));
    const result = this.#bpf.bpf_map_update_batch(this.fd, keys, values, countOf(all.length), null);
    if (result === 0) return;
    if (!NO_BATCH.has(errnoOf(result).name)) this.#check(result, 'update');
    for (const [key, value] of all) this.set(key, value);
  }

  /** Deletes many; those that are not there do not matter. */
  deleteMany(keys: Iterable<K>): void {
    for (const key of keys) this.delete(key);
  }

  /** Deletes everything that is there now. Arrays cannot. */
  clear(): void {
    this.deleteMany([...this.keys()]);
  }

  get #bpf(): Native['bpf'] {
    if (!this.#isOpen())
      throw new LoadError('LOAD_CLOSED', `map ${this.name}: the package is no longer loaded`, {
        details: { map: this.name },
      });
    return this.#native.bpf;
  }

  #lookupBatch(from: Uint8Array | null): { entries: [K, V][]; next: Uint8Array | undefined } | undefined {
    const { keySize, maxEntries } = this.info;
    // hash maps return whole buckets and say ENOSPC when one does not fit
    for (let room = Math.min(BATCH, Math.max(1, maxEntries)); ; room *= 4) {
      const next = Buffer.alloc(Math.max(8, keySize));
      const keys = Buffer.alloc(room * keySize);
      const values = Buffer.alloc(room * this.#valueBytes);
      const count = countOf(room);
      const result = this.#bpf.bpf_map_lookup_batch(this.fd, from, next, keys, values, count, null);
      const errno = errnoOf(result);
      if (errno.name === 'ENOSPC' && room < maxEntries * 4) continue;
      if (result !== 0 && errno.name !== 'ENOENT') {
        if (NO_BATCH.has(errno.name)) return undefined;
        this.#check(result, 'lookup');
      }
      const entries = Array.from({ length: count.readUInt32LE() }, (_, i): [K, V] => [
        this.#key.decode(keys.subarray(i * keySize, (i + 1) * keySize)),
        this.#decodeValue(values.subarray(i * this.#valueBytes, (i + 1) * this.#valueBytes)),
      ]);
      return { entries, next: result === 0 ? next : undefined };
    }
  }

  #encodeKey(key: K): Uint8Array | null {
    if (this.info.keySize === 0) return null;
    return this.#sized(this.#key.encode(key), this.info.keySize, 'key');
  }

  #encodeValue(value: V): Uint8Array {
    if (this.#cpus === 0) return this.#sized(this.#value.encode(value), this.info.valueSize, 'value');
    if (!Array.isArray(value) || value.length !== this.#cpus)
      throw new TypeError(`map ${this.name}: expected an array of ${this.#cpus} values, one for each possible CPU`);
    const bytes = Buffer.alloc(this.#valueBytes);
    for (const [cpu, one] of value.entries())
      bytes.set(this.#sized(this.#value.encode(one), this.info.valueSize, 'value'), cpu * this.#stride);
    return bytes;
  }

  #sized(bytes: Uint8Array, size: number, what: string): Uint8Array {
    if (bytes.length === size) return bytes;
    throw new RangeError(`map ${this.name}: the ${what} has ${bytes.length} bytes, expected ${size}`);
  }

  #decodeValue(bytes: Uint8Array): V {
    if (this.#cpus === 0) return this.#value.decode(bytes) as V;
    return Array.from({ length: this.#cpus }, (_, cpu) =>
      this.#value.decode(bytes.subarray(cpu * this.#stride, cpu * this.#stride + this.info.valueSize)),
    ) as V;
  }

  /** ENOENT is an answer, everything else an error. */
  #absent(result: number, what: string): undefined {
    if (errnoOf(result).name !== 'ENOENT') this.#check(result, what);
  }

  #check(result: number, what: string): void {
    if (result < 0) throw mapError(this.name, what, errnoOf(result));
  }
}

function mapError(map: string, what: string, { errno, name }: Errno): LoadError {
  const hint = HINTS.get(name);
  return new LoadError('LOAD_MAP', `map ${map}: ${what} failed: ${name}`, {
    details: { map, errno, errnoName: name },
    ...(hint === undefined ? {} : { hint }),
  });
}

const HINTS: ReadonlyMap<string, string> = new Map([
  ['E2BIG', 'the map is full: raise max_entries, or pass mapSizes when loading'],
  ['EEXIST', 'the key is there already'],
  ['EPERM', 'the map is read-only for programs in user space'],
]);

function countOf(count: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(count);
  return bytes;
}
