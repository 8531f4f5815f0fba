/**
 * The 36 known defects of the reference compiler, D1 to D36 as `docs/reference-defects.md` lists them: that we do not have them. Those
 * that have their own tests elsewhere are named there.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { readPackage } from 'ebpf-ecc';
import { describe, expect, test } from 'vitest';
import { readTar } from '../../src/package/archive.ts';
import { ecc, TINY } from '../support/cli.ts';
import { run, runOk } from '../support/command.ts';
import { requireTool } from '../support/require.ts';
import { testDirectory } from '../support/temporary.ts';
import { findTool } from '../support/tools.ts';

/** A directory with files in it. */
function project(files: Readonly<Record<string, string | Buffer>>): string {
  const directory = testDirectory();
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(directory, name)), { recursive: true });
    writeFileSync(path.join(directory, name), content);
  }
  return directory;
}

const HEADER = `struct event {
	int pid;
	char comm[16];
};
`;
/** Sends `struct event` of a header through a ring buffer. */
const SENDER = `#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include "event.h"

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} events SEC(".maps");

SEC("tp/syscalls/sys_enter_kill")
int on_kill(void *ctx)
{
	struct event *e = bpf_ringbuf_reserve(&events, sizeof(*e), 0);

	if (!e)
		return 0;
	e->pid = bpf_get_current_pid_tgid() >> 32;
	bpf_ringbuf_submit(e, 0);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
`;

/** `ecc` in a directory; must succeed. */
async function build(directory: string, ...args: string[]): Promise<string> {
  const { status, stderr } = await ecc(args, { cwd: directory });
  expect(status, stderr).toBe(0);
  return stderr;
}

const packageIn = (directory: string, name = 'package.json') => readPackage(readFileSync(path.join(directory, name)));
const exportsOf = async (directory: string) =>
  ((await packageIn(directory)).meta.export_types ?? []).map(({ name }) => name);

/** The text that an `ewasm-skel.h` holds, as a C program sees it. */
async function wasmText(directory: string): Promise<string> {
  const program = path.join(directory, 'print');
  const source =
    '#include "ewasm-skel.h"\n#include <stdio.h>\nint main(void) { fputs(program_data, stdout); return 0; }\n';
  await runOk('clang', ['-x', 'c', '-', '-I', directory, '-o', program], { input: source });
  return (await runOk(program, [])).stdout;
}

describe('artefacts', () => {
  test('D1, D2: every mode works with every other in one run, from memory and not from files that lie about', async (context) => {
    requireTool(context, 'clang');
    const stale = '{"bpf_object":"stale","bpf_object_size":1,"meta":{}}';
    const directory = project({ 'tiny.bpf.c': TINY, 'package.json': stale, 'package.yaml': 'bpf_object: stale\n' });
    await build(directory, 'tiny.bpf.c', '--yaml', '--wasm-header', '--ts', '--depfile', 'd');
    const made = ['d', 'ewasm-skel.h', 'package.yaml', 'tiny.bpf.o', 'tiny.bpf.ts', 'tiny.skel.yaml'];
    expect(readdirSync(directory).sort()).toEqual([...made, 'package.json', 'tiny.bpf.c'].sort());
    expect(readFileSync(path.join(directory, 'package.json'), 'utf8')).toBe(stale);
    const fromWasm = await readPackage(Buffer.from(await wasmText(directory)));
    const fromYaml = await packageIn(directory, 'package.yaml');
    expect(fromWasm).toEqual(fromYaml);
    expect(Buffer.from(fromWasm.object)).toEqual(readFileSync(path.join(directory, 'tiny.bpf.o')));
  });

  test.each([['--wasm-header'], ['--btfgen'], ['--standalone'], ['--package-name', 'p.json']])(
    'D2: no package and %s exclude each other, and that is said at once',
    async (...args) => {
      const directory = project({ 'tiny.bpf.c': TINY });
      const { status, stderr } = await ecc(['tiny.bpf.c', '-n', ...args], { cwd: directory });
      expect(stderr).toMatch(/^error\[USAGE_CONFLICT\]/);
      expect(status).toBe(2);
      expect(readdirSync(directory)).toEqual(['tiny.bpf.c']);
    },
  );

  test('D3: builds side by side in one directory, and a temp.c of the user', async () => {
    const files = {
      'a.bpf.c': SENDER,
      'b.bpf.c': SENDER.replace('on_kill', 'other'),
      'event.h': HEADER,
      'temp.c': 'mine',
    };
    const directory = project(files);
    const names = ['a', 'b'] as const;
    await Promise.all(
      names.map((name) => build(directory, `${name}.bpf.c`, 'event.h', '--package-name', `${name}.json`)),
    );
    expect(readFileSync(path.join(directory, 'temp.c'), 'utf8')).toBe('mine');
    const programs = names.map(
      async (name) => (await packageIn(directory, `${name}.json`)).meta.bpf_skel.progs?.[0]?.name,
    );
    expect(await Promise.all(programs)).toEqual(['on_kill', 'other']);
  });

  test('D4: a source that does not compile leaves nothing behind', async () => {
    const directory = project({ 'a.bpf.c': `${SENDER}int broken(`, 'event.h': HEADER });
    const { status } = await ecc(['a.bpf.c', 'event.h', '-o', 'out'], { cwd: directory });
    expect(status).toBe(4);
    expect(readdirSync(directory).sort()).toEqual(['a.bpf.c', 'event.h']);
  });

  test('D5: headers are found beside the source, whatever lies in the output directory; messages name the source', async () => {
    const directory = project({ 'a.bpf.c': SENDER, 'event.h': HEADER, 'out/event.h': '#error wrong header\n' });
    await build(directory, 'a.bpf.c', 'event.h', '-o', 'out');
    writeFileSync(path.join(directory, 'a.bpf.c'), `${SENDER}#warning look here\n`);
    expect(await build(directory, 'a.bpf.c', 'event.h', '-o', 'out')).toMatch(/^a\.bpf\.c:\d+:2: warning: look here/m);
  });

  test.each([
    ['D6', '// the end'],
    ['D7', '#if 1\n#endif'],
    ['D7', '/* the end */'],
  ])('%s: a source that ends in %j without a newline', async (_defect, end) => {
    const directory = project({ 'a.bpf.c': SENDER + end, 'event.h': HEADER });
    expect(await build(directory, 'a.bpf.c', 'event.h')).not.toMatch(/warning|error/);
    expect(await exportsOf(directory)).toEqual(['event']);
  });

  test('D8: OBJ is the file name without its suffix, and names never meet', async () => {
    const directory = project({ 'my.v2.bpf.c': TINY, '.x.bpf.c': TINY, 'a.bpf.c': TINY, 'a.c': TINY });
    await build(directory, 'my.v2.bpf.c', '-n', '-o', 'out');
    await build(directory, '.x.bpf.c', '-n', '-o', 'out');
    expect(readdirSync(path.join(directory, 'out')).sort()).toEqual([
      '.x.bpf.o',
      '.x.skel.json',
      'my.v2.bpf.o',
      'my.v2.skel.json',
    ]);
    const { status, stderr } = await ecc(['a.bpf.c', 'a.c'], { cwd: directory });
    expect(stderr).toMatch(/^error\[USAGE_COLLISION\]/);
    expect(status).toBe(2);
  });

  test('D9: several sources of one directory have a package each', async () => {
    const directory = project({ 'a.bpf.c': TINY, 'b.bpf.c': TINY.replace('on_kill', 'other') });
    await build(directory, 'a.bpf.c', 'b.bpf.c');
    expect((await packageIn(directory, 'a.package.json')).meta.bpf_skel.progs?.[0]?.name).toBe('on_kill');
    expect((await packageIn(directory, 'b.package.json')).meta.bpf_skel.progs?.[0]?.name).toBe('other');
    expect(existsSync(path.join(directory, 'package.json'))).toBe(false);
  });

  test('D10: the output directory is made', async () => {
    const directory = project({ 'a.bpf.c': TINY });
    await build(directory, 'a.bpf.c', '-o', 'new/and deep');
    expect(readdirSync(path.join(directory, 'new/and deep')).sort()).toEqual([
      'a.bpf.o',
      'a.skel.json',
      'package.json',
    ]);
  });
});

describe('export types', () => {
  const withHeader = async (header: string, source = SENDER) => {
    const directory = project({ 'a.bpf.c': source, 'event.h': header });
    const stderr = await build(directory, 'a.bpf.c', 'event.h');
    return { stderr, names: await exportsOf(directory), skeleton: (await packageIn(directory)).meta.bpf_skel };
  };

  test('D11: structs in comments, strings and left-out code are none', async () => {
    const ghosts =
      '/* struct ghost { */\n#define TEXT "struct spook {"\n#if 0\nstruct shade { int x; };\n#endif\n// struct wraith {\n';
    const { names, skeleton } = await withHeader(ghosts + HEADER);
    expect(names).toEqual(['event']);
    expect(JSON.stringify(skeleton)).not.toMatch(/ghost|spook|shade|wraith|ecc_export|dummy/);
  });

  test('D12: structs with attributes count; one without a tag, or made by a macro, is pointed out', async () => {
    const header = `${HEADER}struct __attribute__((packed)) tight { char c; int i; };
#define MAKE(name) struct name { int x; }
MAKE(by_macro);
typedef struct { int y; } untagged_t;
`;
    const { names, stderr } = await withHeader(header);
    expect(names.sort()).toEqual(['event', 'tight']);
    expect(stderr).toMatch(/warning.*by_macro/);
    expect(stderr).toMatch(/warning.*untagged_t.*no tag/);
  });

  test('D13: a struct within a struct does not come before the event', async () => {
    const { names } = await withHeader('struct event {\n\tstruct inner { int a; } x;\n\tint pid;\n};\n');
    expect(names[0]).toBe('event');
  });

  test('D14: a header that the source does not include is an error', async () => {
    const directory = project({ 'a.bpf.c': TINY, 'event.h': HEADER });
    const { status, stderr } = await ecc(['a.bpf.c', 'event.h'], { cwd: directory });
    expect(stderr).toMatch(/^error\[USAGE_HEADER_NOT_INCLUDED\]/m);
    expect(status).toBe(2);
    expect(existsSync(path.join(directory, 'package.json'))).toBe(false);
  });

  test('D15: without a header the type comes from the code; where that does not tell, a warning does', async () => {
    const directory = project({ 'a.bpf.c': SENDER, 'event.h': HEADER });
    await build(directory, 'a.bpf.c');
    expect(await exportsOf(directory)).toEqual(['event']);
    const untyped = SENDER.replace('#include "event.h"\n', '')
      .replace(
        'struct event *e = bpf_ringbuf_reserve(&events, sizeof(*e), 0)',
        'int *e = bpf_ringbuf_reserve(&events, 8, 0)',
      )
      .replace('e->pid', '*e');
    writeFileSync(path.join(directory, 'a.bpf.c'), untyped);
    expect(await build(directory, 'a.bpf.c')).toMatch(/warning.*events/);
  });

  test('D16: global data that loaders refuse is pointed out', async () => {
    const directory = project({ 'a.bpf.c': TINY.replace('const volatile int target_pid = 0', 'int target_pid = 3') });
    expect(await build(directory, 'a.bpf.c')).toMatch(/warning.*\.data/);
  });
});

describe('start-up and environment', () => {
  test('D18: no data directory is needed, and none is made', async () => {
    const home = testDirectory();
    const directory = project({ 'a.bpf.c': TINY });
    const env = { XDG_DATA_HOME: '/nonexistent', HOME: home };
    expect((await ecc(['--help'], { env })).status).toBe(0);
    expect((await ecc(['a.bpf.c'], { env, cwd: directory })).status).toBe(0);
    expect(readdirSync(home)).toEqual([]);
  });

  test('D19: help and version without any tool', async () => {
    const env = { PATH: '/nonexistent' };
    expect(await ecc(['--version'], { env })).toMatchObject({ status: 0, stderr: '' });
    expect((await ecc(['--help'], { env })).stdout).toContain('--wasm-header');
  });

  test('D20: the workspace is used where it is', async () => {
    const directory = project({
      'a.bpf.c': `#include "own.h"\n${TINY}\nint answer = ANSWER;\n`,
      'ws/include/own.h': '#define ANSWER 0\n',
      'ws/include/vmlinux/x86/vmlinux.h': '',
      'ws/bin/clang': `#!/bin/sh\necho used >> "$(dirname "$0")/log"\nexec ${findTool('clang')} "$@"\n`,
    });
    const vmlinux = (await ecc(['vmlinux'], {})).stdout;
    writeFileSync(path.join(directory, 'ws/include/vmlinux/x86/vmlinux.h'), vmlinux);
    await runOk('chmod', ['755', path.join(directory, 'ws/bin/clang')]);
    await build(directory, 'a.bpf.c', '-w', 'ws', '--target-arch', 'x86');
    expect(readFileSync(path.join(directory, 'ws/bin/log'), 'utf8')).toContain('used');
  });

  test('D21, D22: flags in every spelling, paths with blanks and quotes', async () => {
    const directory = project({
      "it's a $(dir)/a b.bpf.c": `${TINY}\n#if !(X == 1 && Y == 2 && Z == 3)\n#error flags\n#endif\n`,
      'my clang/clang': `#!/bin/sh\nexec ${findTool('clang')} "$@"\n`,
      'my inc/x.h': '',
    });
    await runOk('chmod', ['755', path.join(directory, 'my clang/clang')]);
    const flags = ['-a', '-DX=1', '-a=-DY=2', '-a', '-DZ=3 "-Imy inc" -include x.h'];
    await build(directory, "it's a $(dir)/a b.bpf.c", '-c', 'my clang/clang', ...flags, '-o', "out's");
    expect(readdirSync(path.join(directory, "out's")).sort()).toEqual(['a b.bpf.o', 'a b.skel.json', 'package.json']);
  });

  test('D24: warnings of clang are shown, once', async () => {
    const directory = project({ 'a.bpf.c': `${TINY}\n#warning mind this\n` });
    const stderr = await build(directory, 'a.bpf.c');
    expect(stderr.match(/warning: mind this/g)).toHaveLength(1);
  });

  test('D26: a source need not be UTF-8', async () => {
    const source = Buffer.concat([Buffer.from('/* Gr\xfc\xdfe */\n', 'latin1'), Buffer.from(TINY)]);
    await build(project({ 'a.bpf.c': source }), 'a.bpf.c');
  });

  test('D27: for other architectures', async () => {
    const directory = project({ 'a.bpf.c': TINY });
    await build(directory, 'a.bpf.c', '--target-arch', 's390', '-n');
    const { stdout } = await run('readelf', ['-h', path.join(directory, 'a.bpf.o')]);
    expect(stdout).toMatch(/big endian/);
    const { status } = await ecc(['a.bpf.c', '--target-arch', 'vax'], { cwd: directory });
    expect(status).toBe(2);
  });
});

describe('btfgen and standalone', () => {
  test('D23, D29: an archive whose name has blanks; failures are told; the object has its name', async (context) => {
    requireTool(context, 'bpftool');
    if (!existsSync('/sys/kernel/btf/vmlinux')) context.skip('no kernel BTF to make an archive of');
    const directory = project({ 'a.bpf.c': TINY, 'an archive/debian/12/x86_64/bad.btf': 'junk' });
    writeFileSync(
      path.join(directory, 'an archive/debian/12/x86_64/6.1.0.btf'),
      readFileSync('/sys/kernel/btf/vmlinux'),
    );
    const { status, stderr } = await ecc(['a.bpf.c', '-b', '--btfhub-archive', 'an archive', '--target-arch', 'x86'], {
      cwd: directory,
    });
    expect(status, stderr).toBe(5);
    expect(stderr).toContain('1 of 2 kernels');
    const entries = await readTar(readFileSync(path.join(directory, 'a.tar')));
    expect(entries.map((entry) => entry.path)).toEqual([
      'a.bpf.o',
      'btfhub-archive/debian/12/x86_64/6.1.0.btf',
      'package.json',
    ]);
    expect(Buffer.from(entries[2]!.content)).toEqual(readFileSync(path.join(directory, 'package.json')));
    expect(readdirSync(path.join(directory, 'an archive/debian/12/x86_64')).sort()).toEqual(['6.1.0.btf', 'bad.btf']);
  });

  test('D25: documentation of several lines and with quotes stays what it is in the WebAssembly header', async (context) => {
    requireTool(context, 'clang');
    const text = TINY.replace('char LICENSE', '/// @details First "line"\n/// and \\\\n second.\nchar LICENSE');
    const directory = project({ 'a.bpf.c': text });
    await build(directory, 'a.bpf.c', '--wasm-header');
    expect(await wasmText(directory)).toBe(readFileSync(path.join(directory, 'package.json'), 'utf8'));
  });

  test('D30: no source of the loader is left behind unless it is asked for', async (context) => {
    requireTool(context, 'clang');
    if (!existsSync('/usr/lib/x86_64-linux-gnu/libbpf.a')) context.skip('libbpf.a is not installed');
    const directory = project({ 'a.bpf.c': TINY });
    await build(directory, 'a.bpf.c', '-s');
    expect(readdirSync(directory).sort()).toEqual(['a.bpf.c', 'a.bpf.o', 'a.out', 'a.skel.json', 'package.json']);
    await build(directory, 'a.bpf.c', '-s', '--keep-source');
    const source = readFileSync(path.join(directory, 'a.standalone.c'), 'utf8');
    await runOk('clang', ['-fsyntax-only', '-Wall', '-Wextra', '-Werror', '-x', 'c', '-'], { input: source });
  });
});

describe('doc comments', () => {
  const skeletonOf = async (text: string) => {
    const directory = project({ 'a.bpf.c': text });
    const stderr = await build(directory, 'a.bpf.c');
    return { stderr, skeleton: (await packageIn(directory)).meta.bpf_skel };
  };

  test('D31: what the loader would refuse is pointed out and not written', async () => {
    const { stderr, skeleton } = await skeletonOf(
      TINY.replace('const volatile', '/// @cmdarg notjson\n/// @description 42\nconst volatile'),
    );
    expect(stderr).toMatch(/a\.bpf\.c:\d+.*warning/);
    const variable = skeleton.data_sections?.[0]?.variables[0];
    expect(typeof (variable?.cmdarg ?? {})).toBe('object');
    expect(['string', 'undefined']).toContain(typeof variable?.description);
  });

  test('D32 to D35: programs by macro, maps by their own comments, @export_config, _license', async () => {
    const { skeleton } = await skeletonOf(`#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
/// @brief Of something else
int unrelated(void) { return 0; }
/// @sample {"interval": 1000}
/// @export_config "default"
struct table { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 8); __type(key, int); __type(value, int); } counts SEC(".maps");
/// @flag seen at exit
SEC("fentry/do_exit") int BPF_PROG(on_exit, long code) { return 0; }
/// @brief Documented by its license
char _license[] SEC("license") = "GPL";
`);
    expect(skeleton.maps?.[0]).toMatchObject({ name: 'counts', sample: { interval: 1000 }, export_config: 'default' });
    expect(skeleton.progs?.[0]).toMatchObject({ name: 'on_exit', flag: 'seen at exit' });
    expect(skeleton.doc?.brief).toBe('Documented by its license');
  });
});
