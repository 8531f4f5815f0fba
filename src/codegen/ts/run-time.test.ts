/** Shapes that C compilers rarely or never make, and BTF that means harm. Those that they do make: `test/decode/`. */
import { describe, expect, it } from 'vitest';
import { BtfBuilder, parseBtf, type TypeId } from '../../btf/index.ts';
import { makeCodec, makeSectionCodec } from './run-time.ts';

function bytesOf(hex: string): Uint8Array {
  return new Uint8Array(Buffer.from(hex.replaceAll(' ', ''), 'hex'));
}

function builder(options: { littleEndian?: boolean } = {}) {
  const b = new BtfBuilder(options);
  const int = b.addInt('int', { size: 4, signed: true });
  const u8 = b.addInt('unsigned char', { size: 1 });
  const u64 = b.addInt('unsigned long', { size: 8 });
  return { b, int, u8, u64 };
}

describe('shapes', () => {
  it('floats without a counterpart are their bytes', () => {
    const { b } = builder();
    const half = b.addFloat('_Float16', 2);
    const quad = b.addFloat('__float128', 16);
    const extended = b.addFloat('long double', 12);
    const id = b.addStruct('f', 30, [
      { name: 'h', type: half },
      { name: 'x', type: extended, bitOffset: 16 },
      { name: 'q', type: quad, bitOffset: 112 },
    ]);
    const codec = makeCodec(b.build(), id);
    const bytes = Uint8Array.from({ length: 30 }, (_, i) => i);
    const value = codec.decode(bytes);
    expect(value).toEqual({ h: bytes.slice(0, 2), x: bytes.slice(2, 14), q: bytes.slice(14) });
    expect(codec.encode(value)).toEqual(bytes);
  });

  it('integers may be presented as numbers, as long as they fit', () => {
    const { b, u64 } = builder();
    const i128 = b.addInt('__int128', { size: 16, signed: true });
    const array = b.addArray(u64, u64, 2);
    const pointer = b.addPtr(0 as TypeId);
    const id = b.addStruct('n', 56, [
      { name: 'a', type: u64 },
      { name: 'b', type: array, bitOffset: 64 },
      { name: 'c', type: i128, bitOffset: 192 },
      { name: 'p', type: pointer, bitOffset: 320 },
      { name: 'bits', type: u64, bitOffset: 384, bitSize: 60 },
    ]);
    const btf = b.build();
    const codec = makeCodec(btf, id, { u64: 'number' });
    const value = { a: 2 ** 53 - 1, b: [1, 2], c: -5, p: 0xffff_8880_0000_0000n, bits: 2 ** 40 };
    const bytes = codec.encode(value);
    expect(codec.decode(bytes)).toEqual(value);
    expect(makeCodec(btf, id).decode(bytes)).toEqual({
      a: 2n ** 53n - 1n,
      b: BigUint64Array.from([1n, 2n]),
      c: -5n,
      p: 0xffff_8880_0000_0000n,
      bits: 2n ** 40n,
    });
    bytes.fill(0xff, 0, 8);
    expect(() => codec.decode(bytes)).toThrow(
      new RangeError('n.a: 18446744073709551615 does not fit a number; read it as a bigint'),
    );
  });

  it('char arrays may be presented as bytes', () => {
    const { b, int } = builder();
    const char = b.addInt('char', { size: 1, signed: true });
    const id = b.addTypedef('name_t', b.addArray(b.addConst(char), int, 4));
    const btf = b.build();
    expect(makeCodec(btf, id).decode(bytesOf('61620063'))).toBe('ab');
    expect(makeCodec(btf, id, { charArrays: 'bytes' }).decode(bytesOf('61620063'))).toEqual(bytesOf('61620063'));
  });

  it('bitfields of compilers before 2019 say it in the integer type', () => {
    const { b } = builder();
    const three = b.addInt('unsigned int', { size: 4, bits: 3 });
    const five = b.addInt('int', { size: 4, bits: 5, signed: true, bitOffset: 3 });
    const id = b.addStruct('old', 4, [
      { name: 'a', type: three },
      { name: 'b', type: five },
    ]);
    const codec = makeCodec(b.build(), id);
    expect(codec.decode(bytesOf('8d000000'))).toEqual({ a: 5, b: -15 });
    expect(codec.encode({ a: 5, b: -15 })).toEqual(bytesOf('8d000000'));
  });

  it('integers of 128 bits and wide bools follow the byte order', () => {
    for (const littleEndian of [true, false]) {
      const { b } = builder({ littleEndian });
      const i128 = b.addInt('unsigned __int128', { size: 16 });
      const bool = b.addInt('bool', { size: 8, bool: true });
      const id = b.addStruct('w', 24, [
        { name: 'big', type: i128 },
        { name: 'yes', type: bool, bitOffset: 128 },
      ]);
      const codec = makeCodec(parseBtf(b.bytes()), id);
      const value = { big: 0x0102_0304_0506_0708_090a_0b0c_0d0e_0f10n, yes: true };
      const big = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16];
      const yes = [0, 0, 0, 0, 0, 0, 0, 1];
      const expected = littleEndian ? [...big.reverse(), ...yes.reverse()] : [...big, ...yes];
      expect([...codec.encode(value)]).toEqual(expected);
      expect(codec.decode(Uint8Array.from(expected))).toEqual(value);
    }
  });

  it('flexible arrays reach to the end, also in a struct that comes last', () => {
    const { b, int, u8 } = builder();
    const open = b.addArray(u8, int, 0);
    const inner = b.addStruct('inner', 1, [
      { name: 'n', type: u8 },
      { name: 'rest', type: open, bitOffset: 8 },
    ]);
    const last = b.addStruct('last', 8, [
      { name: 'first', type: inner },
      { name: 'x', type: u8, bitOffset: 8 },
      { name: 'tail', type: inner, bitOffset: 56 },
    ]);
    const codec = makeCodec(b.build(), last);
    const bytes = bytesOf('01 02 00000000 00 03 aabbcc');
    const value = { first: { n: 1, rest: new Uint8Array() }, x: 2, tail: { n: 3, rest: bytesOf('aabbcc') } };
    expect(codec.decode(bytes)).toEqual(value);
    expect(codec.encode(value)).toEqual(bytes);
    expect(codec.decode(bytes.subarray(0, 8))).toEqual({ ...value, tail: { n: 3, rest: new Uint8Array() } });
    const spilling = { ...value, first: { n: 1, rest: bytesOf('ff') } };
    expect(() => codec.encode(spilling)).toThrow('last.first: the value takes 2 bytes, there is room for 1');
  });

  it('two members of one name both stay', () => {
    const { b, int } = builder();
    const id = b.addStruct('twice', 8, [
      { name: 'a', type: int },
      { name: 'a', type: int, bitOffset: 32 },
    ]);
    expect(makeCodec(b.build(), id).decode(bytesOf('01000000 02000000'))).toEqual({ a: 1, a_2: 2 });
  });

  it('enums of any sign and size', () => {
    const { b } = builder();
    const small = b.addEnum('small', [{ name: 'A', value: -1 }], { size: 1 });
    const wide = b.addEnum64('wide', [{ name: 'B', value: 2n ** 63n }]);
    const id = b.addStruct('e', 9, [
      { name: 's', type: small },
      { name: 'w', type: wide, bitOffset: 8 },
    ]);
    const btf = b.build();
    const bytes = bytesOf('ff 0000000000000080');
    expect(makeCodec(btf, id).decode(bytes)).toEqual({ s: -1, w: 2n ** 63n });
    // A constant that is no exact number keeps the enum at bigint.
    expect(makeCodec(btf, id, { u64: 'number' }).decode(bytes)).toEqual({ s: -1, w: 2n ** 63n });
  });

  it('a section takes some of its variables', () => {
    const { b, int } = builder();
    const btf = b.build();
    const variables = [
      { name: 'pid', offset: 0, size: 4, typeId: int },
      { name: 'valueOf', offset: 4, size: 4, typeId: int },
      { name: '__proto__', offset: 8, size: 4, typeId: int },
    ];
    const codec = makeSectionCodec(btf, { name: '.rodata', size: 12, variables });
    expect(codec.encode({ pid: 3 })).toEqual(bytesOf('03000000 00000000 00000000'));
    expect(codec.encode(JSON.parse('{"__proto__": 7, "valueOf": 5}'))).toEqual(bytesOf('00000000 05000000 07000000'));
    expect(Object.keys(codec.decode(bytesOf('01000000 02000000 03000000')))).toEqual(['pid', 'valueOf', '__proto__']);
  });
});

describe('BTF from strangers', () => {
  const code = (make: () => unknown): string | undefined => {
    try {
      make();
      return undefined;
    } catch (error) {
      return (error as { code?: string }).code;
    }
  };

  it('cannot put code anywhere with its names', () => {
    const evil = [
      "'];globalThis.pwned=1;['",
      `\`\${globalThis.pwned=1}\``,
      '*/globalThis.pwned=1;/*',
      'a\nglobalThis.pwned=1;//',
      'b\u2028globalThis.pwned=1;//',
      '\\',
      "\\'",
      '\\"',
      '"+(globalThis.pwned=1)+"',
      '__proto__',
      'constructor',
    ];
    for (const name of evil) {
      const { b, int } = builder();
      const values = b.addEnum(name, [{ name, value: 1 }]);
      const id = b.addStruct(name, 8, [
        { name, type: int },
        { name: 'e', type: values, bitOffset: 32 },
      ]);
      const alias = b.addTypedef(name, int);
      const btf = b.build();
      const codec = makeCodec(btf, id);
      const decoded = codec.decode(bytesOf('05000000 01000000')) as Record<string, unknown>;
      expect(Object.keys(decoded)).toEqual([name, 'e']);
      expect(Object.entries(decoded)[0]).toEqual([name, 5]);
      expect(codec.decode(codec.encode(decoded))).toEqual(decoded);
      expect(makeCodec(btf, alias).decode(bytesOf('05000000'))).toBe(5);
      expect((globalThis as { pwned?: number }).pwned).toBeUndefined();
    }
  });

  it('is refused when it cannot be', () => {
    const { b, int, u8 } = builder();
    const fwd = b.addFwd('somewhere');
    const withFwd = b.addStruct('a', 8, [{ name: 'm', type: fwd }]);
    const withVoid = b.addStruct('b', 8, [{ name: 'm', type: 0 as TypeId }]);
    const outside = b.addStruct('c', 4, [{ name: 'm', type: int, bitOffset: 8 }]);
    const wide = b.addStruct('d', 8, [{ name: 'm', type: u8, bitSize: 9 }]);
    const slanted = b.addStruct('e', 8, [{ name: 'm', type: int, bitOffset: 3 }]);
    const odd = b.addInt('odd', { size: 3 });
    const itself = b.addStruct('itself', 8, [{ name: 'm', type: b.nextId }]);
    const anonymous = b.addStruct('circle', 8, [{ type: b.nextId }]);
    const bitsOfStruct = b.addStruct('g', 8, [{ name: 'm', type: withFwd, bitSize: 3 }]);
    const proto = b.addFuncProto(0 as TypeId, []);
    const func = b.addFunc('f', proto, 1);
    const btf = b.build();
    expect(code(() => makeCodec(btf, fwd))).toBe('USAGE_TYPE');
    expect(code(() => makeCodec(btf, func))).toBe('USAGE_TYPE');
    expect(code(() => makeCodec(btf, 0 as TypeId))).toBe('USAGE_TYPE');
    for (const id of [withFwd, withVoid, outside, wide, slanted, bitsOfStruct]) {
      expect(
        code(() => makeCodec(btf, id)),
        btf.name(id),
      ).toBe('BTF_BAD_MEMBER');
    }
    expect(code(() => makeCodec(btf, odd))).toBe('BTF_BAD_SIZE');
    expect(code(() => makeCodec(btf, itself))).toBe('BTF_TOO_DEEP');
    expect(code(() => makeCodec(btf, anonymous))).toBe('BTF_TOO_DEEP');
  });

  it('cannot make a few bytes take forever', () => {
    const { b, int } = builder();
    let union = b.addUnion('u0', 4, [{ name: 'a', type: int }]);
    let empty = b.addStruct('e0', 0, []);
    let nameless = b.addStruct('', 0, []);
    for (let i = 1; i <= 60; i++) {
      union = b.addUnion(`u${i}`, 4, [
        { name: 'a', type: union },
        { name: 'b', type: union },
      ]);
      empty = b.addStruct(`e${i}`, 0, [
        { name: 'a', type: empty },
        { name: 'b', type: empty },
      ]);
      nameless = b.addStruct('', 0, [{ type: nameless }, { type: nameless }]);
    }
    const none = b.addStruct('none', 0, []);
    const many = b.addArray(none, int, 0xffff_ffff);
    const btf = b.build();
    expect(code(() => makeCodec(btf, union))).toBe('UNSUP_TYPE');
    expect(code(() => makeCodec(btf, empty))).toBe('UNSUP_TYPE');
    expect(code(() => makeCodec(btf, nameless))).toBe('BTF_TOO_DEEP');
    expect(code(() => makeCodec(btf, many))).toBe('UNSUP_TYPE');
  });
});
