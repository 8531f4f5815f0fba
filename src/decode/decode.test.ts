import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  codec,
  flexibleLength,
  getBits,
  getInt128,
  getSafeInt64,
  getSafeUint64,
  patchSection,
  putArray,
  putBits,
  putBool,
  putFloat32,
  putFloat64,
  putInt8,
  putInt64,
  putInt128,
  putString,
  putUint8,
  putUint16,
  putUint64,
  readFloat64Array,
  readString,
  readUint8Array,
  readUint32Array,
  ShortBufferError,
  stringSize,
  View,
  ViewArray,
} from './index.ts';

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** What Node makes of the bytes up to the NUL. */
function textOf(bytes: Uint8Array): string {
  const nul = bytes.indexOf(0);
  return Buffer.from(bytes).toString('utf8', 0, nul < 0 ? bytes.length : nul);
}

describe('readString', () => {
  it('reads what Node reads, at any place and of any length', () => {
    const byte = fc.oneof(fc.integer({ min: 1, max: 127 }), fc.integer({ min: 0, max: 255 }), fc.constant(0));
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 50 }),
        fc.array(byte, { maxLength: 40 }),
        fc.nat(30),
        (before, text, after) => {
          const bytes = Uint8Array.from([...before, ...text, ...new Array(after).fill(0x41)]);
          const read = readString(viewOf(bytes), before.length, text.length);
          expect(read).toBe(textOf(Uint8Array.from(text)));
        },
      ),
      { numRuns: 3000 },
    );
  });

  it('reads ASCII of every length from 0 to 20, with and without a NUL', () => {
    for (let length = 0; length <= 20; length++) {
      const text = 'abcdefghijklmnopqrst'.slice(0, length);
      const bytes = Uint8Array.from(Buffer.from(`${text}\0${'z'.repeat(30)}`));
      expect(readString(viewOf(bytes), 0, 30)).toBe(text);
      expect(readString(viewOf(bytes), 0, length)).toBe(text);
    }
  });

  it('keeps a byte order mark and replaces what is not UTF-8', () => {
    const read = (...bytes: number[]) => readString(viewOf(Uint8Array.from(bytes)), 0, bytes.length);
    expect(read(0xef, 0xbb, 0xbf, 0x61)).toBe('\ufeffa');
    expect(read(0x61, 0xff, 0x62)).toBe('a\ufffdb');
    expect(read(0x61, 0xe2, 0x82)).toBe('a\ufffd');
  });

  it('reads shared memory', () => {
    const shared = new SharedArrayBuffer(32);
    new Uint8Array(shared).set(Buffer.from('h\u00e9 and more than sixteen'));
    expect(readString(new DataView(shared), 0, 32)).toBe('h\u00e9 and more than sixteen');
  });
});

describe('putString', () => {
  it('writes what is read back, and refuses what would not be', () => {
    const view = new DataView(new ArrayBuffer(8));
    putString(view, 1, 6, 'h\u00e9llo', 'e.comm');
    expect(readString(view, 1, 6)).toBe('h\u00e9llo');
    expect(() => putString(view, 1, 6, 'too long', 'e.comm')).toThrow(
      new RangeError('e.comm: the string takes 8 bytes of UTF-8, there is room for 6'),
    );
    expect(() => putString(view, 1, 6, 'a\0b', 'e.comm')).toThrow(RangeError);
    expect(() => putString(view, 1, 6, 5 as unknown as string, 'e.comm')).toThrow(
      new TypeError('e.comm: expected a string, got number 5'),
    );
    expect(stringSize('\u20ac')).toBe(4);
  });
});

describe('numbers', () => {
  const view = new DataView(new ArrayBuffer(32));

  it('keep 64 bits as a number as long as it is exact', () => {
    const values = [0n, 1n, -1n, 2n ** 53n - 1n, -(2n ** 53n) + 1n, 2n ** 32n, -(2n ** 32n) - 7n, 2n ** 52n + 1n];
    for (const little of [true, false]) {
      for (const value of values) {
        view.setBigInt64(8, value, little);
        expect(getSafeInt64(view, 8, little, 'x')).toBe(Number(value));
        if (value >= 0n) expect(getSafeUint64(view, 8, little, 'x')).toBe(Number(value));
      }
      for (const value of [2n ** 53n, -(2n ** 53n), 2n ** 63n - 1n, -(2n ** 63n)]) {
        view.setBigInt64(8, value, little);
        expect(() => getSafeInt64(view, 8, little, 'e.ts')).toThrow(RangeError);
        expect(() => getSafeUint64(view, 8, little, 'e.ts')).toThrow(/^e\.ts: \d+ does not fit a number/);
      }
    }
  });

  it('of 128 bits go both ways', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 127n), max: 2n ** 127n - 1n }), fc.boolean(), (value, little) => {
        putInt128(view, 3, value, little, 'x');
        expect(getInt128(view, 3, little)).toBe(value);
      }),
    );
  });

  it('are refused when they do not fit', () => {
    expect(() => putUint8(view, 0, 256, 'e.a')).toThrow(new RangeError('e.a: 256 is not within 0 … 255'));
    expect(() => putInt8(view, 0, -129, 'e.a')).toThrow(RangeError);
    expect(() => putUint16(view, 0, 1.5, true, 'e.a')).toThrow(new RangeError('e.a: 1.5 is not an integer'));
    expect(() => putUint16(view, 0, Number.NaN, true, 'e.a')).toThrow(RangeError);
    expect(() => putUint16(view, 0, '5' as unknown as number, true, 'e.a')).toThrow(
      new TypeError('e.a: expected a number, got a string'),
    );
    expect(() => putUint64(view, 0, -1n, true, 'e.a')).toThrow(RangeError);
    expect(() => putUint64(view, 0, 2n ** 64n, true, 'e.a')).toThrow(RangeError);
    expect(() => putUint64(view, 0, 2 ** 53, true, 'e.a')).toThrow(RangeError);
    expect(() => putInt64(view, 0, 2n ** 63n, true, 'e.a')).toThrow(RangeError);
    expect(() => putFloat32(view, 0, 1e39, true, 'e.a')).toThrow(RangeError);
    expect(() => putBits(view, 0, 1, 0, 3, false, true, 8, 'e.a')).toThrow(RangeError);
    expect(() => putBits(view, 0, 1, 0, 3, true, true, 4, 'e.a')).toThrow(RangeError);
    expect(() => putBool(view, 0, 1, 1 as unknown as boolean, true, 'e.a')).toThrow(TypeError);
  });

  it('take the infinities and NaN as floats', () => {
    for (const value of [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN, -0]) {
      putFloat32(view, 0, value, false, 'x');
      putFloat64(view, 8, value, true, 'x');
      expect(view.getFloat32(0, false)).toBe(value);
      expect(view.getFloat64(8, true)).toBe(value);
    }
  });

  it('of any bits go both ways and leave their neighbours alone', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 64 }),
        fc.nat(7),
        fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
        fc.boolean(),
        fc.boolean(),
        (width, shift, raw, signed, little) => {
          const size = Math.ceil((shift + width) / 8);
          const bytes = new Uint8Array(size).fill(0xa5);
          const value = signed ? BigInt.asIntN(width, raw) : BigInt.asUintN(width, raw);
          putBits(viewOf(bytes), 0, size, shift, width, signed, little, value, 'x');
          expect(getBits(viewOf(bytes), 0, size, shift, width, signed, little)).toBe(value);
          putBits(
            viewOf(bytes),
            0,
            size,
            shift,
            width,
            false,
            little,
            BigInt.asUintN(width, aFives(size) >> BigInt(shift)),
            'x',
          );
          expect([...bytes]).toEqual(new Array(size).fill(0xa5));
        },
      ),
    );
  });
});

function aFives(size: number): bigint {
  return BigInt(`0x${'a5'.repeat(size)}`);
}

describe('arrays', () => {
  it('are copies, in either byte order, short and long', () => {
    const bytes = Uint8Array.from({ length: 400 }, (_, i) => (i * 37) & 255);
    const view = viewOf(bytes);
    for (const length of [0, 3, 15, 16, 40]) {
      for (const little of [true, false]) {
        const words = readUint32Array(view, 1, length, little);
        expect([...words]).toEqual(Array.from({ length }, (_, i) => view.getUint32(1 + i * 4, little)));
        const doubles = readFloat64Array(view, 3, length, little);
        expect([...doubles]).toEqual(Array.from({ length }, (_, i) => view.getFloat64(3 + i * 8, little)));
      }
    }
    const copy = readUint8Array(view, 2, 100);
    expect(copy).toEqual(bytes.slice(2, 102));
    bytes.fill(0);
    expect(copy[0]).not.toBe(0);
  });

  it('have to have their length', () => {
    const put = () => {};
    expect(() => putArray([1, 2], 3, 'e.a', put)).toThrow(new RangeError('e.a: expected 3 elements, got 2'));
    expect(() => putArray('abc' as unknown as string[], 3, 'e.a', put)).toThrow(TypeError);
    expect(() => putArray(undefined as unknown as string[], 3, 'e.a', put)).toThrow(
      new TypeError('e.a: expected an array, got undefined'),
    );
    expect(flexibleLength(8, 31, 8)).toBe(2);
    expect(flexibleLength(8, 4, 8)).toBe(0);
    expect(flexibleLength(8, 100, 0)).toBe(0);
    expect(flexibleLength(8, undefined, 8)).toBe(0);
  });
});

const Pair = codec<{ a: number; b: number }>({
  name: 'struct pair',
  size: 8,
  read: (view, at) => ({ a: view.getUint32(at, true), b: view.getUint32(at + 4, true) }),
  write: (view, at, value) => {
    view.setUint32(at, value.a, true);
    view.setUint32(at + 4, value.b, true);
  },
});

class PairView extends View<{ a: number; b: number }> {
  get $codec() {
    return Pair;
  }
  $set(source: ArrayBufferView | ArrayBufferLike, offset = 0): this {
    if (source !== this.$source || !(offset <= this.$last)) this.$attach(source, offset);
    this.$at = offset;
    return this;
  }
  get a(): number {
    return this.$view.getUint32(this.$at, true);
  }
  get b(): number {
    return this.$view.getUint32(this.$at + 4, true);
  }
}

describe('codecs and views', () => {
  const bytes = Uint8Array.from([1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0]);

  it('name type, need and have when bytes are missing', () => {
    for (const source of [bytes, viewOf(bytes), bytes.buffer]) {
      expect(() => Pair.decode(source, 5)).toThrow(RangeError);
      expect(() => Pair.decode(source, 5)).toThrow('struct pair needs 8 bytes, have 7 at offset 5');
      expect(() => new PairView().$set(source, 5)).toThrow(ShortBufferError);
    }
    expect(() => Pair.decode(bytes, 99)).toThrow('struct pair needs 8 bytes, have 0 at offset 99');
    expect(() => Pair.decode(bytes, -1)).toThrow(new RangeError('struct pair: -1 is no offset into bytes'));
    expect(() => Pair.decode(bytes, Number.NaN)).toThrow(RangeError);
    expect(() => Pair.encodeInto({ a: 1, b: 2 }, new Uint8Array(7))).toThrow('struct pair needs 8 bytes, have 7');
    expect(() => Pair.encode(undefined as never)).toThrow(TypeError);
  });

  it('read missing bytes at the end as zero when asked', () => {
    expect(Pair.decodePartial(bytes.subarray(0, 5))).toEqual({ a: 1, b: 2 });
    expect(Pair.decodePartial(bytes.subarray(0, 2))).toEqual({ a: 1, b: 0 });
    expect(Pair.decodePartial(bytes, 8)).toEqual({ a: 3, b: 0 });
    expect(Pair.decodePartial(bytes, 100)).toEqual({ a: 0, b: 0 });
    expect(() => Pair.decodePartial(bytes, -3)).toThrow(RangeError);
    const view = new PairView().$setPartial(bytes, 8);
    expect([view.a, view.b]).toEqual([3, 0]);
    expect(view.$setPartial(bytes).b).toBe(2);
  });

  it('share nothing between decodings', () => {
    const first = Pair.decode(bytes);
    Pair.decode(bytes, 4);
    expect(first).toEqual({ a: 1, b: 2 });
  });

  it('move along one source and on to another', () => {
    const view = new PairView().$set(bytes);
    expect([view.a, view.$set(bytes, 4).a, view.$decode()]).toEqual([1, 2, { a: 2, b: 3 }]);
    expect(view.$set(viewOf(bytes), 4).b).toBe(3);
    expect(view.$set(Uint8Array.from([9, 0, 0, 0, 8, 0, 0, 0])).a).toBe(9);
  });

  it('go through arrays of structs', () => {
    const array = new ViewArray(new PairView(), 2, 4).$move(viewOf(bytes), 0);
    expect(array.length).toBe(2);
    expect([...array].length).toBe(2);
    expect(Array.from(array, (item) => item.a)).toEqual([1, 2]);
    expect(array.at(1).b).toBe(3);
    expect(() => array.at(2)).toThrow(new RangeError('element 2 of 2'));
    expect(() => array.at(-1)).toThrow(RangeError);
    expect(new ViewArray(new PairView(), undefined, 4).$move(viewOf(bytes), 0, 9).length).toBe(2);
  });
});

describe('patchSection', () => {
  const target = {
    section: '.rodata',
    codec: Pair,
    variables: { a: { offset: 0, size: 4 }, b: { offset: 4, size: 4 } },
    defaults: { a: 0, b: 0 },
  };

  it('refuses what is no object', () => {
    expect(() => patchSection(new Uint8Array(10), target, { a: 1, b: 1 })).toThrow(
      new RangeError('not a 64-bit ELF object'),
    );
    const header = new Uint8Array(64);
    header.set([0x7f, 0x45, 0x4c, 0x46, 2, 1]);
    expect(() => patchSection(header, target, { a: 1, b: 1 })).toThrow(RangeError);
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 64, maxLength: 300 }), (noise) => {
        noise.set([0x7f, 0x45, 0x4c, 0x46, 2, 1]);
        expect(() => patchSection(noise, target, { a: 1, b: 1 })).toThrow(RangeError);
      }),
    );
  });

  it('knows its variables', () => {
    expect(() => patchSection(new Uint8Array(64), target, { c: 1 } as never)).toThrow(
      new TypeError('.rodata has no variable c; it has a, b'),
    );
    expect(() => patchSection(new Uint8Array(64), target, null as never)).toThrow(TypeError);
  });
});
