/**
 * Random programs: what is read off their text is what clang's AST tells, or nothing. Declarations of every kind that programs have, with doc
 * comments in and around them, macros, conditions, and events in the usual forms and in others.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CLANGS, factsByAst, factsByText, SOURCE } from './clang.ts';

const maybe = (chance: number, text: fc.Arbitrary<string>) =>
  fc.integer({ min: 0, max: 99 }).chain((n) => (n < chance ? text : fc.constant('')));
const oneOf = (...texts: string[]) => fc.constantFrom(...texts);
const join = (...parts: fc.Arbitrary<string>[]) => fc.tuple(...parts).map((texts) => texts.join(''));

const leading = oneOf(
  '/// about it\n',
  '/** @description block */\n',
  '/// @export\n',
  '/// @sample {"interval": 5}\n',
  '/* plain */\n',
  '// plain\n',
  '/// a\n/// b\n',
  '//! other\n',
);
const trailing = oneOf(' ///< behind\n', ' /**< behind */\n', ' // plain\n', '\n');
const before = maybe(40, leading);
const type = oneOf(
  'int',
  'u32',
  'const char',
  'struct known',
  'unsigned long long',
  'enum act',
  'u64 *',
  'volatile u8',
  'known_t',
);
const attribute = maybe(
  15,
  oneOf(' __attribute__((aligned(8)))', ' __weak', ' SEC(".data.x")', ' __attribute__((section(".rodata.y")))'),
);

let names = 0;
const fresh = (prefix: string) => `${prefix}${names++}`;

const member = join(
  before,
  oneOf(
    'int',
    'u32',
    'const void *',
    'enum act',
    'struct known',
    'struct { int in; }',
    'union { u8 l; /// deep\n u16 h; }',
    'struct',
  ).chain((t) =>
    fc.constant(null).map(() => {
      const name = fresh('m');
      if (t === 'struct') return `struct ${fresh('in')} { int z; /**< z */ } ${name}`;
      return t.includes('*') ? `${t}(${name})`.replace(/\((\w+)\)/, '$1') : `${t} ${name}`;
    }),
  ),
  maybe(20, oneOf('[4]', '[2][3]', '[sizeof(int)]')),
  fc.constant(';'),
  trailing,
);

const struct = fc.array(member, { minLength: 1, maxLength: 4 }).map((members) => `{\n${members.join('')}}`);

/** A function with a local variable that sends something. */
function sending(local: fc.Arbitrary<string>, send: fc.Arbitrary<string>) {
  return fc
    .tuple(local, send, oneOf('SEC("tp/x")', 'SEC("tp/x")', 'static', 'static __always_inline', ''))
    .map(([variable, statement, head]) => {
      const name = fresh('f');
      const caller =
        head.startsWith('static') && name.endsWith('1')
          ? `int ${name}_caller(void *ctx) { return ${name}(ctx); }\n`
          : '';
      return `${head} int ${name}(void *ctx)\n{\n\t${variable};\n\t${statement}\n\treturn 0;\n}\n${caller}`;
    });
}

const declaration = fc.oneof(
  join(
    before,
    struct.map((body) => `struct ${fresh('s')} ${body}`),
    maybe(20, oneOf(' __attribute__((packed))')),
    fc.constant(';'),
    trailing,
  ),
  join(
    before,
    struct.map((body) => `typedef struct ${body} ${fresh('t')}`),
    fc.constant(';'),
    trailing,
  ),
  join(
    before,
    struct.map((body) => `typedef struct ${fresh('s')} ${body} ${fresh('t')}, *${fresh('p')}`),
    fc.constant(';'),
    trailing,
  ),
  join(
    before,
    fc
      .constant(null)
      .map(() => `struct {\n\t__uint(type, BPF_MAP_TYPE_HASH);\n\t__type(key, int);\n} ${fresh('map')} SEC(".maps")`),
    fc.constant(';'),
    trailing,
  ),
  join(
    before,
    oneOf('', 'const volatile ', 'static ', 'extern '),
    before,
    type,
    fc.constant(null).map(() => ` ${fresh('v')}`),
    attribute,
    maybe(
      20,
      fc.constant(null).map(() => `, ${fresh('v')}`),
    ),
    fc.constant(';'),
    trailing,
  ),
  join(
    before,
    fc.constant(null).map(() => `const volatile int ${fresh('v')}[] = { 1, /* ; */ 2 }`),
    maybe(
      30,
      fc.constant(null).map(() => `, ${fresh('v')} = 3`),
    ),
    fc.constant(';'),
    trailing,
  ),
  join(
    before,
    fc
      .constant(null)
      .map(() => `enum ${fresh('e')} {\n${fresh('A')}, ///< first\n/// second\n${fresh('B')} = 1 << 3,\n}`),
    fc.constant(';'),
    trailing,
  ),
  join(
    before,
    oneOf('SEC("tp/a/b")\n', 'SEC("kprobe/x") ', '', 'static __always_inline ', '__noinline '),
    before,
    fc.constant(null).map(() => `int ${fresh('f')}(void *ctx)`),
    oneOf(';', '\n{\n\t/// inside\n\treturn 0;\n}', ' { if (ctx) { return 1; } return 0; }'),
    trailing,
  ),
  join(
    before,
    oneOf(
      'SEC("fentry/x")\nint BPF_PROG(NAME, int a, struct known *k)\n{\n\treturn a;\n}',
      'SEC("kprobe/x") int BPF_KPROBE(NAME, int a) { return a; }',
    ).map((text) => text.replace('NAME', fresh('prog'))),
    trailing,
  ),
  oneOf(
    '#define LIMIT 16\n',
    '#define ATTR __attribute__((used))\n',
    '#if 1\nint in_condition;\n#endif\n',
    '#ifdef NEVER\n/// never\nint never;\n#endif\n',
    '#ifndef SIZE\n#define SIZE 4\n#endif\n',
    '/// about nothing\n\n',
    'struct later;\n',
    ';\n',
    'extern int CONFIG_HZ __kconfig;\n',
    'static int unused(void);\n',
    'ATTRIBUTE int with_macro;\n',
    'typedef int (*callback)(void *); ///< called\n',
    'int (*pointer)(int);\n',
    '_Static_assert(1, "yes");\n',
  ),
  // a function that sends an event, or does not
  sending(oneOf('struct known *e', 'void *e'), oneOf('e = bpf_ringbuf_reserve(&rb, sizeof(*e), 0);', 'SEND(rb, e);')),
);

const PRELUDE = `typedef unsigned char u8; typedef unsigned char __u8; typedef unsigned short u16; typedef unsigned short __u16;
typedef unsigned int u32; typedef unsigned int __u32; typedef int __s32; typedef unsigned long long u64; typedef unsigned long long __u64;
typedef long long __s64; typedef u16 __be16; typedef u32 __be32; typedef u32 __wsum;
enum bpf_map_type { BPF_MAP_TYPE_HASH };
struct pt_regs { unsigned long di, rdi, rsi, ax; };
`;
const MAPS = `#define ATTRIBUTE __attribute__((used))
#define SEND(map, e) bpf_ringbuf_output(&map, &e, sizeof(e), 0)
enum act { GO };
struct other { long l; };
union both { int i; };
/** known */
struct known { int a; };
typedef struct known known_t;
struct { __uint(type, 27); } rb SEC(".maps");
struct { __uint(type, 4); } events SEC(".maps");
`;

const event = fc.oneof(
  {
    weight: 4,
    arbitrary: sending(
      oneOf(
        'struct known *e',
        'const struct known *e',
        'struct known *e',
        'struct known *e, *f',
        'int a; struct known *e',
      ),
      oneOf(
        'e = bpf_ringbuf_reserve(&rb, sizeof(*e), 0);',
        'e = bpf_ringbuf_reserve(&rb, sizeof(struct known), 0);',
        'if (!(e = bpf_ringbuf_reserve(&rb, sizeof *e, 0))) return 0;',
        'struct other *g = bpf_ringbuf_reserve(&rb, sizeof(*g), 0); e = 0;',
        'e = ctx; bpf_perf_event_output(ctx, &events, 0, e, sizeof(*e));',
        'e = ctx; bpf_ringbuf_output(&rb, e, sizeof(*e), 0);',
        'if (ctx) { struct other *e; e = bpf_ringbuf_reserve(&rb, sizeof(*e), 0); }',
      ),
    ),
  },
  {
    weight: 4,
    arbitrary: sending(
      oneOf(
        'struct known e = {}',
        'const struct known e = {}',
        'struct known e',
        'static struct known e',
        'struct known e, f',
      ),
      oneOf(
        'bpf_ringbuf_output(&rb, &e, sizeof(e), 0);',
        'bpf_perf_event_output(ctx, &events, 0, &e, sizeof e);',
        'bpf_perf_event_output(ctx, &events, 0, &e, sizeof(struct known));',
        'return bpf_ringbuf_output(&rb, &e, sizeof(e), 0);',
        '(void)(ctx ? bpf_ringbuf_output(&rb, &e, sizeof(e), 0) : 0);',
        'if (ctx) { int a = 1, *e = 0; } bpf_ringbuf_output(&rb, &e, sizeof(e), 0);',
        '{ struct other rb; bpf_ringbuf_output(&rb, &e, sizeof(e), 0); }',
        '\n#if 0\n\tbpf_ringbuf_output(&rb, &e, sizeof(e), 0);\n#endif\n',
      ),
    ),
  },
  {
    weight: 1,
    arbitrary: sending(
      oneOf(
        'void *e = ctx',
        'known_t *e = ctx',
        'u64 a, *e = ctx',
        'struct known *f, *e = ctx',
        'union both *e = ctx',
        'int a = 0, e = 1',
      ),
      oneOf(
        'e = bpf_ringbuf_reserve(&rb, sizeof(struct other), 0);',
        'bpf_ringbuf_output(&rb, &e, sizeof(e), 0);',
        'bpf_ringbuf_output(&rb, e, sizeof(*e), 0);',
        'bpf_perf_event_output(ctx, &rb, 0, (void *)&e, 16);',
        'for (u64 i = 0, *e = 0; i < 3; i++) bpf_ringbuf_output(&rb, e, sizeof(*e), 0);',
        '\n#if 1\n\tstruct other e = {};\n#endif\nbpf_ringbuf_output(&rb, &e, sizeof(e), 0);',
        'SEND(rb, e);',
        'void *p = bpf_ringbuf_reserve(&rb, 8, 0); e = p;',
      ),
    ),
  },
);

const program = (part: fc.Arbitrary<string>, maxLength: number) =>
  fc.array(part, { minLength: 1, maxLength }).map((declarations) => {
    const text = declarations.join('');
    const kept = text.includes('SEND(') ? MAPS : MAPS.replace(/^#define SEND.*\n/m, '');
    return `#include "types.h"\n#include <bpf/bpf_helpers.h>\n#include <bpf/bpf_tracing.h>\n${kept}${text}`;
  });

const RUNS = Number(process.env.ECC_OUTLINE_RUNS ?? 60);

/** So that something was compared at all; it is about a third. What the text has to tell of real programs is said in test/fixtures/without-ast.test.ts. */
const LEAST_SHARE = 0.05;

test.runIf(CLANGS.length > 0).each([
  ['declarations', program(declaration, 12)],
  ['events', program(event, 2)],
] as const)('what the text tells of %s is what clang tells', { timeout: 600_000 }, async (_, programs) => {
  let sure = 0;
  await fc.assert(
    fc.asyncProperty(programs, async (source) => {
      const files = { 'types.h': PRELUDE, [SOURCE]: source };
      const byText = factsByText(files);
      if (byText === undefined) return;
      const byAst = await factsByAst(CLANGS[0]!, files).catch((error: unknown) => String(error));
      // not every program that comes together here is one
      if (typeof byAst === 'string') return;
      sure++;
      expect(byText).toEqual(byAst);
    }),
    { numRuns: RUNS, endOnFailure: true },
  );
  expect(sure / RUNS).toBeGreaterThan(LEAST_SHARE);
});
