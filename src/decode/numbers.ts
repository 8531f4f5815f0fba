/**
 * Numbers beyond what `DataView` reads and writes: 128 bits, 64 bits as a safe `number`, bitfields; and the writers, which refuse
 * what does not fit instead of cutting it off.
 */
import { describe } from './text.ts';

/** An unsigned number of 128 bits. */
export function getUint128(view: DataView, at: number, little: boolean): bigint {
  const first = view.getBigUint64(at, little);
  const second = view.getBigUint64(at + 8, little);
  return little ? first | (second << 64n) : (first << 64n) | second;
}

/** A signed number of 128 bits. */
export function getInt128(view: DataView, at: number, little: boolean): bigint {
  return BigInt.asIntN(128, getUint128(view, at, little));
}

/** @throws {RangeError} for a value that a `number` cannot hold exactly. */
export function toSafe(value: bigint, what: string): number {
  const number = Number(value);
  if (Number.isSafeInteger(number)) return number;
  throw new RangeError(`${what}: ${value} does not fit a number; read it as a bigint`);
}

/** An unsigned number of 64 bits as a `number`. @throws {RangeError} beyond 2^53 - 1. */
export function getSafeUint64(view: DataView, at: number, little: boolean, what: string): number {
  const high = view.getUint32(little ? at + 4 : at, little);
  if (high >= 0x200000) return toSafe(view.getBigUint64(at, little), what);
  return high * 0x100000000 + view.getUint32(little ? at : at + 4, little);
}

/** A signed number of 64 bits as a `number`. @throws {RangeError} beyond ±(2^53 - 1). */
export function getSafeInt64(view: DataView, at: number, little: boolean, what: string): number {
  const high = view.getInt32(little ? at + 4 : at, little);
  if (high >= 0x200000 || high < -0x1fffff) return toSafe(view.getBigInt64(at, little), what);
  return high * 0x100000000 + view.getUint32(little ? at : at + 4, little);
}

/**
 * The bits of a bitfield that one 32-bit load does not reach.
 * @param size  bytes that it lies in   @param shift  bits below it in those bytes, read as one number
 */
export function getBits(
  view: DataView,
  at: number,
  size: number,
  shift: number,
  width: number,
  signed: boolean,
  little: boolean,
): bigint {
  let all = 0n;
  for (let i = 0; i < size; i++) all = (all << 8n) | BigInt(view.getUint8(little ? at + size - 1 - i : at + i));
  const bits = all >> BigInt(shift);
  return signed ? BigInt.asIntN(width, bits) : BigInt.asUintN(width, bits);
}

/** Writes the bits of a bitfield and leaves its neighbours alone. */
export function putBits(
  view: DataView,
  at: number,
  size: number,
  shift: number,
  width: number,
  signed: boolean,
  little: boolean,
  value: number | bigint | boolean,
  what: string,
): void {
  const bits = BigInt.asUintN(width, integer(typeof value === 'boolean' ? Number(value) : value, width, signed, what));
  const mask = ((1n << BigInt(width)) - 1n) << BigInt(shift);
  const set = bits << BigInt(shift);
  for (let i = 0; i < size; i++) {
    const place = little ? at + i : at + size - 1 - i;
    const down = BigInt(8 * i);
    const keep = ~Number((mask >> down) & 255n) & 255;
    view.setUint8(place, (view.getUint8(place) & keep) | Number((set >> down) & 255n));
  }
}

/** A number or bigint as a bigint that fits `bits`. */
function integer(value: number | bigint, bits: number, signed: boolean, what: string): bigint {
  if (typeof value !== 'bigint' && typeof value !== 'number') {
    throw new TypeError(`${what}: expected a number or bigint, got ${describe(value)}`);
  }
  if (typeof value === 'number' && !Number.isSafeInteger(value)) {
    throw new RangeError(`${what}: ${value} is not an integer that a number holds exactly`);
  }
  const number = BigInt(value);
  const low = signed ? -(1n << BigInt(bits - 1)) : 0n;
  const high = (1n << BigInt(signed ? bits - 1 : bits)) - 1n;
  if (number < low || number > high) throw new RangeError(`${what}: ${number} is not within ${low} … ${high}`);
  return number;
}

function small(value: number, low: number, high: number, what: string): number {
  if (typeof value !== 'number') throw new TypeError(`${what}: expected a number, got ${describe(value)}`);
  if (!Number.isInteger(value)) throw new RangeError(`${what}: ${value} is not an integer`);
  if (value < low || value > high) throw new RangeError(`${what}: ${value} is not within ${low} … ${high}`);
  return value;
}

export function putUint8(view: DataView, at: number, value: number, what: string): void {
  view.setUint8(at, small(value, 0, 0xff, what));
}

export function putInt8(view: DataView, at: number, value: number, what: string): void {
  view.setInt8(at, small(value, -0x80, 0x7f, what));
}

export function putUint16(view: DataView, at: number, value: number, little: boolean, what: string): void {
  view.setUint16(at, small(value, 0, 0xffff, what), little);
}

export function putInt16(view: DataView, at: number, value: number, little: boolean, what: string): void {
  view.setInt16(at, small(value, -0x8000, 0x7fff, what), little);
}

export function putUint32(view: DataView, at: number, value: number, little: boolean, what: string): void {
  view.setUint32(at, small(value, 0, 0xffffffff, what), little);
}

export function putInt32(view: DataView, at: number, value: number, little: boolean, what: string): void {
  view.setInt32(at, small(value, -0x80000000, 0x7fffffff, what), little);
}

/** The 64- and 128-bit writers take safe integers as well as bigints. */
export function putUint64(view: DataView, at: number, value: number | bigint, little: boolean, what: string): void {
  view.setBigUint64(at, integer(value, 64, false, what), little);
}

export function putInt64(view: DataView, at: number, value: number | bigint, little: boolean, what: string): void {
  view.setBigInt64(at, integer(value, 64, true, what), little);
}

export function putUint128(view: DataView, at: number, value: number | bigint, little: boolean, what: string): void {
  put128(view, at, integer(value, 128, false, what), little);
}

export function putInt128(view: DataView, at: number, value: number | bigint, little: boolean, what: string): void {
  put128(view, at, integer(value, 128, true, what), little);
}

function put128(view: DataView, at: number, value: bigint, little: boolean): void {
  view.setBigUint64(little ? at : at + 8, BigInt.asUintN(64, value), little);
  view.setBigUint64(little ? at + 8 : at, BigInt.asUintN(64, value >> 64n), little);
}

/** Writes a float; over a NaN no other NaN, which would change its bits. */
export function putFloat32(view: DataView, at: number, value: number, little: boolean, what: string): void {
  if (typeof value !== 'number') throw new TypeError(`${what}: expected a number, got ${describe(value)}`);
  if (Number.isFinite(value) && !Number.isFinite(Math.fround(value))) {
    throw new RangeError(`${what}: ${value} is beyond the range of a float`);
  }
  if (Number.isNaN(value) && Number.isNaN(view.getFloat32(at, little))) return;
  view.setFloat32(at, value, little);
}

/** As {@link putFloat32}, of 64 bits. */
export function putFloat64(view: DataView, at: number, value: number, little: boolean, what: string): void {
  if (typeof value !== 'number') throw new TypeError(`${what}: expected a number, got ${describe(value)}`);
  if (Number.isNaN(value) && Number.isNaN(view.getFloat64(at, little))) return;
  view.setFloat64(at, value, little);
}

/** A bool of any size: true is 1, but what is true already stays as it is. */
export function putBool(view: DataView, at: number, size: number, value: boolean, little: boolean, what: string): void {
  if (typeof value !== 'boolean') throw new TypeError(`${what}: expected a boolean, got ${describe(value)}`);
  let any = 0;
  for (let i = 0; i < size; i++) any |= view.getUint8(at + i);
  if (value === (any !== 0)) return;
  for (let i = 0; i < size; i++) view.setUint8(at + i, 0);
  if (value) view.setUint8(little ? at : at + size - 1, 1);
}
