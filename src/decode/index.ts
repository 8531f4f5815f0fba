/**
 * `ebpf-ecc/decode`: what the modules written by `ecc --ts` and `ecc types` import. Has no dependencies and needs nothing
 * of Node: it works in bundlers and browsers.
 *
 * Programs use {@link Codec}, {@link View} and the errors; the rest is for generated code.
 */
export {
  arraySize,
  flexibleLength,
  putArray,
  readArray,
  readBigInt64Array,
  readBigUint64Array,
  readFloat32Array,
  readFloat64Array,
  readInt8Array,
  readInt16Array,
  readInt32Array,
  readUint8Array,
  readUint16Array,
  readUint32Array,
} from './arrays.ts';
export { type Codec, type CodecSpec, codec, type Decoded, given, putBounded } from './codec.ts';
export {
  getBits,
  getInt128,
  getSafeInt64,
  getSafeUint64,
  getUint128,
  putBits,
  putBool,
  putFloat32,
  putFloat64,
  putInt8,
  putInt16,
  putInt32,
  putInt64,
  putInt128,
  putUint8,
  putUint16,
  putUint32,
  putUint64,
  putUint128,
  toSafe,
} from './numbers.ts';
export { type DataSection, patchSection, type VariablePlace } from './patch.ts';
export { type ByteSource, hasByte, ShortBufferError } from './source.ts';
export { putString, readString, stringSize } from './text.ts';
export { type Movable, View, ViewArray } from './view.ts';
