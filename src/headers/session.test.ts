/** Programs for which the first header is wrong, each compiled for real until the session is content. */
import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { requireTool } from '../../test/support/require.ts';
import { testDirectory } from '../../test/support/temporary.ts';
import { installedClangs } from '../../test/support/tools.ts';
import { resolveAccess } from '../btf/core-access.ts';
import { coreRelocKindName, parseBtfExt } from '../btf/ext.ts';
import { Kind } from '../btf/kinds.ts';
import { type Btf, parseBtf } from '../btf/table.ts';
import { parseElf } from '../elf/elf.ts';
import { readKernelBtf } from './data.ts';
import { scanSource } from './scan/scan-source.ts';
import { HeaderSession } from './session.ts';

const SYSTEM = ['/usr/include', '/usr/include/x86_64-linux-gnu'];
const TEMPLATES = path.resolve('templates/include');
const START =
  '#include "vmlinux.h"\n#include <bpf/bpf_helpers.h>\n#include <bpf/bpf_core_read.h>\n#include <bpf/bpf_tracing.h>\n';

let kernel: Btf;
let older: Btf;

beforeAll(async () => {
  [kernel, older] = await Promise.all([readKernelBtf('x86', '6.18'), readKernelBtf('x86', '5.10')]);
});

interface Outcome {
  readonly status: number | null;
  /** How often clang ran. */
  readonly compiles: number;
  readonly isFull: boolean;
  readonly header: string;
  readonly stderr: string;
  /** CO-RE relocations as `kind type.member`. */
  readonly relocations: readonly string[];
}

/** What a pipeline does with a session. */
async function build(
  clang: string,
  program: string,
  extra: { before?: string; withOlder?: boolean } = {},
): Promise<Outcome> {
  const directory = testDirectory();
  const source = path.join(directory, 'prog.bpf.c');
  const object = path.join(directory, 'prog.o');
  const text = `${extra.before ?? ''}${START}${program}\nchar LICENSE[] SEC("license") = "GPL";\n`;
  writeFileSync(source, text);
  const scan = scanSource({
    source,
    text,
    includePaths: [TEMPLATES, ...SYSTEM].map((directory) => ({ path: directory, system: true })),
  });
  const session = new HeaderSession({
    btf: async () => kernel,
    identifiers: scan.identifiers,
    declaredFunctions: scan.declaredFunctions,
    own: scan.own,
    ...(extra.withOlder ? { older: async () => older } : {}),
  });
  const args = ['-target', 'bpf', '-g', '-O2', '-D__TARGET_ARCH_x86', '-I', TEMPLATES, '-fcolor-diagnostics'];
  for (let compiles = 1; ; compiles++) {
    writeFileSync(path.join(directory, 'vmlinux.h'), await session.header());
    rmSync(object, { force: true });
    const { status, stderr } = spawnSync(clang, [...args, '-c', source, '-o', object], { encoding: 'utf8' });
    const done = { status, compiles, isFull: session.isFull, header: await session.header(), stderr };
    if (status !== 0) {
      if (await session.afterDiagnostics(stderr)) continue;
      return { ...done, relocations: [] };
    }
    const elf = parseElf(readFileSync(object));
    const btf = parseBtf(elf.data(elf.findSection('.BTF')!));
    const ext = parseBtfExt(elf.data(elf.findSection('.BTF.ext')!), btf);
    if (await session.afterObject(btf, ext, stderr)) continue;
    const relocations = [...ext.coreRelocs.values()].flat().map((reloc) => {
      const { root, steps, enumerator } = resolveAccess(btf, reloc);
      const members = steps
        .map((step) => (step.step === 'element' ? `[${step.index}]` : step.name === '' ? '' : `.${step.name}`))
        .join('');
      const declared = btf.kind(root) === Kind.fwd ? ' (only declared)' : '';
      return `${coreRelocKindName(reloc.kind)} ${btf.name(root)}${enumerator === undefined ? members : `.${enumerator}`}${declared}`;
    });
    return { ...done, relocations };
  }
}

const clangs = installedClangs();

describe.each(clangs)('%s', (clang) => {
  test('an ordinary program compiles at once', async (context) => {
    requireTool(context, clang);
    const outcome = await build(
      clang,
      `SEC("tp_btf/sched_switch") int BPF_PROG(p, bool preempt, struct task_struct *prev, struct task_struct *next)
       { return BPF_CORE_READ(next, mm, owner, real_parent, tgid) + prev->pid; }`,
    );
    expect(outcome).toMatchObject({ status: 0, compiles: 1, isFull: false });
    expect(outcome.header.length).toBeLessThan(100_000);
    expect(outcome.relocations).toEqual([
      'byte_off task_struct.mm',
      'byte_off mm_struct.owner',
      'byte_off task_struct.real_parent',
      'byte_off task_struct.tgid',
      'byte_off task_struct.pid',
    ]);
  });

  test('a type whose name is pasted together is not left at a forward declaration', async (context) => {
    requireTool(context, clang);
    const outcome = await build(
      clang,
      `#define JOIN(a, b) a##b
       #define EXISTS(a, b) bpf_core_type_exists(struct JOIN(a, b))
       SEC("kprobe/x") int p(void *ctx) { return EXISTS(netns_, bpf); }`,
    );
    expect(outcome).toMatchObject({ status: 0, compiles: 2, isFull: false, relocations: ['type_exists netns_bpf'] });
  });

  test('enumerators, typedefs and kfuncs with pasted names', async (context) => {
    requireTool(context, clang);
    const outcome = await build(
      clang,
      `#define JOIN(a, b) a##b
       #define P(a, b) JOIN(a, b)
       SEC("fentry/x") int BPF_PROG(p) { P(bpf_rcu_read_, lock)(); P(bpf_rcu_read_, unlock)(); P(kui, d_t) u = {}; return u.val + P(TCP_CLO, SING); }`,
    );
    expect(outcome).toMatchObject({ status: 0, isFull: false });
    expect(outcome.compiles).toBeLessThanOrEqual(3);
    expect(outcome.header).toContain('extern void bpf_rcu_read_lock(void)');
  });

  test('definitions of the program win, also those that a macro makes', async (context) => {
    requireTool(context, clang);
    const outcome = await build(
      clang,
      `#define DEFINE(kind, name) kind name { int mine; }
       DEFINE(struct, line); DEFINE(struct, sample); DEFINE(union, kiocb);
       #define VALUE(x) enum { x = 1 }
       VALUE(TCP_CLOSE);
       #define ALIAS(x) typedef struct line x
       ALIAS(u16);
       SEC("kprobe/x") int p(struct pt_regs *ctx) { struct line l = { 1 }; union kiocb c = { 2 }; u16 u = { 3 };
         return l.mine + c.mine + TCP_CLOSE + u.mine + sizeof(struct sample) + sizeof(struct tcp_sock); }`,
    );
    expect(outcome).toMatchObject({ status: 0, isFull: false });
    expect(outcome.compiles).toBeLessThanOrEqual(5);
  });

  test('definitions in branches that are not compiled do not take the kernel away', async (context) => {
    requireTool(context, clang);
    const outcome = await build(
      clang,
      `#ifdef SOME_OPTION
       struct task_struct { int pid; };
       typedef int kuid_t;
       int bpf_rcu_read_lock(void);
       #endif
       SEC("tp_btf/x") int BPF_PROG(p, struct task_struct *t) { kuid_t u = t->cred->uid; bpf_rcu_read_lock(); return u.val + t->pid; }`,
    );
    expect(outcome).toMatchObject({ status: 0, isFull: false });
    expect(outcome.compiles).toBeLessThanOrEqual(3);
    expect(outcome.header).toContain('extern void bpf_rcu_read_lock(void)');
  });

  test('a macro of the program may have the name of an enumerator', async (context) => {
    requireTool(context, clang);
    const outcome = await build(clang, 'SEC("kprobe/x") int p(void *ctx) { return TCP_ESTABLISHED + TCP_LISTEN; }', {
      before: '#define TCP_ESTABLISHED 100\n',
    });
    expect(outcome).toMatchObject({ status: 0, compiles: 2, isFull: false });
  });

  test('members and types of an older kernel, without a change of size', async (context) => {
    requireTool(context, clang);
    const size = kernel.recordedSize(kernel.find('task_struct', Kind.struct)!);
    const program = `_Static_assert(sizeof(struct task_struct) == ${size}, "");
       SEC("tp_btf/x") int BPF_PROG(p, struct task_struct *t)
       { return BPF_CORE_READ(t, state) + bpf_core_field_exists(t->rss_stat) + bpf_core_type_exists(struct blk_mq_queue_data); }`;
    const outcome = await build(clang, program, { withOlder: true });
    expect(outcome).toMatchObject({ status: 0, isFull: false });
    expect(outcome.relocations).toContain('byte_off task_struct.state');
    expect((await build(clang, program)).status).not.toBe(0);
  });

  test('never in contexts and trace event records', async (context) => {
    requireTool(context, clang);
    const outcome = await build(clang, 'SEC("tp/x") int p(struct __sk_buff *ctx) { return ctx->no_such_member; }', {
      withOlder: true,
    });
    expect(outcome).toMatchObject({ compiles: 1 });
    expect(outcome.status).not.toBe(0);
  });

  test.each([
    ['a syntax error', 'SEC("x") int p(void *ctx) { return 1 }'],
    ['a variable that nobody declared', 'SEC("x") int p(void *ctx) { return undeclared_thing; }'],
    ['a variable with the name of a struct', 'SEC("x") int p(void *ctx) { return file; }'],
    ['a type that is spelled wrong', 'SEC("x") int p(void *ctx) { u46 x = 1; return x; }'],
    ['a member that there is not', 'SEC("x") int BPF_PROG(p, struct task_struct *t) { return t->no_such_member; }'],
    [
      'two definitions of its own',
      'struct mine { int a; }; struct mine { int b; }; SEC("x") int p(void *c) { return 0; }',
    ],
    ['a type of its own that is not complete', 'struct mine; SEC("x") int p(struct mine *m) { return m->x; }'],
  ])('%s is shown at once', async (_what, program) => {
    const outcome = await build(clang, program, { withOlder: true });
    expect(outcome.status).not.toBe(0);
    expect(outcome).toMatchObject({ compiles: 1, isFull: false });
  });
});
