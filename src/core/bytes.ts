/**
 * Bounds-checked reading of little or big endian numbers out of bytes that nobody vouches for. Every read beyond the end is a
 * {@link MalformedError}, never a `RangeError` without a place.
 */
import { MalformedError } from './errors.ts';

export class ByteReader {
  readonly bytes: Uint8Array;
  readonly littleEndian: boolean;
  readonly #view: DataView;
  readonly #what: string;
  readonly #code: string;

  /**
   * @param what  names the thing being read, for messages (`ELF file`, `.BTF.ext section`)
   * @param code  the error code for reads beyond the end (`ELF_TRUNCATED`)
   */
  constructor(bytes: Uint8Array, littleEndian: boolean, what: string, code: string) {
    this.bytes = bytes;
    this.littleEndian = littleEndian;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#what = what;
    this.#code = code;
  }

  get length(): number {
    return this.bytes.length;
  }

  /** Throws unless `size` bytes at `offset` are inside. */
  need(offset: number, size: number, part = ''): void {
    if (offset >= 0 && size >= 0 && offset + size <= this.bytes.length) return;
    const where = part === '' ? this.#what : `${this.#what}: ${part}`;
    throw new MalformedError(
      this.#code,
      `${where}: bytes 0x${offset.toString(16)}…0x${(offset + size).toString(16)} are needed, but there are only 0x${this.bytes.length.toString(16)}`,
      { details: { offset, size, available: this.bytes.length } },
    );
  }

  u8(offset: number): number {
    this.need(offset, 1);
    return this.bytes[offset]!;
  }

  u16(offset: number): number {
    this.need(offset, 2);
    return this.#view.getUint16(offset, this.littleEndian);
  }

  u32(offset: number): number {
    this.need(offset, 4);
    return this.#view.getUint32(offset, this.littleEndian);
  }

  i32(offset: number): number {
    this.need(offset, 4);
    return this.#view.getInt32(offset, this.littleEndian);
  }

  u64(offset: number): bigint {
    this.need(offset, 8);
    return this.#view.getBigUint64(offset, this.littleEndian);
  }

  /**
   * A 64-bit number that has to fit a file: values that no file can have come back as `Number.MAX_SAFE_INTEGER`, so that the
   * bounds check that follows reports them.
   */
  size64(offset: number): number {
    const [first, second] = [this.u32(offset), this.u32(offset + 4)];
    const value = this.littleEndian ? second * 2 ** 32 + first : first * 2 ** 32 + second;
    return Math.min(value, Number.MAX_SAFE_INTEGER);
  }

  /** A view, not a copy. */
  slice(offset: number, size: number, part = ''): Uint8Array {
    this.need(offset, size, part);
    return this.bytes.subarray(offset, offset + size);
  }
}

/** Bytes as text, byte for byte (`latin1`): how names are compared and hashed. */
export function latin1(bytes: Uint8Array, start = 0, end = bytes.length): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1', start, end);
}

/** The NUL-terminated string at `start`, decoded as UTF-8; up to the end of `bytes` when there is no NUL. */
export function cString(bytes: Uint8Array, start: number): string {
  const nul = bytes.indexOf(0, start);
  const end = nul < 0 ? bytes.length : nul;
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8', start, end);
}

/**
 * How much may be read of the strings of one section, each place once. Places may share bytes (`.text` in `.rel.text`), but all strings
 * together may not be longer than the sharing of a real file explains: thousands of names that are the ends of one megabyte are
 * an attack on memory.
 */
export class NameBudget {
  readonly #size: number;
  readonly #limit: number;
  readonly #what: string;
  readonly #code: string;
  #total = 0;

  /**
   * @param size  of the section in bytes
   * @param what  names the section, for the message
   * @param code  the error code
   */
  constructor(size: number, what: string, code: string) {
    this.#size = size;
    this.#limit = 4 * size + 65_536;
    this.#what = what;
    this.#code = code;
  }

  /** Takes away the length of a string; throws when that is more than there is. */
  spend(length: number): void {
    this.#total += length;
    if (this.#total <= this.#limit) return;
    throw new MalformedError(
      this.#code,
      `${this.#what}: the names have more than ${this.#limit} characters in ${this.#size} bytes`,
      { details: { size: this.#size, limit: this.#limit } },
    );
  }
}

/**
 * Reads the NUL-terminated strings of a string section, each place once, as far as the {@link NameBudget} allows.
 * @param what  names the section, for the message
 * @param code  the error code
 */
export function stringReader(bytes: Uint8Array, what: string, code: string): (offset: number) => string {
  const known = new Map<number, string>();
  const budget = new NameBudget(bytes.length, what, code);
  return (offset) => {
    let text = known.get(offset);
    if (text === undefined) {
      text = cString(bytes, offset);
      budget.spend(text.length);
      known.set(offset, text);
    }
    return text;
  };
}
