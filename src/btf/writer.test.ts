import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { runOk } from '../../test/support/command.ts';
import { requireTool } from '../../test/support/require.ts';
import { testDirectory } from '../../test/support/temporary.ts';
import { sha256 } from '../core/hash.ts';
import { isEnum, Kind, Linkage, type TypeId } from './kinds.ts';
import { type Btf, parseBtf } from './table.ts';
import { BtfBuilder, type EnumeratorSpec, type MemberSpec, writeBtf } from './writer.ts';

const VMLINUX = '/sys/kernel/btf/vmlinux';
const VOID = 0 as TypeId;

/** A type of any kind, before it has an id; references are made to fit the table once its size is known. */
type Spec =
  | { readonly kind: 'int'; readonly name: string; readonly size: number; readonly flags: number }
  | { readonly kind: 'float'; readonly name: string; readonly size: number }
  | { readonly kind: 'ptr' | 'const' | 'volatile' | 'restrict'; readonly ref: number }
  | { readonly kind: 'typedef' | 'typeTag'; readonly name: string; readonly ref: number }
  | { readonly kind: 'array'; readonly ref: number; readonly index: number; readonly length: number }
  | {
      readonly kind: 'struct' | 'union';
      readonly name: string;
      readonly size: number;
      readonly members: readonly { name: string; ref: number; bitOffset: number; bitSize: number }[];
    }
  | { readonly kind: 'fwd'; readonly name: string; readonly union: boolean }
  | { readonly kind: 'enum'; readonly name: string; readonly values: readonly { name: string; value: number }[] }
  | { readonly kind: 'enum64'; readonly name: string; readonly values: readonly { name: string; value: bigint }[] }
  | {
      readonly kind: 'func';
      readonly name: string;
      readonly linkage: Linkage;
      readonly params: readonly { name: string; ref: number }[];
    }
  | { readonly kind: 'var'; readonly name: string; readonly ref: number; readonly linkage: Linkage }
  | {
      readonly kind: 'datasec';
      readonly name: string;
      readonly entries: readonly { ref: number; offset: number; size: number }[];
    }
  | { readonly kind: 'declTag'; readonly name: string; readonly ref: number; readonly component: number };

const name = fc.oneof(
  fc.stringMatching(/^[a-z_][a-z0-9_]{0,8}$/),
  fc.constant(''),
  fc.constantFrom('é', '__proto__', 'a b'),
);
const ref = fc.nat(1 << 20);
const u32 = fc.integer({ min: 0, max: 0xffffffff });
const linkage = fc.constantFrom(...Object.values(Linkage));
const plainMember = fc.record({ name, ref, bitOffset: u32, bitSize: fc.constant(0) });
const bitfield = fc.record({ name, ref, bitOffset: fc.nat(0xffffff), bitSize: fc.integer({ min: 0, max: 255 }) });

const spec: fc.Arbitrary<Spec> = fc.oneof(
  fc.record({ kind: fc.constant('int' as const), name, size: fc.constantFrom(1, 2, 4, 8, 16), flags: fc.nat(7) }),
  fc.record({ kind: fc.constant('float' as const), name, size: fc.constantFrom(2, 4, 8, 12, 16) }),
  fc.record({ kind: fc.constantFrom('ptr' as const, 'const' as const, 'volatile' as const, 'restrict' as const), ref }),
  fc.record({ kind: fc.constantFrom('typedef' as const, 'typeTag' as const), name, ref }),
  fc.record({ kind: fc.constant('array' as const), ref, index: ref, length: u32 }),
  fc.record({
    kind: fc.constantFrom('struct' as const, 'union' as const),
    name,
    size: u32,
    members: fc.oneof(fc.array(plainMember, { maxLength: 5 }), fc.array(bitfield, { maxLength: 5 })),
  }),
  fc.record({ kind: fc.constant('fwd' as const), name, union: fc.boolean() }),
  fc.record({
    kind: fc.constant('enum' as const),
    name,
    values: fc.oneof(
      fc.array(fc.record({ name, value: fc.integer() }), { maxLength: 5 }),
      fc.array(fc.record({ name, value: u32 }), { maxLength: 5 }),
    ),
  }),
  fc.record({
    kind: fc.constant('enum64' as const),
    name,
    values: fc.oneof(
      fc.array(fc.record({ name, value: fc.bigInt({ min: -(1n << 63n), max: (1n << 63n) - 1n }) }), { maxLength: 5 }),
      fc.array(fc.record({ name, value: fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }) }), { maxLength: 5 }),
    ),
  }),
  fc.record({
    kind: fc.constant('func' as const),
    name,
    linkage,
    params: fc.array(fc.record({ name, ref }), { maxLength: 5 }),
  }),
  fc.record({ kind: fc.constant('var' as const), name, ref, linkage }),
  fc.record({
    kind: fc.constant('datasec' as const),
    name,
    entries: fc.array(fc.record({ ref, offset: u32, size: u32 }), { maxLength: 5 }),
  }),
  fc.record({ kind: fc.constant('declTag' as const), name, ref, component: fc.integer({ min: -1, max: 100 }) }),
);

/** Number of ids that a spec takes: a func brings its prototype. */
const idsOf = (one: Spec): number => (one.kind === 'func' ? 2 : 1);

function addAll(builder: BtfBuilder, specs: readonly Spec[]): void {
  const count = builder.nextId + specs.reduce((sum, one) => sum + idsOf(one), 0);
  const at = (place: number): TypeId => (place % count) as TypeId;
  for (const one of specs) {
    switch (one.kind) {
      case 'int': {
        const [signed, char, bool] = [1, 2, 4].map((bit) => (one.flags & bit) !== 0);
        builder.addInt(one.name, { size: one.size, signed: signed!, char: char!, bool: bool! });
        break;
      }
      case 'float':
        builder.addFloat(one.name, one.size);
        break;
      case 'ptr':
        builder.addPtr(at(one.ref));
        break;
      case 'const':
        builder.addConst(at(one.ref));
        break;
      case 'volatile':
        builder.addVolatile(at(one.ref));
        break;
      case 'restrict':
        builder.addRestrict(at(one.ref));
        break;
      case 'typedef':
        builder.addTypedef(one.name, at(one.ref));
        break;
      case 'typeTag':
        builder.addTypeTag(one.name, at(one.ref));
        break;
      case 'array':
        builder.addArray(at(one.ref), at(one.index), one.length);
        break;
      case 'struct':
      case 'union': {
        const members = one.members.map((member) => ({ ...member, type: at(member.ref) }));
        if (one.kind === 'struct') builder.addStruct(one.name, one.size, members);
        else builder.addUnion(one.name, one.size, members);
        break;
      }
      case 'fwd':
        builder.addFwd(one.name, one.union ? 'union' : 'struct');
        break;
      case 'enum':
        builder.addEnum(one.name, one.values);
        break;
      case 'enum64':
        builder.addEnum64(one.name, one.values);
        break;
      case 'func': {
        const proto = builder.addFuncProto(
          VOID,
          one.params.map((param) => ({ name: param.name, type: at(param.ref) })),
        );
        builder.addFunc(one.name, proto, one.linkage);
        break;
      }
      case 'var':
        builder.addVar(one.name, at(one.ref), one.linkage);
        break;
      case 'datasec':
        builder.addDatasec(
          one.name,
          100,
          one.entries.map((entry) => ({ ...entry, type: at(entry.ref) })),
        );
        break;
      case 'declTag':
        builder.addDeclTag(one.name, at(one.ref), one.component);
        break;
    }
  }
}

/** What was written, read back through the table's accessors; references as ids. */
function readAll(btf: Btf, specs: readonly Spec[]): void {
  const at = (place: number): TypeId => (place % btf.count) as TypeId;
  let next = btf.firstOwnId;
  for (const one of specs) {
    const id = (next + idsOf(one) - 1) as TypeId;
    next = id + 1;
    expect(btf.kind(id)).toBe(Kind[one.kind]);
    if ('name' in one) expect(btf.name(id)).toBe(one.name);
    const index = <T>(list: readonly T[]): number[] => list.map((_, i) => i);
    switch (one.kind) {
      case 'int':
        expect(btf.recordedSize(id)).toBe(one.size);
        expect(btf.int(id)).toEqual({ encoding: one.flags, bitOffset: 0, bits: one.size * 8 });
        break;
      case 'float':
        expect(btf.recordedSize(id)).toBe(one.size);
        break;
      case 'array':
        expect([btf.arrayElement(id), btf.arrayIndexType(id), btf.arrayLength(id)]).toEqual([
          at(one.ref),
          at(one.index),
          one.length,
        ]);
        break;
      case 'struct':
      case 'union':
        expect(btf.recordedSize(id)).toBe(one.size);
        expect(
          index(one.members).map((i) => ({
            name: btf.memberName(id, i),
            ref: btf.memberType(id, i),
            bitOffset: btf.memberBitOffset(id, i),
            bitSize: btf.memberBitSize(id, i),
          })),
        ).toEqual(one.members.map((member) => ({ ...member, ref: at(member.ref) })));
        break;
      case 'fwd':
        expect(btf.kindFlag(id)).toBe(one.union);
        break;
      case 'enum':
      case 'enum64': {
        const values: readonly EnumeratorSpec[] = one.values;
        expect(
          index(values).map((i) => ({ name: btf.enumeratorName(id, i), value: btf.enumeratorValue(id, i) })),
        ).toEqual(values.map((value) => ({ name: value.name, value: BigInt(value.value) })));
        break;
      }
      case 'func': {
        const proto = btf.ref(id);
        expect([btf.linkage(id), proto, btf.kind(proto), btf.ref(proto)]).toEqual([
          one.linkage,
          id - 1,
          Kind.funcProto,
          VOID,
        ]);
        expect(index(one.params).map((i) => ({ name: btf.paramName(proto, i), ref: btf.paramType(proto, i) }))).toEqual(
          one.params.map((param) => ({ ...param, ref: at(param.ref) })),
        );
        break;
      }
      case 'datasec':
        expect(
          index(one.entries).map((i) => ({
            ref: btf.secinfoType(id, i),
            offset: btf.secinfoOffset(id, i),
            size: btf.secinfoSize(id, i),
          })),
        ).toEqual(one.entries.map((entry) => ({ ...entry, ref: at(entry.ref) })));
        break;
      case 'var':
        expect([btf.ref(id), btf.linkage(id)]).toEqual([at(one.ref), one.linkage]);
        break;
      case 'declTag':
        expect([btf.ref(id), btf.declTagComponent(id)]).toEqual([at(one.ref), one.component]);
        break;
      default:
        expect(btf.ref(id)).toBe(at(one.ref));
    }
    expect(isEnum(btf.kind(id)) ? btf.vlen(id) : 0).toBe('values' in one ? one.values.length : 0);
  }
  expect(next).toBe(btf.count);
}

describe('properties', () => {
  const specs = fc.array(spec, { maxLength: 30 });

  test('what is written is read back, in either byte order', () => {
    fc.assert(
      fc.property(specs, fc.boolean(), (list, littleEndian) => {
        const builder = new BtfBuilder({ littleEndian });
        addAll(builder, list);
        expect(builder.bytes()[0]).toBe(littleEndian ? 0x9f : 0xeb);
        readAll(builder.build(), list);
      }),
      { numRuns: 300 },
    );
  });

  test('split BTF is read back over its base', () => {
    fc.assert(
      fc.property(specs, specs, (first, second) => {
        const baseBuilder = new BtfBuilder();
        addAll(baseBuilder, first);
        const base = baseBuilder.build();
        const builder = new BtfBuilder({ base });
        addAll(builder, second);
        const split = builder.build();
        expect(split.firstOwnId).toBe(base.count);
        readAll(split, second);
        expect(Buffer.from(writeBtf(split)).equals(Buffer.from(builder.bytes()))).toBe(true);
      }),
    );
  });

  test('writing a table that was read gives the same bytes, and twice swapped the same again', () => {
    fc.assert(
      fc.property(specs, (list) => {
        const builder = new BtfBuilder();
        addAll(builder, list);
        const bytes = Buffer.from(builder.bytes());
        const swapped = writeBtf(parseBtf(bytes), { littleEndian: false });
        expect(Buffer.from(writeBtf(parseBtf(bytes))).equals(bytes)).toBe(true);
        expect(Buffer.from(writeBtf(parseBtf(swapped), { littleEndian: true })).equals(bytes)).toBe(true);
      }),
    );
  });
});

test('a string is stored once, also when the base has it', () => {
  const builder = new BtfBuilder();
  builder.addTypedef('twice', builder.addTypedef('twice', VOID));
  builder.addTypedef('once', VOID);
  const base = builder.build();
  expect(Buffer.from(base.strings).toString()).toBe('\0twice\0once\0');
  const split = new BtfBuilder({ base });
  split.addTypedef('once', VOID);
  split.addTypedef('new', VOID);
  expect(Buffer.from(split.build().strings).toString()).toBe('\0twice\0once\0new\0');
});

describe('what does not fit is refused', () => {
  const member = (over: Partial<MemberSpec>): MemberSpec => ({ name: 'm', type: VOID, ...over });
  const value = (n: number | bigint): EnumeratorSpec => ({ name: 'V', value: n });
  test.each<[string, (builder: BtfBuilder) => void]>([
    ['a bitfield beyond 2 MB', (b) => b.addStruct('s', 8, [member({ bitOffset: 1 << 24, bitSize: 1 })])],
    ['a bitfield of 256 bits', (b) => b.addStruct('s', 64, [member({ bitSize: 256 })])],
    ['a negative size', (b) => b.addStruct('s', -1, [])],
    ['half a byte', (b) => b.addFloat('f', 0.5)],
    ['65536 parameters', (b) => b.addFuncProto(VOID, new Array(65536).fill({ type: VOID }))],
    ['an enumerator of 33 bits', (b) => b.addEnum('e', [value(2 ** 32)])],
    ['signed and large at once', (b) => b.addEnum('e', [value(-1), value(2 ** 31)])],
    ['an enumerator of 65 bits', (b) => b.addEnum64('e', [value(1n << 64n)])],
    ['a NUL in a name', (b) => b.addTypedef('a\0b', VOID)],
  ])('%s', (_, add) => {
    expect(() => add(new BtfBuilder())).toThrow(RangeError);
  });

  test('a reference to a type that never came', () => {
    const builder = new BtfBuilder();
    builder.addPtr(7 as TypeId);
    expect(() => builder.build()).toThrow(expect.objectContaining({ code: 'BTF_BAD_TYPE_ID' }));
  });
});

describe('bpftool reads', () => {
  test('each kind as it was meant', async (context) => {
    const bpftool = requireTool(context, 'bpftool');
    const builder = new BtfBuilder();
    const int = builder.addInt('int', { size: 4, signed: true });
    const node = builder.nextId;
    builder.addStruct('node', 16, [
      { name: 'next', type: (node + 1) as TypeId },
      { name: 'low', type: int, bitOffset: 64, bitSize: 3 },
      { name: 'high', type: int, bitOffset: 67, bitSize: 29 },
    ]);
    builder.addPtr(node);
    builder.addEnum('state', [
      { name: 'DOWN', value: -1 },
      { name: 'UP', value: 1 },
    ]);
    builder.addEnum64('mask', [{ name: 'ALL', value: (1n << 64n) - 1n }]);
    const proto = builder.addFuncProto(int, [{ name: 'n', type: (node + 1) as TypeId }, { type: VOID }]);
    const func = builder.addFunc('walk', proto, Linkage.global);
    builder.addDeclTag('kfunc', func);
    builder.addDeclTag('tagged', node, 1);
    const variable = builder.addVar('head', node, Linkage.static);
    builder.addDatasec('.bss', 16, [{ type: variable, offset: 0, size: 16 }]);
    const file = path.join(testDirectory(), 'x.btf');
    for (const littleEndian of [true, false]) {
      writeFileSync(file, writeBtf(builder.build(), { littleEndian }));
      const { types } = JSON.parse((await runOk(bpftool, ['-j', 'btf', 'dump', 'file', file])).stdout);
      expect(types).toMatchObject([
        { id: 1, kind: 'INT', name: 'int', size: 4, bits_offset: 0, nr_bits: 32, encoding: 'SIGNED' },
        {
          id: 2,
          kind: 'STRUCT',
          name: 'node',
          size: 16,
          vlen: 3,
          members: [
            { name: 'next', type_id: 3, bits_offset: 0 },
            { name: 'low', type_id: 1, bits_offset: 64, bitfield_size: 3 },
            { name: 'high', type_id: 1, bits_offset: 67, bitfield_size: 29 },
          ],
        },
        { id: 3, kind: 'PTR', name: '(anon)', type_id: 2 },
        {
          id: 4,
          kind: 'ENUM',
          name: 'state',
          encoding: 'SIGNED',
          size: 4,
          vlen: 2,
          values: [
            { name: 'DOWN', val: -1 },
            { name: 'UP', val: 1 },
          ],
        },
        {
          id: 5,
          kind: 'ENUM64',
          name: 'mask',
          encoding: 'UNSIGNED',
          size: 8,
          vlen: 1,
          values: [{ name: 'ALL', val: expect.any(Number) }],
        },
        {
          id: 6,
          kind: 'FUNC_PROTO',
          name: '(anon)',
          ret_type_id: 1,
          vlen: 2,
          params: [
            { name: 'n', type_id: 3 },
            { name: '(anon)', type_id: 0 },
          ],
        },
        { id: 7, kind: 'FUNC', name: 'walk', type_id: 6, linkage: 'global' },
        { id: 8, kind: 'DECL_TAG', name: 'kfunc', type_id: 7, component_idx: -1 },
        { id: 9, kind: 'DECL_TAG', name: 'tagged', type_id: 2, component_idx: 1 },
        { id: 10, kind: 'VAR', name: 'head', type_id: 2, linkage: 'static' },
        {
          id: 11,
          kind: 'DATASEC',
          name: '.bss',
          size: 16,
          vlen: 1,
          vars: [{ type_id: 10, offset: 0, size: 16 }],
        },
      ]);
    }
  });

  test("the running kernel's types, written again in either byte order, as the original", async (context) => {
    const bpftool = requireTool(context, 'bpftool');
    if (!existsSync(VMLINUX)) context.skip(`this kernel has no ${VMLINUX}`);
    const kernel = parseBtf(readFileSync(VMLINUX));
    const file = path.join(testDirectory(), 'vmlinux.btf');
    const dump = async (input: string): Promise<string> =>
      sha256((await runOk(bpftool, ['btf', 'dump', 'file', input])).stdout);
    const original = await dump(VMLINUX);
    for (const littleEndian of [true, false]) {
      writeFileSync(file, writeBtf(kernel, { littleEndian }));
      expect(await dump(file), `little-endian: ${littleEndian}`).toBe(original);
    }
  });
});
