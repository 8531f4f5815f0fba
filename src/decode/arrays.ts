/**
 * Arrays: numbers as typed arrays (always a copy, so that it outlives the bytes and needs no alignment), everything else
 * element by element.
 */
import { describe } from './text.ts';

/** True on the hosts that everybody has. */
const HOST_LITTLE = /* @__PURE__ */ (() => new Uint8Array(new Uint16Array([1]).buffer)[0] === 1)();
/** From this many bytes on, copying memory beats reading elements. */
const BULK = 64;

/** Copies the bytes as they are when the host's order is theirs and there are enough of them. */
function copied(view: DataView, at: number, target: ArrayBufferView, little: boolean): boolean {
  if (target.byteLength < BULK || little !== HOST_LITTLE) return false;
  new Uint8Array(target.buffer).set(new Uint8Array(view.buffer, view.byteOffset + at, target.byteLength));
  return true;
}

export function readUint8Array(view: DataView, at: number, length: number): Uint8Array {
  const array = new Uint8Array(length);
  if (!copied(view, at, array, HOST_LITTLE)) for (let i = 0; i < length; i++) array[i] = view.getUint8(at + i);
  return array;
}

export function readInt8Array(view: DataView, at: number, length: number): Int8Array {
  const array = new Int8Array(length);
  if (!copied(view, at, array, HOST_LITTLE)) for (let i = 0; i < length; i++) array[i] = view.getInt8(at + i);
  return array;
}

export function readUint16Array(view: DataView, at: number, length: number, little: boolean): Uint16Array {
  const array = new Uint16Array(length);
  if (!copied(view, at, array, little)) for (let i = 0; i < length; i++) array[i] = view.getUint16(at + i * 2, little);
  return array;
}

export function readInt16Array(view: DataView, at: number, length: number, little: boolean): Int16Array {
  const array = new Int16Array(length);
  if (!copied(view, at, array, little)) for (let i = 0; i < length; i++) array[i] = view.getInt16(at + i * 2, little);
  return array;
}

export function readUint32Array(view: DataView, at: number, length: number, little: boolean): Uint32Array {
  const array = new Uint32Array(length);
  if (!copied(view, at, array, little)) for (let i = 0; i < length; i++) array[i] = view.getUint32(at + i * 4, little);
  return array;
}

export function readInt32Array(view: DataView, at: number, length: number, little: boolean): Int32Array {
  const array = new Int32Array(length);
  if (!copied(view, at, array, little)) for (let i = 0; i < length; i++) array[i] = view.getInt32(at + i * 4, little);
  return array;
}

export function readBigUint64Array(view: DataView, at: number, length: number, little: boolean): BigUint64Array {
  const array = new BigUint64Array(length);
  if (!copied(view, at, array, little)) {
    for (let i = 0; i < length; i++) array[i] = view.getBigUint64(at + i * 8, little);
  }
  return array;
}

export function readBigInt64Array(view: DataView, at: number, length: number, little: boolean): BigInt64Array {
  const array = new BigInt64Array(length);
  if (!copied(view, at, array, little))
    for (let i = 0; i < length; i++) array[i] = view.getBigInt64(at + i * 8, little);
  return array;
}

export function readFloat32Array(view: DataView, at: number, length: number, little: boolean): Float32Array {
  const array = new Float32Array(length);
  if (!copied(view, at, array, little)) for (let i = 0; i < length; i++) array[i] = view.getFloat32(at + i * 4, little);
  return array;
}

export function readFloat64Array(view: DataView, at: number, length: number, little: boolean): Float64Array {
  const array = new Float64Array(length);
  if (!copied(view, at, array, little)) for (let i = 0; i < length; i++) array[i] = view.getFloat64(at + i * 8, little);
  return array;
}

/** Elements that need more than a number: `read` is called with the index of each. */
export function readArray<T>(length: number, read: (index: number) => T): T[] {
  const array: T[] = [];
  for (let i = 0; i < length; i++) array.push(read(i));
  return array;
}

/** How many whole elements of `stride` bytes a flexible array that starts at `at` has. */
export function flexibleLength(at: number, end: number | undefined, stride: number): number {
  return end === undefined || stride === 0 || end <= at ? 0 : Math.floor((end - at) / stride);
}

/** Bytes that a flexible array takes; 0 for what is no array, which {@link putArray} refuses. */
export function arraySize(value: ArrayLike<unknown>, stride: number): number {
  return typeof value?.length === 'number' ? value.length * stride : 0;
}

/**
 * Hands the elements to `put`.
 * @param length  how many there have to be; `undefined` for a flexible array, which takes all
 * @throws {RangeError} when there are more or fewer
 */
export function putArray<T>(
  value: ArrayLike<T>,
  length: number | undefined,
  what: string,
  put: (item: T, index: number) => void,
): void {
  if (typeof value !== 'object' || value === null || typeof value.length !== 'number') {
    throw new TypeError(`${what}: expected an array, got ${describe(value)}`);
  }
  if (length !== undefined && value.length !== length) {
    throw new RangeError(`${what}: expected ${length} elements, got ${value.length}`);
  }
  for (let i = 0; i < value.length; i++) put(value[i] as T, i);
}
