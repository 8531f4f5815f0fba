/** Errors and warnings of whole builds that nothing else provokes, as users see them. */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { ecc, TINY } from '../support/cli.ts';
import { requireTool } from '../support/require.ts';
import { testDirectory } from '../support/temporary.ts';

const HEAD = '#include "vmlinux.h"\n#include <bpf/bpf_helpers.h>\nchar LICENSE[] SEC("license") = "GPL";\n';
const RING = 'struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 4096); } rb SEC(".maps");\n';

async function stderrOf(
  args: readonly string[],
  files: Readonly<Record<string, string>>,
  env: Readonly<Record<string, string>> = {},
) {
  const directory = testDirectory();
  for (const [name, text] of Object.entries(files)) writeFileSync(path.join(directory, name), text);
  const { stderr, status } = await ecc(args, { cwd: directory, env });
  expect(stderr).not.toContain('INTERNAL');
  return `${status}\n${stderr}`;
}

describe('errors', () => {
  test.each<[string, string[], string]>([
    ['USAGE_PACKAGE_NAME', ['a.bpf.c', '--package-name', 'x/y'], '2\n'],
    ['USAGE_ATTACH', ['run', 'a.bpf.c', '--attach', 'foo'], '2\n'],
    ['COMPILE_STRICT', ['untyped.bpf.c', '--strict'], '4\n'],
  ])('%s', async (code, args, status) => {
    const untyped = `${HEAD}${RING}SEC("tc") int p(void *c) { return bpf_ringbuf_output(&rb, c, 4, 0); }\n`;
    const text = await stderrOf(args, { 'a.bpf.c': TINY, 'untyped.bpf.c': untyped });
    expect(text).toContain(`error[${code}]: `);
    expect(text.startsWith(status)).toBe(true);
  });

  test('a source that may not be read', async (context) => {
    if (process.getuid?.() === 0) {
      // root may read everything but this
      const { stderr, status } = await ecc(['inspect', 'structs', '/proc/self/mem']);
      expect(stderr).toContain('error[IO_READ_FAILED]: /proc/self/mem: cannot be read');
      expect(status).toBe(74);
      return;
    }
    const directory = testDirectory();
    writeFileSync(path.join(directory, 'a.bpf.c'), TINY);
    chmodSync(path.join(directory, 'a.bpf.c'), 0);
    expect((await ecc(['a.bpf.c'], { cwd: directory })).stderr, String(context)).toContain(
      'error[IO_READ_FAILED]: a.bpf.c: cannot be read: permission denied',
    );
  });

  test('TOOL_STANDALONE_FAILED', async (context) => {
    const clang = requireTool(context, 'clang');
    const directory = testDirectory();
    // compiles for bpf, and refuses to link
    const script = `#!/bin/sh\ncase "$*" in *lbpf*|*.a*) echo "ld: no" >&2; exit 1;; esac\nexec ${clang} "$@"\n`;
    writeFileSync(path.join(directory, 'cc'), script);
    chmodSync(path.join(directory, 'cc'), 0o755);
    writeFileSync(path.join(directory, 'a.bpf.c'), TINY);
    const { stderr, status } = await ecc(['a.bpf.c', '-s', '-c', './cc'], { cwd: directory });
    expect(stderr).toContain('error[TOOL_STANDALONE_FAILED]: ');
    expect(stderr).toContain('ld: no');
    expect(status).toBe(3);
  });

  test('a damaged file in a BTF archive: BTF_ARCHIVE_KERNEL in the help', async () => {
    const directory = testDirectory();
    const place = path.join(directory, 'archive/debian/12/x86_64');
    mkdirSync(place, { recursive: true });
    writeFileSync(path.join(place, '1.btf'), 'damaged');
    writeFileSync(path.join(directory, 'a.bpf.c'), TINY);
    const { stderr, status } = await ecc(
      ['a.bpf.c', '-b', '--btfhub-archive', 'archive', '--target-arch', 'x86', '--json'],
      { cwd: directory },
    );
    expect(stderr).toMatch(/BTF_ARCHIVE_KERNEL|no kernel of the archive could be used/);
    expect(status).toBe(2);
  });
});

describe('warnings', () => {
  test.each<[string, string, string[], string]>([
    [
      'EXPORT_TAG',
      `${HEAD}/** @export */\nunion u { int x; };\nSEC("tc") int p(void *c) { return sizeof(union u); }\n`,
      ['a.bpf.c'],
      '@export',
    ],
    [
      'EXPORT_EVENT',
      `${HEAD}${RING}SEC("tc") int p(void *c) { struct bpf_dynptr d; bpf_ringbuf_reserve_dynptr(&rb, 8, 0, &d); bpf_ringbuf_submit_dynptr(&d, 0); return 0; }\n`,
      ['a.bpf.c'],
      'rb',
    ],
    [
      'EXPORT_UNTAGGED',
      `#include "vmlinux.h"\n#include <bpf/bpf_helpers.h>\n#include "e.h"\ne_t e;\nSEC("tc") int p(void *c) { return e.x; }\nchar LICENSE[] SEC("license") = "GPL";\n`,
      ['a.bpf.c', 'e.h'],
      'typedef struct e_t',
    ],
    [
      'DOC_VALUE',
      `${HEAD}/** @cmdarg {broken */\nconst volatile int x = 0;\nSEC("tc") int p(void *c) { return x; }\n`,
      ['a.bpf.c'],
      'cmdarg',
    ],
  ])('%s', async (code, source, args, word) => {
    const text = await stderrOf(args, { 'a.bpf.c': source, 'e.h': 'typedef struct { int x; } e_t;\n' });
    expect(text).toContain(`warning[${code}]: `);
    expect(text).toContain(word);
    expect(text.startsWith('0\n')).toBe(true);
  });

  test('EXPORT_NOT_IN_OBJECT', async () => {
    // a tag that a macro makes is no token of the source
    const header = '#define MAKE(name) struct name { int x; };\nMAKE(made)\n';
    const source = `${HEAD}#include "made.h"\nSEC("tc") int p(void *c) { return 0; }\n`;
    const text = await stderrOf(['a.bpf.c', 'made.h'], { 'a.bpf.c': source, 'made.h': header });
    expect(text).toMatch(/warning\[EXPORT_NOT_IN_OBJECT\]: struct made cannot be exported/);
  });

  test('HEADER_FORGOT_INCLUDE', async () => {
    const text = await stderrOf(['a.h', '--header-only'], { 'a.h': 'struct e { __u32 x; };\n' });
    // clang refuses the header; what the header forgot is the help
    expect(text).toMatch(/__u32 is used, but nothing that the header includes declares it/);
  });

  test('LOADER_ENUM64', async (context) => {
    const clang = requireTool(context, 'clang-19');
    const source = `${HEAD}enum big { BIG = 0x100000000 };\nenum big b = BIG;\nSEC("tc") int p(void *c) { return b == BIG; }\n`;
    expect(await stderrOf(['a.bpf.c', '-c', clang], { 'a.bpf.c': source })).toContain('warning[LOADER_ENUM64]: ');
  });
});
