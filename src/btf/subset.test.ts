import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { runOk } from '../../test/support/command.ts';
import { requireTool, type Skippable } from '../../test/support/require.ts';
import { testDirectory } from '../../test/support/temporary.ts';
import { isComposite, Kind, Linkage, type TypeId } from './kinds.ts';
import { subsetBtf } from './subset.ts';
import { type Btf, parseBtf } from './table.ts';
import { BtfBuilder, writeBtf } from './writer.ts';

const VMLINUX = '/sys/kernel/btf/vmlinux';

function names(btf: Btf, ...kinds: Kind[]): string[] {
  return [...btf.ids()].filter((id) => kinds.includes(btf.kind(id))).map((id) => btf.name(id));
}

describe('out of a small table', () => {
  const builder = new BtfBuilder();
  const int = builder.addInt('int', { size: 4, signed: true });
  const inner = builder.addStruct('inner', 4, [{ name: 'n', type: int }]);
  const far = builder.addStruct('far', 8, [
    { name: 'inner', type: inner },
    { name: 'm', type: int, bitOffset: 32 },
  ]);
  const alias = builder.addTypedef('far_t', far);
  const outer = builder.addStruct('outer', 32, [
    { name: 'inner', type: inner },
    { name: 'far', type: builder.addPtr(builder.addConst(alias)), bitOffset: 64 },
    { name: 'self', type: (builder.nextId + 1) as TypeId, bitOffset: 128 },
    { name: 'tagged', type: int, bitOffset: 192 },
  ]);
  builder.addPtr(outer);
  const unused = builder.addUnion('unused', 4, [{ name: 'u', type: int }]);
  const func = builder.addFunc(
    'kfunc',
    builder.addFuncProto(int, [{ name: 'o', type: (outer + 1) as TypeId }]),
    Linkage.static,
  );
  builder.addDeclTag('bpf_kfunc', func);
  builder.addDeclTag('on tagged', outer, 3);
  builder.addDeclTag('on far', outer, 1);
  builder.addDeclTag('on far itself', far);
  builder.addDeclTag('on unused', unused);
  const variable = builder.addVar('global', outer, Linkage.global);
  builder.addDatasec('.data', 32, [{ type: variable, offset: 0, size: 32 }]);
  const btf = builder.build();

  test('a type comes with all it needs and their tags, in the old order, and no more', () => {
    const part = subsetBtf(btf, [outer]);
    expect(names(part, Kind.struct, Kind.union, Kind.typedef)).toEqual(['inner', 'far', 'far_t', 'outer']);
    expect(names(part, Kind.declTag)).toEqual(['on tagged', 'on far', 'on far itself']);
    expect(names(part, Kind.func, Kind.var, Kind.datasec)).toEqual([]);
    expect(parseBtf(writeBtf(part)).count).toBe(part.count);
    expect(Buffer.from(part.strings).toString()).not.toContain('unused');
  });

  test('functions and sections come when they are asked for', () => {
    const part = subsetBtf(btf, [func, btf.find('.data')!]);
    expect(names(part, Kind.func, Kind.var, Kind.datasec)).toEqual(['kfunc', 'global', '.data']);
    expect(names(part, Kind.declTag)).toContain('bpf_kfunc');
  });

  test('without decl tags', () => {
    expect(names(subsetBtf(btf, [outer, func], { declTags: false }), Kind.declTag)).toEqual([]);
  });

  test('behind pointers declarations do, unless the type is needed by value elsewhere', () => {
    const part = subsetBtf(btf, [outer], { behindPointers: 'forward' });
    expect(names(part, Kind.struct)).toEqual(['inner', 'outer']);
    expect(names(part, Kind.fwd)).toEqual(['far']);
    // the typedef on the way stays
    const pointee = part.ref(part.memberType(part.find('outer')!, 1));
    expect([part.kind(pointee), part.name(part.ref(pointee))]).toEqual([Kind.const, 'far_t']);
    // a tag of what is no longer there is gone
    expect(names(part, Kind.declTag)).toEqual(['on tagged', 'on far']);
    const both = subsetBtf(btf, [outer, far], { behindPointers: 'forward' });
    expect([names(both, Kind.struct), names(both, Kind.fwd)]).toEqual([['inner', 'far', 'outer'], []]);
  });

  test('only some members: places and size stay, what only the others need goes, tags move along', () => {
    const part = subsetBtf(btf, [outer], { keepMember: (id, index) => id !== outer || index === 0 || index === 3 });
    const id = part.find('outer')!;
    expect([part.vlen(id), part.recordedSize(id)]).toEqual([2, 32]);
    expect([0, 1].map((i) => [part.memberName(id, i), part.memberBitOffset(id, i)])).toEqual([
      ['inner', 0],
      ['tagged', 192],
    ]);
    expect(names(part, Kind.struct)).toEqual(['inner', 'outer']);
    const tags = [...part.ids()].filter((tag) => part.kind(tag) === Kind.declTag);
    expect(tags.map((tag) => [part.name(tag), part.declTagComponent(tag)])).toEqual([['on tagged', 1]]);
  });

  test('a tag of a member that there is not stays as it is', () => {
    const more = new BtfBuilder({ base: btf });
    const tag = more.addDeclTag('on nothing', outer, 0x7fffffff);
    const part = subsetBtf(more.build(), [tag], { keepMember: (id, index) => id !== outer || index === 3 });
    expect(part.declTagComponent(part.find('on nothing')!)).toBe(0x7fffffff);
  });

  test('no roots give an empty table, void is no root', () => {
    expect(subsetBtf(btf, []).count).toBe(1);
    expect(subsetBtf(btf, [0 as TypeId]).count).toBe(1);
  });

  test('types of a split table come without their base', () => {
    const more = new BtfBuilder({ base: btf });
    const user = more.addStruct('user', 4, [{ name: 'inner', type: inner }]);
    const part = subsetBtf(more.build(), [user]);
    expect([part.firstOwnId, names(part, Kind.int, Kind.struct)]).toEqual([1, ['int', 'inner', 'user']]);
    expect(parseBtf(writeBtf(part)).count).toBe(part.count);
  });
});

describe("out of the running kernel's", () => {
  let kernel: Btf | undefined;
  beforeAll(() => {
    if (existsSync(VMLINUX)) kernel = parseBtf(readFileSync(VMLINUX));
  });
  const need = (context: Skippable): Btf => kernel ?? context.skip(`this kernel has no ${VMLINUX}`);

  test('all that task_struct reaches is what it was', (context) => {
    const btf = need(context);
    const part = subsetBtf(btf, [btf.find('task_struct', Kind.struct)!]);
    expect(part.count).toBeLessThan(btf.count / 2);
    const shapes = (table: Btf): Set<string> => {
      const found = new Set<string>();
      for (const id of table.ids()) {
        if (!isComposite(table.kind(id)) || table.nameOff(id) === 0) continue;
        const members = Array.from(
          { length: table.vlen(id) },
          (_, i) => `${table.memberName(id, i)}@${table.memberBitOffset(id, i)}:${table.memberBitSize(id, i)}`,
        );
        found.add(`${table.kind(id)} ${table.name(id)} ${table.recordedSize(id)} ${members.join()}`);
      }
      return found;
    };
    const whole = shapes(btf);
    const kept = [...shapes(part)];
    expect(kept.length).toBeGreaterThan(1000);
    expect(kept.filter((shape) => !whole.has(shape))).toEqual([]);
  });

  test('with declarations behind pointers it is small, and its header compiles with the right sizes', async (context) => {
    const btf = need(context);
    const bpftool = requireTool(context, 'bpftool');
    const clang = requireTool(context, 'clang');
    const task = btf.find('task_struct', Kind.struct)!;
    const part = subsetBtf(btf, [task], { behindPointers: 'forward' });
    expect(part.count).toBeLessThan(2500);
    const directory = testDirectory();
    writeFileSync(path.join(directory, 'part.btf'), writeBtf(part));
    const header = await runOk(bpftool, ['btf', 'dump', 'file', 'part.btf', 'format', 'c'], { cwd: directory });
    const check = `_Static_assert(sizeof(struct task_struct) == ${btf.recordedSize(task)}, "size");\n`;
    writeFileSync(path.join(directory, 'x.c'), header.stdout + check);
    await runOk(clang, ['-target', 'bpf', '-fsyntax-only', 'x.c'], { cwd: directory });
  });
});
