/**
 * Char arrays as strings: UTF-8 up to the first NUL or the end, invalid sequences replaced by U+FFFD.
 *
 * Nearly all of them are short and ASCII (`comm`), and for those `TextDecoder` costs several times the decoding of everything else in an
 * event: its call and the array that it wants. So the first 16 bytes are looked at as four words, and a string that
 * ends there and is ASCII is made by one call.
 */
const DECODER = /* @__PURE__ */ new TextDecoder('utf-8', { ignoreBOM: true });
const ENCODER = /* @__PURE__ */ new TextEncoder();
const fromCodes = String.fromCharCode;
const HIGH_BITS = 0x80808080;

/** Index of the first zero byte of a little-endian word, 4 when it has none. */
function zeroByte(word: number): number {
  const marks = (word - 0x01010101) & ~word & HIGH_BITS;
  return marks === 0 ? 4 : (31 - Math.clz32(marks & -marks)) >> 3;
}

/** The text of a char array of `size` bytes. */
export function readString(view: DataView, at: number, size: number): string {
  if (at + 16 > view.byteLength) return readAnyString(view, at, size);
  const a = view.getInt32(at, true);
  const b = view.getInt32(at + 4, true);
  const c = view.getInt32(at + 8, true);
  const d = view.getInt32(at + 12, true);
  let length = zeroByte(a);
  if (length === 4) {
    length += zeroByte(b);
    if (length === 8) {
      length += zeroByte(c);
      if (length === 12) length += zeroByte(d);
    }
  }
  if (length > size) length = size;
  if ((length === 16 && size > 16) || ((a | b | c | d) & HIGH_BITS) !== 0) return readAnyString(view, at, size);
  const a0 = a & 255;
  const a1 = (a >>> 8) & 255;
  const a2 = (a >>> 16) & 255;
  const a3 = a >>> 24;
  const b0 = b & 255;
  const b1 = (b >>> 8) & 255;
  const b2 = (b >>> 16) & 255;
  const b3 = b >>> 24;
  const c0 = c & 255;
  const c1 = (c >>> 8) & 255;
  const c2 = (c >>> 16) & 255;
  const c3 = c >>> 24;
  const d0 = d & 255;
  const d1 = (d >>> 8) & 255;
  const d2 = (d >>> 16) & 255;
  switch (length) {
    case 0:
      return '';
    case 1:
      return fromCodes(a0);
    case 2:
      return fromCodes(a0, a1);
    case 3:
      return fromCodes(a0, a1, a2);
    case 4:
      return fromCodes(a0, a1, a2, a3);
    case 5:
      return fromCodes(a0, a1, a2, a3, b0);
    case 6:
      return fromCodes(a0, a1, a2, a3, b0, b1);
    case 7:
      return fromCodes(a0, a1, a2, a3, b0, b1, b2);
    case 8:
      return fromCodes(a0, a1, a2, a3, b0, b1, b2, b3);
    case 9:
      return fromCodes(a0, a1, a2, a3, b0, b1, b2, b3, c0);
    case 10:
      return fromCodes(a0, a1, a2, a3, b0, b1, b2, b3, c0, c1);
    case 11:
      return fromCodes(a0, a1, a2, a3, b0, b1, b2, b3, c0, c1, c2);
    case 12:
      return fromCodes(a0, a1, a2, a3, b0, b1, b2, b3, c0, c1, c2, c3);
    case 13:
      return fromCodes(a0, a1, a2, a3, b0, b1, b2, b3, c0, c1, c2, c3, d0);
    case 14:
      return fromCodes(a0, a1, a2, a3, b0, b1, b2, b3, c0, c1, c2, c3, d0, d1);
    case 15:
      return fromCodes(a0, a1, a2, a3, b0, b1, b2, b3, c0, c1, c2, c3, d0, d1, d2);
    default:
      return fromCodes(a0, a1, a2, a3, b0, b1, b2, b3, c0, c1, c2, c3, d0, d1, d2, d >>> 24);
  }
}

function readAnyString(view: DataView, at: number, size: number): string {
  let end = at;
  while (end < at + size && view.getUint8(end) !== 0) end++;
  if (end === at) return '';
  const bytes = new Uint8Array(view.buffer, view.byteOffset + at, end - at);
  // TextDecoder refuses shared memory.
  return DECODER.decode(bytes.buffer instanceof ArrayBuffer ? bytes : bytes.slice());
}

/** Bytes that {@link putString} writes for a flexible char array: the text and its NUL. */
export function stringSize(value: string): number {
  return ENCODER.encode(value).length + 1;
}

/**
 * Writes a string and, where there is room, one NUL; bytes behind it stay as they are.
 * @throws {RangeError} when it is longer than `size` bytes or holds a NUL, which no reader would see the end of.
 */
export function putString(view: DataView, at: number, size: number, value: string, what: string): void {
  if (typeof value !== 'string') throw new TypeError(`${what}: expected a string, got ${describe(value)}`);
  const bytes = ENCODER.encode(value);
  if (bytes.length > size) {
    throw new RangeError(`${what}: the string takes ${bytes.length} bytes of UTF-8, there is room for ${size}`);
  }
  if (bytes.includes(0)) throw new RangeError(`${what}: the string holds a NUL character`);
  const target = new Uint8Array(view.buffer, view.byteOffset + at, size);
  target.set(bytes);
  if (bytes.length < size) target[bytes.length] = 0;
}

/** A value for an error message. */
export function describe(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  const type = typeof value;
  if (type === 'undefined') return 'undefined';
  if (type === 'number' || type === 'bigint' || type === 'boolean') return `${type} ${String(value)}`;
  return type === 'object' ? 'an object' : `a ${type}`;
}
