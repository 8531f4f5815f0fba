/**
 * Headers against clang: what we write is compiled, and the BTF that clang makes of it has to say what the BTF said that it was
 * written from, down to the bit.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { requireTool, type Skippable } from '../../../test/support/require.ts';
import { fileDirectory, testDirectory } from '../../../test/support/temporary.ts';
import { installedClangs } from '../../../test/support/tools.ts';
import { parseElf } from '../../elf/elf.ts';
import { isComposite, isEnum, Kind, type TypeId } from '../kinds.ts';
import { type Btf, parseBtf } from '../table.ts';
import { emitDeclaration, emitHeader } from './header.ts';
import { findKfuncs } from './kfuncs.ts';
import { CNames } from './names.ts';

const HOST = '/sys/kernel/btf/vmlinux';

/** Compiles C for bpf and reads the BTF of it. */
function btfOf(clang: string, source: string, ...flags: string[]): Btf {
  const file = path.join(testDirectory(), 'a.c');
  writeFileSync(file, source);
  const args = [
    '-target',
    'bpf',
    '-g',
    '-O2',
    '-Wall',
    '-Werror',
    '-Wno-pragmas',
    ...flags,
    '-c',
    file,
    '-o',
    `${file}.o`,
  ];
  execFileSync(clang, args, { stdio: ['ignore', 'ignore', 'pipe'], encoding: 'utf8' });
  const elf = parseElf(readFileSync(`${file}.o`));
  return parseBtf(elf.data(elf.findSection('.BTF')!));
}

/** A variable of each of some tagged structs and unions, so that clang makes BTF of them. */
function mentionAll(btf: Btf, names: CNames, isWanted = (_id: TypeId) => true): string {
  let text = '';
  for (const id of btf.ids()) {
    if (!isComposite(btf.kind(id)) || btf.nameOff(id) === 0 || !isWanted(id)) continue;
    const keyword = btf.kind(id) === Kind.struct ? 'struct' : 'union';
    text += `${keyword} ${btf.name(id)}${names.typeSuffix(id)} v${id};\n`;
  }
  return text;
}

/** Members as `name offset width`, those of anonymous members in place, padding left out. */
function membersOf(btf: Btf, id: TypeId, base = 0): string[] {
  const found: string[] = [];
  for (let i = 0; i < btf.vlen(id); i++) {
    const offset = base + btf.memberBitOffset(id, i);
    const name = btf.memberName(id, i);
    if (name !== '') {
      if (!/^__pad_\d+$/.test(name)) found.push(`${name} ${offset} ${btf.memberBitSize(id, i)}`);
    } else if (isComposite(btf.kind(btf.memberType(id, i)))) {
      found.push(...membersOf(btf, btf.memberType(id, i), offset));
    }
  }
  return found;
}

/** That every tagged struct and union of `original` is in `copy`, with the same size and members. Returns how many there were. */
function compareLayouts(original: Btf, copy: Btf, names: CNames, isWanted = (_id: TypeId) => true): number {
  let compared = 0;
  for (const id of original.ids()) {
    const kind = original.kind(id);
    if (!isComposite(kind) || original.nameOff(id) === 0 || !isWanted(id)) continue;
    const name = original.name(id) + names.typeSuffix(id);
    const twin = copy.find(name, kind);
    if (twin === undefined) throw new Error(`clang made nothing of ${name}`);
    const [was, is] = [original, copy].map((btf, i) => {
      const of = i === 0 ? id : twin;
      return `${btf.recordedSize(of)}: ${membersOf(btf, of).join(', ')}`;
    });
    if (was !== is) expect(is, name).toBe(was);
    compared++;
  }
  return compared;
}

const SHAPES = `
typedef unsigned char u8; typedef unsigned short u16; typedef unsigned int u32; typedef unsigned long long u64;
typedef _Bool bool;
struct bits { u32 a : 3, b : 5; u32 : 0; u32 c : 31; u8 d : 1, : 3, e : 2; u64 f : 40; u16 g : 9; bool h : 1; int : 17; u8 tail; };
struct packed_bits { u8 a; u32 b : 20; u64 c : 50; u8 d; } __attribute__((packed));
struct packed { u8 a; u64 b; u16 c; } __attribute__((packed));
struct packed_inside { u8 a; struct packed b; u8 c; };
struct packed_aligned { u8 a; u64 b; } __attribute__((packed, aligned(4)));
struct holds_it { u8 a; struct packed_aligned b; u8 c; };
struct over_aligned { int a; } __attribute__((aligned(64)));
struct holds_over_aligned { u8 a; struct over_aligned b; u8 c; };
struct member_aligned { u8 a; u8 b __attribute__((aligned(32))); u8 c; u32 d __attribute__((aligned(4096))); };
struct member_packed { u8 a; u32 b __attribute__((packed)); u16 c; };
union both { u8 a[3]; u32 b; };
union padded_union { u8 a; } __attribute__((aligned(16)));
union packed_union { u32 a; u8 b[5]; } __attribute__((packed));
union bit_union { u32 a : 4; u64 b : 33; u8 c; };
struct empty { };
struct only_flexible { int count; u64 items[]; };
struct zero_length { u8 a; u32 b[0]; u8 c; };
struct flexible_in_union { int n; union { struct { struct {} __empty; u8 bytes[]; }; struct { struct {} __empty2; u32 words[]; }; }; };
struct ends_flexible { u8 a; struct only_flexible b; };
struct wide { u8 a; __int128 b; unsigned __int128 c; };
struct nested { struct { int a; union { u8 b; u64 c; struct { u16 d, e; } f; }; } g[3][2]; struct { int h; }; union { int i; float j; }; double k; };
struct list { struct list *next, **prev; struct tree *tree; };
struct tree { struct list head; struct tree *children[4]; struct { struct tree *up; } deep; };
struct functions { int (*simple)(void); void (*args)(struct tree *, int n, const char *fmt, ...); int (*(*returns)(int))(long);
  void (*table[3])(struct later *); int (*(*pointers)[4])(u8); const struct later *const *volatile q; char *restrict r; };
struct later { struct functions f; int array[2][3][4]; int (*row)[5]; const int fixed[3]; volatile u64 v; };
typedef struct { int a; struct list *l; } anonymous_t;
typedef anonymous_t alias_t;
typedef alias_t pair_t[2];
typedef void callback_t(struct tree *, alias_t *);
typedef struct forward_only *handle_t;
struct uses_typedefs { pair_t p; alias_t *a; callback_t *c; handle_t h; struct forward_only *f; };
enum plain { P0, P1 = -5, P2 = 0x7fffffff };
enum large { L0 = 0x1ffffffffULL, L1 = 1 };
enum negative { N0 = -0x1ffffffffLL, N1 };
enum unsigned_enum { U0 = 0xffffffffU };
enum __attribute__((packed)) tiny { T0 = 255 };
enum { ANONYMOUS_ENUMERATOR = 7 };
struct enums { enum plain a; enum large b; enum negative c; enum tiny d; enum unsigned_enum e; enum { IN_MEMBER = 3 } f; enum plain g : 4; };
struct same_name { int a; };
typedef struct same_name same_name;
struct container { same_name a; struct same_name *b; };
`;

const SHAPE_TAGS = [...SHAPES.matchAll(/^(struct|union) (\w+) \{/gm)].map(([, keyword, tag]) => `${keyword} ${tag}`);

describe.each(installedClangs())('shapes, %s', (clang) => {
  const mention = `${SHAPE_TAGS.map((tag, i) => `${tag} s${i};`).join('\n')}
enum plain e0; enum large e1; enum negative e2; enum unsigned_enum e3; enum tiny e4; int e5 = ANONYMOUS_ENUMERATOR;`;

  test('sizes, offsets and bit-fields survive, also a second time', (context) => {
    requireTool(context, clang);
    const original = btfOf(clang, SHAPES + mention, '-Wno-visibility');
    const header = emitHeader(original);
    expect(header.renames).toEqual([]);
    const names = new CNames(original);
    const copy = btfOf(clang, header.text + mentionAll(original, names));
    expect(compareLayouts(original, copy, names)).toBe(SHAPE_TAGS.length);
    // What was written of the copy is what was written of the original, except for the explicit padding.
    expect(
      compareLayouts(copy, btfOf(clang, emitHeader(copy).text + mentionAll(copy, new CNames(copy))), new CNames(copy)),
    ).toBe(SHAPE_TAGS.length);
  });

  test('values of enumerators, sizes of enums', (context) => {
    requireTool(context, clang);
    const original = btfOf(clang, SHAPES + mention, '-Wno-visibility');
    let asserts = '';
    for (const id of original.ids()) {
      if (!isEnum(original.kind(id))) continue;
      if (original.nameOff(id) !== 0)
        asserts += `_Static_assert(sizeof(enum ${original.name(id)}) == ${original.recordedSize(id)}, "");\n`;
      for (let i = 0; i < original.vlen(id); i++) {
        const value = original.enumeratorValue(id, i);
        asserts += `_Static_assert(${original.enumeratorName(id, i)} == ${value}${value > 0x7fffffffn ? 'ULL' : 'LL'}, "");\n`;
      }
    }
    expect(asserts.split('\n').length).toBeGreaterThan(12);
    btfOf(clang, `${emitHeader(original).text}${asserts}int x;`);
  });
});

test('single declarations', (context) => {
  const clang = requireTool(context, 'clang');
  const btf = btfOf(
    clang,
    `${SHAPES}struct functions f; struct later l; alias_t a; enum plain p; union both b; int (*fn)(u8);`,
    '-Wno-visibility',
  );
  const declaration = (name: string, ...kinds: Kind[]) => emitDeclaration(btf, btf.find(name, ...kinds)!);
  expect(declaration('functions')).toMatchInlineSnapshot(`
    "struct functions {
    	int (*simple)(void);
    	void (*args)(struct tree *, int, const char *, ...);
    	int (*(*returns)(int))(long);
    	void (*table[3])(struct later *);
    	int (*(*pointers)[4])(u8);
    	const struct later *const *volatile q;
    	char *__restrict r;
    };"
  `);
  expect(declaration('alias_t')).toMatchInlineSnapshot(`"typedef anonymous_t alias_t;"`);
  expect(declaration('plain')).toMatchInlineSnapshot(`
    "enum plain {
    	P0 = 0,
    	P1 = 4294967291,
    	P2 = 2147483647,
    };"
  `);
  expect(declaration('both')).toMatchInlineSnapshot(`
    "union both {
    	u8 a[3];
    	u32 b;
    };"
  `);
  expect(declaration('fn', Kind.var)).toMatchInlineSnapshot(`"int (*fn)(u8)"`);
});

describe('names', () => {
  test('several owners of a name are renamed in the order of their ids', (context) => {
    const clang = requireTool(context, 'clang');
    // Scopes are what C has two structs of one name for; kernels have files.
    const btf = btfOf(
      clang,
      `int f(void) { static struct twice { int a; enum { SAME = 1 } e; } t; return ++t.a + t.e; }
       int g(void) { static struct twice { long b; enum { SAME = 2 } e; } t; return ++t.b + t.e; }`,
    );
    expect(btf.named('twice')).toHaveLength(2);
    const { renames, text } = emitHeader(btf);
    expect(renames).toContainEqual({ kind: 'struct', name: 'twice', as: 'twice___2' });
    expect(renames).toContainEqual({ kind: 'enumerator', name: 'SAME', as: 'SAME___2' });
    expect(text).toMatch(/^struct twice \{.*^struct twice___2 \{/ms);
    btfOf(clang, `${text}struct twice a; struct twice___2 b;`);
  });

  test("C23's keywords do not break the header", (context) => {
    requireTool(context, 'clang');
    const text = emitHeader(
      btfOf('clang', 'typedef _Bool bool; struct s { bool b; } s; enum { false = 0, true = 1 } t;'),
    ).text;
    for (const clang of installedClangs())
      for (const std of ['gnu89', 'gnu11', 'c11', 'gnu17', 'c2x']) {
        const file = path.join(testDirectory(), 'std.c');
        writeFileSync(file, `${text}struct s x; bool y; int z[true];`);
        const result = spawnSync(clang, ['-target', 'bpf', `-std=${std}`, '-fsyntax-only', file], { encoding: 'utf8' });
        expect(result.stderr, `${clang} ${std}`).toBe('');
      }
  });

  test('<stdbool.h> may come first', (context) => {
    const clang = requireTool(context, 'clang');
    const btf = btfOf(clang, 'typedef _Bool bool; bool b; enum { false = 0, true = 1 } t;');
    btfOf(clang, `#include <stdbool.h>\n${emitHeader(btf).text}\nbool x = true;`);
  });
});

describe("the running kernel's types", () => {
  const directory = fileDirectory();
  let btf: Btf;
  let names: CNames;

  beforeAll(() => {
    if (!existsSync(HOST)) return;
    btf = parseBtf(readFileSync(HOST));
    names = new CNames(btf);
    // as `ecc vmlinux` prints it
    writeFileSync(path.join(directory, 'vmlinux.h'), emitHeader(btf, { kfuncs: findKfuncs(btf) }).text);
  });

  function requireHost(context: Skippable): void {
    if (!existsSync(HOST)) context.skip(`${HOST} does not exist`);
  }

  test.for(installedClangs())('every size is right, without a warning: %s', (clang, context) => {
    requireHost(context);
    let source = '#include "vmlinux.h"\n';
    let count = 0;
    for (const id of btf.ids()) {
      const kind = btf.kind(id);
      if (btf.nameOff(id) === 0 || !(isComposite(kind) || isEnum(kind))) continue;
      const keyword = kind === Kind.struct ? 'struct' : kind === Kind.union ? 'union' : 'enum';
      const name = `${keyword} ${btf.name(id)}${names.typeSuffix(id)}`;
      source += `_Static_assert(sizeof(${name}) == ${btf.recordedSize(id)}, "${name}");\n`;
      count++;
    }
    expect(count).toBeGreaterThan(3000);
    const file = path.join(directory, `sizes-${clang}.c`);
    writeFileSync(file, source);
    const args = ['-target', 'bpf', '-Wall', '-Wextra', '-ferror-limit=0', '-fsyntax-only', file];
    expect(spawnSync(clang, args, { encoding: 'utf8' }).stderr).toBe('');
  });

  test('members of structs with bit-fields and of every seventh are where they were', (context) => {
    requireHost(context);
    const clang = requireTool(context, 'clang');
    const isWanted = (id: TypeId) => btf.kindFlag(id) || id % 7 === 0;
    const copy = btfOf(clang, `#include "${directory}/vmlinux.h"\n${mentionAll(btf, names, isWanted)}`);
    expect(compareLayouts(btf, copy, names, isWanted)).toBeGreaterThan(1000);
  });

  test('no type that bpftool prints is missing', (context) => {
    requireHost(context);
    const bpftool = requireTool(context, 'bpftool');
    const args = ['btf', 'dump', 'file', HOST, 'format', 'c'];
    const theirs = execFileSync(bpftool, args, { encoding: 'utf8', maxBuffer: 1 << 26 });
    const ours = typeNames(readFileSync(path.join(directory, 'vmlinux.h'), 'latin1'));
    expect(ours.size).toBeGreaterThan(5000);
    const missing = [...typeNames(theirs)].filter((name) => !ours.has(name));
    expect(missing).toEqual([]);
  });
});

/** `struct NAME`, `union NAME`, `enum NAME`, defined or only declared, `typedef NAME`. */
function typeNames(header: string): Set<string> {
  const names = new Set<string>();
  for (const [, name] of header.matchAll(/^((?:struct|union|enum) \w+)(?: \{|;)/gm)) names.add(name!);
  for (const [line] of header.matchAll(/^(?:typedef |\} ?)[^\n{]*;$/gm)) {
    const name = /\(\*?(\w+)\)\(|(\w+)(?:\[\d*\])*(?:\([^)]*\))?;$/.exec(line);
    if (name !== null && !line.startsWith('};') && !line.startsWith('} __attribute__'))
      names.add(`typedef ${name[1] ?? name[2]}`);
  }
  return names;
}
