/** Exported structs, type docs and the finer points of attaching comments, on real syntax trees. */
import { describe, expect, test } from 'vitest';
import { collectDocs } from '../../src/doc/docs.ts';
import { headerStructs, taggedStructs } from '../../src/doc/export-structs.ts';
import { collectTypeDocs } from '../../src/doc/type-docs.ts';
import { CLANGS, SOURCE, unitOf } from './clang.ts';

const HEAD = `#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
`;

describe.each(CLANGS)('with %s', (clang) => {
  test.concurrent('the export header defines its own named structs, not nested, forward or included ones', async () => {
    const header = `#include "other.h"
#define DEFINE(name) struct name { int x; }
struct forward;
struct first { struct nested { int a; } n; };
struct __attribute__((packed)) second { int b; };
typedef struct { int c; } untagged_t;
typedef struct third { int d; } third_t;
typedef union { int e; } union_t;
DEFINE(fourth);
union u { int f; };
/* struct ghost { int g; }; */
#if 0
struct hidden { int h; };
#endif
`;
    const unit = await unitOf(clang, {
      [SOURCE]: `${HEAD}#include "event.h"\nstruct of_source { int x; };`,
      'event.h': header,
      'other.h': 'struct of_other { int x; };',
    });
    const { structs, untagged } = headerStructs(unit, (file) => file === './event.h');
    expect(structs.map(({ name, line }) => `${name}:${line}`)).toEqual(['first:4', 'second:5', 'third:7', 'fourth:9']);
    expect(untagged.map(({ name, line }) => `${name}:${line}`)).toEqual(['untagged_t:6']);
  });

  test.concurrent('structs tagged @export, in the source and in headers', async () => {
    const unit = await unitOf(clang, {
      [SOURCE]: `${HEAD}#include "event.h"
/// @export
struct exit_event { int code; };
/** @export */
typedef struct named { int x; } named_t;
/// @export
typedef struct { int x; } untagged_t;
/// @export
union u { int x; };
/// exported? no: @exported
struct plain { int x; };
/// @export
struct forward;
`,
      'event.h': '/** @export\n * One exec. */\nstruct exec_event { int pid; };\n',
    });
    const { structs, warnings } = taggedStructs(unit);
    expect(structs.map(({ name, file, line }) => `${file}:${line} ${name}`)).toEqual([
      './event.h:3 exec_event',
      'case.bpf.c:5 exit_event',
      'case.bpf.c:7 named',
    ]);
    expect(warnings.map(({ line, message }) => `${line}: ${message}`)).toEqual([
      '9: @export: the struct behind typedef untagged_t has no tag; write typedef struct untagged_t {...} untagged_t',
      '11: @export: u is not a struct; a package exports nothing else',
    ]);
  });

  test.concurrent('types and members have docs for TypeScript', async () => {
    const unit = await unitOf(clang, {
      [SOURCE]: `${HEAD}
/// @export
/// One exec.
struct event {
	/// process
	int pid;
	char comm[16]; ///< its name
	/** either */
	union { int a; /**< as a number */ char b; };
	struct { int x; ///< across
	} at;
	struct part { int z; /* plain */ } p; ///< a part
	int (*fn)(int); ///< never sent
	int none;
};
/// how it went
enum outcome { OK, ///< well
	FAILED = 2, /* plain */
	/// not at all
	UNKNOWN };
/// without a tag
typedef struct {
	int n; ///< count
} untagged_t;
struct silent { int x; };
enum { LIMIT = 3 };
`,
    });
    const { tags, typedefs } = collectTypeDocs(unit);
    expect([...tags.keys()]).toEqual(['event', 'outcome']);
    expect(tags.get('event')!.doc).toBe('One exec.');
    expect(Object.fromEntries(tags.get('event')!.members)).toEqual({
      pid: 'process',
      comm: 'its name',
      a: 'as a number',
      'at.x': 'across',
      p: 'a part',
      fn: 'never sent',
    });
    expect(tags.get('outcome')!.doc).toBe('how it went');
    expect(Object.fromEntries(tags.get('outcome')!.members)).toEqual({ OK: 'well', UNKNOWN: 'not at all' });
    expect(typedefs.get('untagged_t')!.doc).toBe('without a tag');
    expect(Object.fromEntries(typedefs.get('untagged_t')!.members)).toEqual({ n: 'count' });
  });

  test.concurrent('sections tell what a variable is, also behind macros and odd names', async () => {
    const unit = await unitOf(clang, {
      [SOURCE]: `${HEAD}
#define RINGBUF(name) struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 4096); } name SEC(".maps")
#define LICENSED(name) char name[] SEC("license") = "GPL"
/// ring
RINGBUF(rb);
/// @cmdarg {"default": 1}
int constructor = 1;
/// @cmdarg {"default": 2}
int __proto__ = 2;
/// spelled out
int tuned __attribute__((section(".data" ".tuned"))) = 3;
/// by hand
int by_hand __attribute__((section(".maps"))) = 3;
/// @brief a license of another name
char _license[] __attribute__((section("license"), used)) = "GPL";
/// not the license
int LICENSE = 4;
/// never in the skeleton
static int hidden = 5;
/// nor this
static int helper(void) { return hidden; }
/// @flag on
SEC("xdp") int prog(void *ctx) { return helper() + tuned + constructor + __proto__; }
`,
    });
    const docs = collectDocs(unit, SOURCE);
    expect([...docs.variables.keys()]).toEqual(['constructor', '__proto__', 'tuned', 'LICENSE']);
    expect({ ...docs.variables.get('__proto__') }).toEqual({ cmdarg: { default: 2 } });
    expect([...docs.maps.keys()]).toEqual(['rb', 'by_hand']);
    expect([...docs.programs.keys()]).toEqual(['prog']);
    expect({ ...docs.license }).toEqual({ brief: 'a license of another name' });
  });

  test.concurrent('a warning says where the command stands', async () => {
    const source = `${HEAD}/// text\n///   @cmdarg 5\nint x = 1;\n`;
    const { warnings } = collectDocs(await unitOf(clang, { [SOURCE]: source }), SOURCE);
    expect(warnings).toEqual([
      { file: SOURCE, line: 4, column: 7, message: '@cmdarg must be a JSON object; left out' },
    ]);
  });
});
