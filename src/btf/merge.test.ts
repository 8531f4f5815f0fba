import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { runOk } from '../../test/support/command.ts';
import { requireTool } from '../../test/support/require.ts';
import { testDirectory } from '../../test/support/temporary.ts';
import { isComposite, isEnum, Kind, kindName, type TypeId } from './kinds.ts';
import { dedupBtf, mergeBtf } from './merge.ts';
import { openBtf } from './open.ts';
import { type Btf, parseBtf } from './table.ts';
import { BtfBuilder } from './writer.ts';

const VMLINUX = '/sys/kernel/btf/vmlinux';

/** A type as text, names instead of ids, to `depth` references deep. */
function describeType(btf: Btf, id: TypeId, depth: number): string {
  if (id === 0) return 'void';
  const kind = btf.kind(id);
  const own = `${kindName(kind)} ${btf.name(id)}`;
  if (depth === 0) return own;
  const inner = (ref: TypeId): string => describeType(btf, ref, depth - 1);
  const each = (text: (i: number) => string): string =>
    Array.from({ length: btf.vlen(id) }, (_, i) => text(i)).join(', ');
  switch (kind) {
    case Kind.int:
    case Kind.float:
      return `${own}:${btf.recordedSize(id)}`;
    case Kind.array:
      return `${own}[${btf.arrayLength(id)}] ${inner(btf.arrayElement(id))}`;
    case Kind.struct:
    case Kind.union:
      return `${own}:${btf.recordedSize(id)} {${each(
        (i) =>
          `${btf.memberName(id, i)}@${btf.memberBitOffset(id, i)}:${btf.memberBitSize(id, i)} ${inner(btf.memberType(id, i))}`,
      )}}`;
    case Kind.enum:
    case Kind.enum64:
      return `${own}:${btf.recordedSize(id)} {${each((i) => `${btf.enumeratorName(id, i)}=${btf.enumeratorValue(id, i)}`)}}`;
    case Kind.funcProto:
      return `(${each((i) => `${btf.paramName(id, i)} ${inner(btf.paramType(id, i))}`)}) ${inner(btf.ref(id))}`;
    case Kind.fwd:
    case Kind.datasec:
      return own;
    default:
      return `${own} ${inner(btf.ref(id))}`;
  }
}

function describeAll(btf: Btf, depth = 3): string[] {
  return [...btf.ids()].map((id) => describeType(btf, id, depth)).sort();
}

function countKinds(btf: Btf): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const id of btf.ids()) {
    const kind = kindName(btf.kind(id));
    counts[kind] = (counts[kind] ?? 0) + 1;
  }
  return counts;
}

describe('against libbpf', () => {
  const SHARED = `
    struct list { struct list *next, **prev; };
    struct tree;
    struct leaf { struct tree *of; unsigned bits : 3; };
    enum color { RED, BLACK };
    struct tree { struct tree *left, *right; struct list all; enum color color; struct leaf *leaf; int (*walk)(struct tree *, int); };
    typedef struct { int x, y; struct tree *where; } point_t;
    union any { long l; char c[8]; point_t *p; };`;
  const A = `${SHARED}
    struct private { int a; };
    struct holder { struct private *p; union any any; };
    struct holder holder_a; struct private private_a; struct leaf leaf_a; point_t point_a; struct tree tree_a;
    __attribute__((section("tc"))) int prog_a(struct holder *h) { return h->any.c[0]; }`;
  const B = `${SHARED}
    struct private { long b, c; };
    struct owner { struct private *p; union any any; };
    struct owner owner_b; struct private private_b; point_t point_b; struct leaf leaf_b;
    __attribute__((section("tc"))) int prog_b(struct owner *o) { return o->any.c[0]; }`;

  test('two objects merged have the types that bpftool leaves when it links them', async (context) => {
    const clang = requireTool(context, 'clang');
    const bpftool = requireTool(context, 'bpftool');
    const directory = testDirectory();
    const objects: Btf[] = [];
    for (const [name, source] of Object.entries({ a: A, b: B })) {
      writeFileSync(path.join(directory, `${name}.c`), source);
      await runOk(clang, ['-target', 'bpf', '-g', '-O2', '-c', `${name}.c`, '-o', `${name}.o`], { cwd: directory });
      objects.push(openBtf(readFileSync(path.join(directory, `${name}.o`))));
    }
    await runOk(bpftool, ['gen', 'object', 'linked.o', 'a.o', 'b.o'], { cwd: directory });
    const linked = openBtf(readFileSync(path.join(directory, 'linked.o')));
    const merged = mergeBtf(objects);
    // a linker makes one section of two, which is not our business
    const notSections = (text: string): boolean => !text.startsWith('datasec');
    expect(describeAll(merged).filter(notSections)).toEqual(describeAll(linked).filter(notSections));
    expect(merged.named('private').map((id) => merged.recordedSize(id))).toEqual([4, 16]);
    expect(merged.count).toBeLessThan(objects[0]!.count + objects[1]!.count - 10);
  });

  test("pahole's work on the running kernel is not undone: nothing is left to merge, once or twice the same", (context) => {
    if (!existsSync(VMLINUX)) context.skip(`this kernel has no ${VMLINUX}`);
    const kernel = parseBtf(readFileSync(VMLINUX));
    const once = dedupBtf(kernel);
    const twice = mergeBtf([kernel, parseBtf(readFileSync(VMLINUX)), once]);
    expect(once.count).toBeGreaterThan(kernel.count * 0.999);
    expect(twice.count).toBe(once.count);
    expect(Buffer.from(twice.strings).equals(Buffer.from(once.strings))).toBe(true);
    const named = (btf: Btf): string[] =>
      [...btf.ids()]
        .filter((id) => isComposite(btf.kind(id)) || isEnum(btf.kind(id)))
        .map((id) => describeType(btf, id, 1));
    expect(named(twice)).toEqual(named(kernel));
  });
});

describe('what is the same', () => {
  /** `struct NAME { struct NEXT *next; int n; }`. */
  function chain(builder: BtfBuilder, int: TypeId, name: string, next: TypeId): TypeId {
    return builder.addStruct(name, 16, [
      { name: 'next', type: builder.addPtr(next) },
      { name: 'n', type: int, bitOffset: 64 },
    ]);
  }
  const start = (): { builder: BtfBuilder; int: TypeId } => {
    const builder = new BtfBuilder();
    return { builder, int: builder.addInt('int', { size: 4, signed: true }) };
  };

  test('circles that begin at different places', () => {
    const { builder, int } = start();
    for (let copy = 0; copy < 2; copy++) {
      // a → b → a, the second time b first
      const [first, second] = copy === 0 ? ['a', 'b'] : ['b', 'a'];
      const secondId = (builder.nextId + 3) as TypeId;
      const firstId = chain(builder, int, first!, secondId);
      expect(chain(builder, int, second!, firstId)).toBe(secondId);
    }
    const merged = dedupBtf(builder.build());
    expect(countKinds(merged)).toEqual({ int: 1, ptr: 2, struct: 2 });
  });

  test('circles that differ at their far end are not', () => {
    const { builder, int } = start();
    for (const last of ['x', 'y']) {
      const tail = builder.addStruct('tail', 4, [{ name: last, type: int }]);
      const far = chain(builder, int, 'far', tail);
      chain(builder, int, 'near', far);
    }
    const merged = dedupBtf(builder.build());
    expect(countKinds(merged)).toEqual({ int: 1, ptr: 4, struct: 6 });
    const [near1, near2] = merged.named('near');
    const tailOf = (near: TypeId): string => {
      const far = merged.ref(merged.memberType(near, 0));
      return merged.memberName(merged.ref(merged.memberType(far, 0)), 0);
    };
    expect([tailOf(near1!), tailOf(near2!)]).toEqual(['x', 'y']);
  });

  test('a declaration becomes the definition, whichever comes first, of its own kind only', () => {
    for (const definedFirst of [true, false]) {
      const { builder, int } = start();
      const define = (): TypeId => builder.addStruct('s', 4, [{ name: 'm', type: int }]);
      if (definedFirst) define();
      const user = builder.addTypedef('user', builder.addPtr(builder.addFwd('s')));
      const other = builder.addTypedef('other', builder.addPtr(builder.addFwd('s', 'union')));
      if (!definedFirst) define();
      const before = builder.build();
      const merged = dedupBtf(before);
      const pointee = (id: TypeId): Kind => merged.kind(merged.ref(merged.ref(merged.find(before.name(id))!)));
      expect([pointee(user), pointee(other)]).toEqual([Kind.struct, Kind.fwd]);
      expect(countKinds(merged)).toMatchObject({ struct: 1, fwd: 1 });
    }
  });

  test('a declaration with two definitions stays one', () => {
    const { builder, int } = start();
    builder.addPtr(builder.addFwd('s'));
    builder.addStruct('s', 4, [{ name: 'a', type: int }]);
    builder.addStruct('s', 4, [{ name: 'b', type: int }]);
    expect(countKinds(dedupBtf(builder.build()))).toEqual({ int: 1, ptr: 1, fwd: 1, struct: 2 });
  });

  test('copies that saw a declaration where others saw the definition', () => {
    const { builder, int } = start();
    chain(builder, int, 'user', builder.addFwd('s'));
    chain(builder, int, 'user', builder.addStruct('s', 4, [{ name: 'm', type: int }]));
    expect(countKinds(dedupBtf(builder.build()))).toEqual({ int: 1, ptr: 1, struct: 2 });
  });

  test.each<[string, (builder: BtfBuilder, int: TypeId, second: boolean) => void]>([
    ['names', (b, int, second) => b.addTypedef(second ? 'u' : 't', int)],
    ['sizes', (b, _, second) => b.addStruct('s', second ? 8 : 4, [])],
    ['member offsets', (b, int, second) => b.addStruct('s', 8, [{ name: 'm', type: int, bitOffset: second ? 32 : 0 }])],
    ['bit widths', (b, int, second) => b.addStruct('s', 4, [{ name: 'm', type: int, bitSize: second ? 3 : 4 }])],
    ['values', (b, _, second) => b.addEnum('e', [{ name: 'V', value: second ? 1 : 2 }])],
    ['lengths', (b, int, second) => b.addArray(int, int, second ? 3 : 4)],
    ['parameters', (b, int, second) => b.addFuncProto(int, [{ name: 'p', type: second ? int : (0 as TypeId) }])],
    ['what was declared', (b, _, second) => b.addFwd('f', second ? 'union' : 'struct')],
    [
      'tagged members',
      (b, int, second) =>
        b.addDeclTag(
          't',
          b.addStruct('s', 8, [
            { name: 'm', type: int },
            { name: 'n', type: int, bitOffset: 32 },
          ]),
          second ? 0 : 1,
        ),
    ],
  ])('not what differs in %s', (_, add) => {
    const table = (...seconds: boolean[]): number => {
      const { builder, int } = start();
      for (const second of seconds) add(builder, int, second);
      return dedupBtf(builder.build()).count;
    };
    expect(table(false, true)).toBe(table(false) + 1);
    expect(table(true, true)).toBe(table(true));
  });
});

describe('several tables', () => {
  function base(): Btf {
    const builder = new BtfBuilder();
    const int = builder.addInt('int', { size: 4, signed: true });
    builder.addStruct('device', 16, [
      { name: 'id', type: int },
      { name: 'driver', type: builder.addPtr(builder.addFwd('driver')), bitOffset: 64 },
    ]);
    return builder.build();
  }
  /** A module: its own copy of `device`, which the base has only with a declaration in it, and a struct of its own. */
  function split(over: Btf, own: string): Btf {
    const builder = new BtfBuilder({ base: over });
    const int = over.find('int')!;
    const driver = builder.addStruct('driver', 4, [{ name: 'version', type: int }]);
    const device = builder.addStruct('device', 16, [
      { name: 'id', type: int },
      { name: 'driver', type: builder.addPtr(driver), bitOffset: 64 },
    ]);
    builder.addStruct(own, 16, [{ name: 'device', type: device }]);
    return builder.build();
  }

  test.each([true, false])('modules over one base, the base given as well: %s', (given) => {
    const vmlinux = base();
    const modules = [split(vmlinux, 'usb_thing'), split(vmlinux, 'pci_thing')];
    const merged = mergeBtf(given ? [vmlinux, ...modules] : modules);
    expect(merged.firstOwnId).toBe(1);
    expect(countKinds(merged)).toEqual({ int: 1, ptr: 1, struct: 4 });
    for (const name of ['usb_thing', 'pci_thing']) {
      const device = merged.memberType(merged.find(name)!, 0);
      expect(describeType(merged, device, 3)).toBe(
        'struct device:16 {id@0:0 int int:4, driver@64:0 ptr  struct driver:4 {version@0:0 int int}}',
      );
    }
  });

  test('modules over bases of their own, equal or not', () => {
    const modules = [split(base(), 'usb_thing'), split(base(), 'pci_thing')];
    expect(countKinds(mergeBtf(modules))).toEqual({ int: 1, ptr: 1, struct: 4 });
    const other = new BtfBuilder();
    other.addFloat('double', 8);
    const shifted = mergeBtf([other.build(), base()]);
    expect(countKinds(mergeBtf([split(base(), 'usb_thing'), split(shifted, 'pci_thing')]))).toEqual({
      float: 1,
      int: 1,
      ptr: 1,
      struct: 4,
    });
  });

  test('none at all is an empty table', () => {
    expect(mergeBtf([]).count).toBe(1);
  });
});

test('property: a table and any reordered copy of it have the same types as the table alone', () => {
  // structs s0 … sN-1 whose members point to, or hold arrays of, any of them; the copy numbers them differently
  const shape = fc.integer({ min: 1, max: 8 }).chain((n) =>
    fc.record({
      members: fc.array(fc.array(fc.nat(n - 1), { maxLength: 3 }), { minLength: n, maxLength: n }),
      names: fc.array(fc.constantFrom('p', 'q'), { minLength: n, maxLength: n }),
      order: fc.shuffledSubarray([...new Array(n).keys()], { minLength: n, maxLength: n }),
    }),
  );
  const add = (members: number[][], names: string[], order: number[]): Btf => {
    const builder = new BtfBuilder();
    const n = members.length;
    const structOf = (i: number): TypeId => (1 + order.indexOf(i)) as TypeId;
    const pointerTo = (i: number): TypeId => (1 + n + i) as TypeId;
    for (const i of order) {
      builder.addStruct(
        names[i]!,
        8 * members[i]!.length,
        members[i]!.map((to, at) => ({ name: `m${at}`, type: pointerTo(to), bitOffset: 64 * at })),
      );
    }
    for (let i = 0; i < n; i++) builder.addPtr(structOf(i));
    return builder.build();
  };
  fc.assert(
    fc.property(shape, ({ members, names, order }) => {
      const straight = add(
        members,
        names,
        [...order].sort((a, b) => a - b),
      );
      const shuffled = add(members, names, order);
      const alone = dedupBtf(straight);
      const both = mergeBtf([straight, shuffled]);
      expect(both.count).toBe(alone.count);
      expect(describeAll(both, 6)).toEqual(describeAll(alone, 6));
      // what was merged was the same: as types unfold, the same trees are there before and after
      expect([...new Set(describeAll(straight, 6))]).toEqual([...new Set(describeAll(alone, 6))]);
    }),
    { numRuns: 200 },
  );
});
