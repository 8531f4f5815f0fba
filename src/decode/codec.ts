/**
 * A codec: what a generated module has for each type. The reading and writing of members is generated, straight-line code;
 * here is what is the same for all types: lengths, partial events, buffers.
 */
import { type ByteSource, checkLength, checkOffset, viewOf } from './source.ts';
import { describe } from './text.ts';

/**
 * Decodes and encodes one C type.
 *
 * `T` is what decoding gives; `In` is what encoding takes, which differs where there are unions: decoding shows every arm,
 * encoding takes those that are given.
 */
export interface Codec<T, In = T> {
  /** The type as C spells it: `struct event`. */
  readonly name: string;
  /** `sizeof` in bytes. */
  readonly size: number;
  /** Bytes that decoding needs: {@link size}, without the flexible array and padding of a type that ends in one. */
  readonly need: number;
  /**
   * The value at `offset` as plain data that shares nothing with the bytes. Bytes behind it are ignored, but for a
   * flexible array, which takes all that is left.
   * @throws {ShortBufferError} (a `RangeError`) naming type, need and have
   */
  decode(source: ByteSource, offset?: number): T;
  /** What {@link decode} does for everything but a long enough `DataView`. */
  decodeAny(source: ByteSource, offset: number): T;
  /** Like {@link decode}, but bytes that are missing at the end count as zero: numbers are 0, strings and flexible arrays empty. */
  decodePartial(source: ByteSource, offset?: number): T;
  /**
   * The bytes of a value; padding is zero.
   * @throws {RangeError} for a number out of range, a string or an array of the wrong length
   * @throws {TypeError} for a value of the wrong type
   */
  encode(value: In): Uint8Array;
  /** Like {@link encode}, into bytes that are there: returns how many were written, {@link size} or, with a flexible array, what it takes. */
  encodeInto(value: In, target: Uint8Array, offset?: number): number;
  /**
   * Reads at `at` without looking at lengths first; what reaches beyond the view is a plain `RangeError`.
   * @param end  where the bytes of a flexible array end; without it such an array is empty
   */
  read(view: DataView, at: number, end?: number): T;
  /** Writes the members, not the padding, into a view that is large enough. */
  write(view: DataView, at: number, value: In): void;
  /** Bytes that {@link encode} makes of a value. */
  measure(value: In): number;
}

/** What a generated module says about a type. */
export interface CodecSpec<T, In> {
  readonly name: string;
  readonly size: number;
  /** Default: `size`. */
  readonly need?: number;
  read(view: DataView, at: number, end?: number): T;
  /** Default: the runtime's. */
  decode?(source: ByteSource, offset?: number): T;
  write(view: DataView, at: number, value: In): void;
  /** Only for types with a flexible array. Default: `size`. */
  measure?(value: In): number;
}

/** Up to this size bytes are copied by a loop, beyond it by `set`. */
const LOOP = 96;
/** Beyond this size making a `DataView` is cheaper than copying. */
const SCRATCH = 4096;

export function codec<T, In = T>(spec: CodecSpec<T, In>): Codec<T, In> {
  const { name, size, need = size, read } = spec;
  const isFlexible = spec.measure !== undefined;
  const measure = spec.measure ?? (() => size);
  // A DataView for every event costs more than decoding it: bytes of other kinds are copied into one that stays.
  let bytes: Uint8Array | undefined;
  let view: DataView | undefined;

  function scratch(): Uint8Array {
    bytes ??= new Uint8Array(size);
    view ??= new DataView(bytes.buffer);
    return bytes;
  }

  function decodeAny(source: ByteSource, offset: number): T {
    checkLength(name, need, source.byteLength, offset);
    if (source instanceof DataView) return read(source, offset, source.byteLength);
    if (isFlexible || size > SCRATCH || !(source instanceof Uint8Array)) {
      const whole = viewOf(source, offset);
      return read(whole, 0, whole.byteLength);
    }
    const copy = scratch();
    if (size <= LOOP) for (let i = 0; i < size; i++) copy[i] = source[offset + i] as number;
    else copy.set(source.length === size ? source : source.subarray(offset, offset + size));
    return read(view as DataView, 0, size);
  }

  const decode = spec.decode ?? ((source: ByteSource, offset = 0) => decodeAny(source, offset));

  function decodePartial(source: ByteSource, offset = 0): T {
    if (offset + need <= source.byteLength) return decodeAny(source, offset);
    checkOffset(name, offset);
    const have = Math.max(0, source.byteLength - offset);
    const padded = new Uint8Array(need);
    if (have > 0) {
      const rest = viewOf(source, offset, have);
      padded.set(new Uint8Array(rest.buffer, rest.byteOffset, have));
    }
    return read(new DataView(padded.buffer), 0, need);
  }

  function checkGiven(value: In): void {
    if (value === undefined || value === null) throw new TypeError(`${name}: expected a value, got ${describe(value)}`);
  }

  function write(target: DataView, at: number, value: In): void {
    checkGiven(value);
    spec.write(target, at, value);
  }

  function encodeInto(value: In, target: Uint8Array, offset = 0): number {
    checkGiven(value);
    const length = measure(value);
    checkLength(name, length, target.length, offset);
    target.fill(0, offset, offset + length);
    spec.write(viewOf(target, offset, length), 0, value);
    return length;
  }

  function encode(value: In): Uint8Array {
    checkGiven(value);
    const target = new Uint8Array(measure(value));
    spec.write(new DataView(target.buffer), 0, value);
    return target;
  }

  return { name, size, need, decode, decodeAny, decodePartial, encode, encodeInto, read, write, measure };
}

/**
 * Writes a value with a flexible array where other values follow.
 * @throws {RangeError} when it takes more than `room` bytes
 */
export function putBounded<In>(
  view: DataView,
  at: number,
  room: number,
  type: Codec<unknown, In>,
  value: In,
  what: string,
): void {
  const length = value === undefined || value === null ? 0 : type.measure(value);
  if (length > room) throw new RangeError(`${what}: the value takes ${length} bytes, there is room for ${room}`);
  type.write(view, at, value);
}

/** What a codec decodes to: `Decoded<typeof maps.start.key>`. */
export type Decoded<C> = C extends Codec<infer T, never> ? T : never;

/** A member that is given, `undefined` for one that only `Object.prototype` has (`constructor`, `__proto__`). */
export function given<T extends object, K extends keyof T>(value: T, key: K): T[K] | undefined {
  return Object.hasOwn(value, key) ? value[key] : undefined;
}
