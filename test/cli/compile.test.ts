/** `ecc SOURCE`: what it prints, what it writes, and what it leaves alone. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { readPackage } from 'ebpf-ecc';
import { describe, expect, test } from 'vitest';
import { ECC, ecc, TINY } from '../support/cli.ts';
import { run } from '../support/command.ts';
import { testDirectory } from '../support/temporary.ts';

/** A directory with a source in it. */
function project(text: string | Buffer = TINY, name = 'prog.bpf.c'): { directory: string; source: string } {
  const directory = testDirectory();
  writeFileSync(path.join(directory, name), text);
  return { directory, source: path.join(directory, name) };
}

const packageOf = (file: string) => readPackage(readFileSync(file));

describe('one source', () => {
  test('three lines on standard error, three files beside the source', async () => {
    const { directory } = project();
    const result = await ecc(['prog.bpf.c'], { cwd: directory });
    expect(result).toEqual({
      status: 0,
      stdout: '',
      stderr:
        'Compiling bpf object...\nGenerating export types...\nPacking ebpf object and config into package.json...\n',
    });
    expect(readdirSync(directory).sort()).toEqual(['package.json', 'prog.bpf.c', 'prog.bpf.o', 'prog.skel.json']);
    const { object, meta } = await packageOf(path.join(directory, 'package.json'));
    expect(Buffer.from(object)).toEqual(readFileSync(path.join(directory, 'prog.bpf.o')));
    expect(JSON.parse(readFileSync(path.join(directory, 'prog.skel.json'), 'utf8'))).toEqual(meta);
    expect(meta.bpf_skel).toEqual({
      data_sections: [{ name: '.rodata', variables: [{ name: 'target_pid', type: 'int' }] }],
      maps: [{ ident: 'rodata', mmaped: true, name: 'prog_bpf.rodata' }],
      obj_name: 'prog_bpf',
      progs: [{ attach: 'tracepoint/syscalls/sys_enter_kill', link: true, name: 'on_kill' }],
    });
  });

  test('the path of the package is told as the user would type it', async () => {
    const { directory, source } = project();
    const relative = path.join(path.basename(directory), 'prog.bpf.c');
    expect((await ecc([relative, '--no-cache'], { cwd: path.dirname(directory) })).stderr).toContain(
      `into ${path.basename(directory)}/package.json...`,
    );
    expect((await ecc([source, '-o', 'a/b', '--no-cache'], { cwd: directory })).stderr).toContain(
      'into a/b/package.json...',
    );
    expect(readdirSync(path.join(directory, 'a/b')).sort()).toEqual(['package.json', 'prog.bpf.o', 'prog.skel.json']);
  });

  test('the object is stripped of debug information and keeps BTF', async () => {
    const { directory } = project();
    await ecc(['prog.bpf.c'], { cwd: directory });
    const { stdout } = await run('readelf', ['-S', '-W', path.join(directory, 'prog.bpf.o')]);
    expect(stdout).toMatch(/ \.BTF /);
    expect(stdout).toMatch(/ \.BTF\.ext /);
    expect(stdout).not.toMatch(/ \.debug_/);
    const dump = await run('bpftool', ['btf', 'dump', 'file', path.join(directory, 'prog.bpf.o')], {
      env: { PATH: `${process.env.PATH}:/usr/sbin` },
    });
    expect(dump.status).toBe(0);
  });

  test('flags for clang in every spelling', async () => {
    const { directory } = project(`${TINY}\n#if !(A && B && C && D)\n#error flags\n#endif\n`);
    const flags = ['-a', '-DA', '-a=-DB', '-a', '-DC -D"D=1"'];
    expect((await ecc(['prog.bpf.c', ...flags], { cwd: directory })).status).toBe(0);
    expect((await ecc(['prog.bpf.c', '-a', '-DA'], { cwd: directory })).status).toBe(4);
  });

  test('--target-arch sets byte order and macro', async () => {
    const { directory } = project(`${TINY}\n#ifndef __TARGET_ARCH_s390\n#error arch\n#endif\n`);
    const result = await ecc(['prog.bpf.c', '--target-arch', 's390'], { cwd: directory });
    expect(result.stderr).toContain('Packing');
    expect((await run('readelf', ['-h', path.join(directory, 'prog.bpf.o')])).stdout).toMatch(/big endian/);
    const inspected = await ecc(['inspect', 'package', 'package.json'], { cwd: directory });
    expect(JSON.parse(inspected.stdout).build_info.target_arch).toBe('s390');
  });

  test('--object-only writes an object and, if asked, what it depends on', async () => {
    const { directory } = project(`#include "own.h"\n${TINY}`);
    writeFileSync(path.join(directory, 'own.h'), '#define OWN 1\n');
    const result = await ecc(['prog.bpf.c', '--object-only', '--depfile', 'prog.d'], { cwd: directory });
    expect(result).toEqual({ status: 0, stdout: '', stderr: 'Compiling bpf object...\n' });
    expect(readdirSync(directory).sort()).toEqual(['own.h', 'prog.bpf.c', 'prog.bpf.o', 'prog.d']);
    expect(readFileSync(path.join(directory, 'prog.d'), 'utf8')).toBe(
      'prog.bpf.o: \\\n  prog.bpf.c \\\n  own.h\n\nown.h:\n',
    );
  });

  test('several sources have a package each, and one that fails does not stop the others', async () => {
    const { directory } = project();
    writeFileSync(path.join(directory, 'two.bpf.c'), TINY);
    writeFileSync(path.join(directory, 'bad.bpf.c'), 'int x = ;\n');
    const result = await ecc(['prog.bpf.c', 'bad.bpf.c', 'two.bpf.c', '-o', 'out'], { cwd: directory });
    expect(result.status).toBe(4);
    expect(result.stderr).toContain('bad.bpf.c:1:9: error: expected expression');
    const files = readdirSync(path.join(directory, 'out')).filter((name) => name.endsWith('package.json'));
    expect(files.sort()).toEqual(['prog.package.json', 'two.package.json']);
  });
});

describe('export types', () => {
  const header = `struct inner { int a; };\nstruct event { int pid; struct inner in; char comm[16]; };\n`;
  const ring = `struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 4096); } rb SEC(".maps");
SEC("tp/sched/sched_switch") int sw(void *ctx)
{
	struct event *e = bpf_ringbuf_reserve(&rb, sizeof(*e), 0);
	if (!e)
		return 0;
	e->pid = 1;
	bpf_ringbuf_submit(e, 0);
	return 0;
}
char LICENSE[] SEC("license") = "GPL";
`;
  const includes = '#include "vmlinux.h"\n#include <bpf/bpf_helpers.h>\n';

  test('those of the header, the one that the ring buffer carries first', async () => {
    const { directory } = project(`${includes}#include "event.h"\n${ring}`);
    writeFileSync(path.join(directory, 'event.h'), header);
    const result = await ecc(['prog.bpf.c', 'event.h'], { cwd: directory });
    expect(result.stderr.split('\n')).toHaveLength(4);
    const { meta } = await packageOf(path.join(directory, 'package.json'));
    expect(meta.export_types?.map(({ name, size }) => [name, size])).toEqual([
      ['event', 24],
      ['inner', 4],
    ]);
    expect(JSON.stringify(meta)).not.toMatch(/ecc_export|dummy/);
  });

  test('without a header those that the code sends', async () => {
    const { directory } = project(`${includes}${header}${ring}`);
    await ecc(['prog.bpf.c'], { cwd: directory });
    const { meta } = await packageOf(path.join(directory, 'package.json'));
    expect(meta.export_types?.map(({ name }) => name)).toEqual(['event']);
    expect(meta.export_types?.[0]?.members).toEqual([
      { name: 'pid', type: 'int' },
      { name: 'in', type: 'composite' },
      { name: 'comm', type: 'char[16]' },
    ]);
  });

  test('type_id is that of the struct in the final object', async () => {
    const { directory } = project(`${includes}${header}${ring}`);
    await ecc(['prog.bpf.c'], { cwd: directory });
    const { meta } = await packageOf(path.join(directory, 'package.json'));
    const env = { PATH: `${process.env.PATH}:/usr/sbin` };
    const { stdout } = await run('bpftool', ['btf', 'dump', 'file', path.join(directory, 'prog.bpf.o')], { env });
    expect(stdout).toContain(`[${meta.export_types?.[0]?.type_id}] STRUCT 'event' size=24`);
  });

  test('@export wins over the header', async () => {
    const { directory } = project(
      `${includes}#include "event.h"\n/// @export\nstruct mine { int x; };\nstruct mine global;\n${ring}`,
    );
    writeFileSync(path.join(directory, 'event.h'), header);
    await ecc(['prog.bpf.c', 'event.h'], { cwd: directory });
    const { meta } = await packageOf(path.join(directory, 'package.json'));
    expect(meta.export_types?.map(({ name }) => name)).toEqual(['event', 'mine']);
  });

  test('a header that the source does not include is an error', async () => {
    const { directory } = project();
    writeFileSync(path.join(directory, 'event.h'), header);
    const { status, stderr } = await ecc(['prog.bpf.c', 'event.h'], { cwd: directory });
    expect(status).toBe(2);
    expect(stderr).toContain('error[USAGE_HEADER_NOT_INCLUDED]: prog.bpf.c: the source does not include event.h');
    expect(existsSync(path.join(directory, 'package.json'))).toBe(false);
  });
});

describe('kernel types', () => {
  test("the user's own vmlinux.h wins", async () => {
    const { directory } = project(
      '#include "vmlinux.h"\n#include <bpf/bpf_helpers.h>\nint own = MINE;\nchar LICENSE[] SEC("license") = "GPL";\n',
    );
    const types =
      'typedef unsigned char __u8; typedef unsigned short __u16; typedef unsigned int __u32; typedef unsigned long long __u64; typedef int __s32; typedef long long __s64; typedef __u16 __be16; typedef __u32 __be32; typedef __u32 __wsum;';
    writeFileSync(
      path.join(directory, 'vmlinux.h'),
      `#ifndef __VMLINUX_H__\n#define __VMLINUX_H__\n${types}\n#define MINE 0\n#endif\n`,
    );
    expect(await ecc(['prog.bpf.c'], { cwd: directory })).toMatchObject({ status: 0 });
    const { stdout } = await ecc(['inspect', 'package', 'package.json'], { cwd: directory });
    expect(JSON.parse(stdout).build_info.kernel_headers).toBe('own');
    mkdirSync(path.join(directory, 'sub'));
    writeFileSync(path.join(directory, 'sub/prog.bpf.c'), readFileSync(path.join(directory, 'prog.bpf.c')));
    expect((await ecc(['sub/prog.bpf.c'], { cwd: directory })).status, 'not found from there').toBe(4);
    expect((await ecc(['sub/prog.bpf.c', '-a', '-I.'], { cwd: directory })).status).toBe(0);
    expect((await ecc(['sub/prog.bpf.c', '--vmlinux', 'vmlinux.h'], { cwd: directory })).status).toBe(0);
  });

  test("the user's own vmlinux.h that adds something to ours", async () => {
    const { directory } = project();
    writeFileSync(
      path.join(directory, 'vmlinux.h'),
      '#include <vmlinux.h>\nstruct more { struct list_head links; };\n',
    );
    expect(await ecc(['prog.bpf.c'], { cwd: directory })).toMatchObject({ status: 0 });
    const { stdout } = await ecc(['inspect', 'package', 'package.json'], { cwd: directory });
    expect(JSON.parse(stdout).build_info.kernel_headers).not.toBe('own');
  });

  test('a version, a file, and one that is not there', async () => {
    const { directory } = project();
    const header = await ecc(['vmlinux', '--for', 'prog.bpf.c'], { cwd: directory });
    expect(header.stdout).toContain('struct trace_event_raw_sys_enter {');
    expect(header.stdout).not.toContain('struct task_struct {');
    writeFileSync(path.join(directory, 'given.h'), header.stdout);
    expect((await ecc(['prog.bpf.c', '--vmlinux', 'given.h'], { cwd: directory })).stderr).toContain('Packing');
    expect((await ecc(['prog.bpf.c', '--vmlinux', '6.18'], { cwd: directory })).stderr).toContain('Packing');
    const wrong = await ecc(['prog.bpf.c', '--vmlinux', '2.4'], { cwd: directory });
    expect(wrong.status).toBe(2);
    expect(wrong.stderr).toContain('6.18');
    const header2 = await ecc(['prog.bpf.c', '--vmlinux', 'none.h'], { cwd: directory });
    expect(header2).toMatchObject({ status: 2, stderr: expect.stringContaining('none.h: no such file') });
  });

  test.each(['usb_device', 'drm_device', 'ieee80211_hw', 'scsi_device', 'snd_pcm', 'i915_request'])(
    'struct %s of a module',
    async (name) => {
      const { directory } = project(
        `#include "vmlinux.h"\n#include <bpf/bpf_helpers.h>\nint size(struct ${name} *x) { return sizeof(*x); }\nchar LICENSE[] SEC("license") = "GPL";\n`,
      );
      expect(await ecc(['prog.bpf.c', '--target-arch', 'x86'], { cwd: directory })).toMatchObject({ status: 0 });
    },
  );
});

describe('the same bytes', () => {
  test.each(['clang', 'clang-16', 'clang-19'])(
    'in another directory, under another name of it, with another environment: %s',
    async (clang, context) => {
      if ((await run(clang, ['--version'])).status !== 0)
        return (context as unknown as { skip(note: string): void }).skip(`${clang} is not installed`);
      const text = `#include "sub/event.h"\n${TINY.replace('#include "vmlinux.h"', '')}`;
      const build = async (args: string[], cwd: string, env: Record<string, string>) => {
        const out = testDirectory();
        const result = await ecc([...args, '-o', out, '--ts', '-c', clang, '--no-cache'], { cwd, env });
        expect(result).toMatchObject({ status: 0 });
        return Object.fromEntries(readdirSync(out).map((name) => [name, readFileSync(path.join(out, name))]));
      };
      const one = project(text);
      const two = project(text, 'prog.bpf.c');
      for (const { directory } of [one, two]) {
        mkdirSync(path.join(directory, 'sub'));
        writeFileSync(path.join(directory, 'sub/event.h'), '#include "vmlinux.h"\n#include <inc.h>\n');
        mkdirSync(path.join(directory, 'inc'));
        writeFileSync(
          path.join(directory, 'inc/inc.h'),
          'struct in_inc { int a; };\nstatic inline int in_inc(int a) { return a * 3; }\n',
        );
      }
      const first = await build(['prog.bpf.c', '-a', '-Iinc'], one.directory, { TZ: 'UTC' });
      const second = await build([two.source, '-a', `-I${two.directory}/inc`], '/', {
        TZ: 'Asia/Tokyo',
        LANG: 'de_DE.UTF-8',
        HOME: '/nonexistent',
        TMPDIR: testDirectory(),
        ECC_CACHE_DIR: testDirectory(),
      });
      expect(Object.keys(first).sort()).toEqual(['package.json', 'prog.bpf.o', 'prog.bpf.ts', 'prog.skel.json']);
      for (const [name, bytes] of Object.entries(first)) {
        // the flags are recorded as given, and these differ
        if (name === 'package.json') continue;
        expect(second[name]?.equals(bytes), name).toBe(true);
      }
      const again = await build(['prog.bpf.c', '-a', '-Iinc'], two.directory, {});
      expect(again['package.json']?.equals(first['package.json']!)).toBe(true);
      const object = first['prog.bpf.o']!.toString('latin1');
      expect(object).toContain('\tint pid = bpf_get_current_pid_tgid() >> 32;');
      expect(object).toContain('./prog.bpf.c');
      for (const trace of [one.directory, '/tmp', process.cwd(), 'ecc-test'])
        expect(object.includes(trace), trace).toBe(false);
    },
  );
});

test('the bundle runs through a link, as npm installs it', async () => {
  const directory = testDirectory();
  const { status, stdout } = await run('sh', ['-c', `ln -s ${ECC} ${directory}/ecc && ${directory}/ecc --version`]);
  expect(status).toBe(0);
  expect(stdout).toMatch(/^ecc \d+\.\d+\.\d+\n$/);
});
