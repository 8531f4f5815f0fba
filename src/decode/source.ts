/**
 * Where bytes come from: typed arrays, `DataView`s and buffers, and the error for too few of them.
 */

/** Bytes to decode. A `DataView` is read in place and is the fastest; a `Uint8Array` (so also a `Buffer`) is next. */
export type ByteSource = ArrayBufferView | ArrayBufferLike;

/** The bytes are fewer than the type needs. */
export class ShortBufferError extends RangeError {
  /** The C type that was to be decoded. */
  readonly typeName: string;
  /** Bytes that the type needs. */
  readonly need: number;
  /** Bytes that there are from `offset` on. */
  readonly have: number;

  constructor(typeName: string, need: number, have: number, offset: number) {
    super(`${typeName} needs ${need} bytes, have ${have}${offset === 0 ? '' : ` at offset ${offset}`}`);
    this.name = 'ShortBufferError';
    this.typeName = typeName;
    this.need = need;
    this.have = have;
  }
}

/** A view of `source` from `offset` on; a `DataView` over the same memory, never a copy. */
export function viewOf(source: ByteSource, offset = 0, length?: number): DataView {
  if (ArrayBuffer.isView(source)) {
    return new DataView(source.buffer, source.byteOffset + offset, length ?? source.byteLength - offset);
  }
  return new DataView(source, offset, length);
}

/** Throws unless `need` bytes follow `offset` in a source of `length` bytes. */
export function checkLength(typeName: string, need: number, length: number, offset: number): void {
  if (offset >= 0 && offset + need <= length) return;
  checkOffset(typeName, offset);
  throw new ShortBufferError(typeName, need, Math.max(0, length - offset), offset);
}

export function checkOffset(typeName: string, offset: number): void {
  if (!(offset >= 0)) throw new RangeError(`${typeName}: ${offset} is no offset into bytes`);
}

/** True when the view has a byte at `at`. Engines turn this into one comparison; `byteLength` costs several times that. */
export function hasByte(view: DataView, at: number): boolean {
  try {
    view.getUint8(at);
    return true;
  } catch {
    return false;
  }
}
