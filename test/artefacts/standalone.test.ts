/**
 * The standalone loader for real: its C through both compilers without a warning, the executable linked, its options, and, as root on
 * this kernel, what it prints of what a workload did.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { type CompiledSource, compile } from '../../src/build/compile.ts';
import { linkStandalone, standaloneSource } from '../../src/build/standalone.ts';
import { run, runOk } from '../support/command.ts';
import { FIXTURES_DIRECTORY } from '../support/fixtures.ts';
import { bpftool, mountFileSystems } from '../support/kernel.ts';
import { takeLoopback } from '../support/loopback.ts';
import { requireKernel, requireRoot, requireTool, type Skippable } from '../support/require.ts';
import { fileDirectory, testDirectory } from '../support/temporary.ts';
import { findTool } from '../support/tools.ts';

const directory = fileDirectory();
const cacheDir = path.join(directory, 'cache');

const STATIC_LIBRARIES = ['libbpf.a', 'libelf.a', 'libz.a'];

function requireStatic(context: Skippable): string {
  const missing = STATIC_LIBRARIES.filter((name) => !existsSync(`/usr/lib/x86_64-linux-gnu/${name}`));
  if (missing.length > 0) context.skip(`static libraries are not installed: ${missing.join(', ')}`);
  return requireTool(context, 'clang');
}

const clangTool = () => ({ name: 'clang', path: findTool('clang')! });

const sources = new Map<string, Promise<{ compiled: CompiledSource; text: string }>>();

/** The C of a source, made once. */
function makeSource(file: string, exportHeader?: string): Promise<{ compiled: CompiledSource; text: string }> {
  let made = sources.get(file);
  if (made === undefined) {
    made = compile(file, { cacheDir, ...(exportHeader === undefined ? {} : { exportHeader }) }).then((compiled) => ({
      compiled,
      text: standaloneSource(compiled),
    }));
    sources.set(file, made);
  }
  return made;
}

const programs = new Map<string, Promise<string>>();

/** The executable of a source, linked once. */
function makeProgram(file: string, exportHeader?: string): Promise<string> {
  let made = programs.get(file);
  if (made === undefined) {
    made = makeSource(file, exportHeader).then(async ({ text, compiled }) => {
      const program = path.join(directory, `${compiled.objName}.out`);
      writeFileSync(program, await linkStandalone(text, { clang: clangTool() }), { mode: 0o755 });
      return program;
    });
    programs.set(file, made);
  }
  return made;
}

const fixture = (name: string, file = `${name}.bpf.c`) => path.join(FIXTURES_DIRECTORY, name, file);
const KINDS = path.join(import.meta.dirname, 'kinds.bpf.c');
const GETPGID = ['perl', '-e', 'getpgrp(424242)'] as const;

/** A source of the test's own. */
function writeSource(name: string, text: string): string {
  const file = path.join(directory, `${name}.bpf.c`);
  writeFileSync(
    file,
    `#include "vmlinux.h"\n#include <bpf/bpf_helpers.h>\n${text}\nchar LICENSE[] SEC("license") = "GPL";\n`,
  );
  return file;
}

interface Run {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Starts a loader, waits until it runs, does the work, ends it with a signal. */
async function whileRunning(
  program: string,
  args: readonly string[],
  work: (loader: ChildProcess) => Promise<unknown>,
  signal: NodeJS.Signals = 'SIGINT',
): Promise<Run> {
  const loader = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  loader.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  const ended = new Promise<number | null>((resolve) => loader.on('close', resolve));
  await new Promise<void>((resolve) => {
    loader.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
      if (stderr.includes('Running eBPF program...')) resolve();
    });
    loader.on('close', () => resolve());
  });
  if (loader.exitCode === null) await work(loader);
  loader.kill(signal);
  return { status: await ended, stdout, stderr };
}

/** Ids of the programs that a process holds, also by links to them. */
function programsOf({ pid }: ChildProcess): number[] {
  const ids = readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
    const id = /^prog_id:\s+(\d+)$/m.exec(readFileSync(`/proc/${pid}/fdinfo/${fd}`, 'utf8'))?.[1];
    return id === undefined ? [] : [Number(id)];
  });
  return [...new Set(ids)];
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const jsonLines = (text: string) =>
  text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));

const COMPILERS = [
  ['gcc', '-std=gnu11', '-O2'],
  ['clang', '-std=gnu11', '-O1'],
  ['clang-19', '-std=gnu17', '-fsyntax-only'],
];

describe('the C source', () => {
  const cases: readonly (readonly [string, string, string?])[] = [
    ['sigsnoop', fixture('sigsnoop')],
    ['kinds', KINDS],
    ['execwatch', fixture('execwatch'), fixture('execwatch', 'execwatch.h')],
    ['globals', fixture('globals')],
    ['openhist', fixture('openhist')],
    ['tcmark', fixture('tcmark')],
    ['profile', fixture('profile'), fixture('profile', 'profile.h')],
  ];
  test.for(cases)('%s compiles without a warning', async ([, file, header]) => {
    const { text, compiled } = await makeSource(file, header);
    const source = path.join(testDirectory(), `${compiled.objName}.c`);
    writeFileSync(source, text);
    for (const [compiler, ...flags] of COMPILERS) {
      if (findTool(compiler!) === undefined) continue;
      const strict = ['-Wall', '-Wextra', '-Werror', '-c', source, '-o', '/dev/null'];
      const { stderr, status } = await run(compiler!, [...flags, ...strict]);
      expect(stderr).toBe('');
      expect(status).toBe(0);
    }
  });

  test('names nothing of the machine or the time', async () => {
    const { text } = await makeSource(fixture('sigsnoop'));
    expect(text).not.toContain(FIXTURES_DIRECTORY);
    expect(text).toBe(standaloneSource((await makeSource(fixture('sigsnoop'))).compiled));
  });
});

describe('doc comments that make no sense', () => {
  const PROGRAM = 'SEC("tp/syscalls/sys_enter_getpgid") int look(void *ctx) { return one + two; }';
  test.for([
    ['clash', '/// @cmdarg {"long": "two"}\nconst volatile int one;\nconst volatile int two;', 'USAGE_OPTION_NAME'],
    ['blank', '/// @cmdarg {"long": "a name"}\nconst volatile int one;\nconst volatile int two;', 'USAGE_OPTION_NAME'],
    [
      'large',
      '/// @cmdarg {"default": 300}\nconst volatile __u8 one;\nconst volatile int two;',
      'USAGE_OPTION_DEFAULT',
    ],
    [
      'signed',
      '/// @cmdarg {"default": -1}\nconst volatile __u32 one;\nconst volatile int two;',
      'USAGE_OPTION_DEFAULT',
    ],
    [
      'slots',
      `const volatile int one;
const volatile int two;
/// @sample {"interval": 100, "type": "log2_hist"}
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 8); __type(key, __u32); __type(value, __u32); } m SEC(".maps");`,
      'USAGE_SAMPLE',
    ],
  ] as const)('%s', async ([name, variables, code]) => {
    const compiled = await compile(writeSource(name, `${variables}\n${PROGRAM}`), { cacheDir });
    expect(() => standaloneSource(compiled)).toThrow(expect.objectContaining({ code, exitCode: 2 }));
  });
});

describe('the executable', () => {
  test('is static, about as large as said, and the same each time', async (context) => {
    requireStatic(context);
    const program = await makeProgram(fixture('sigsnoop'));
    const { stdout } = await runOk(requireTool(context, 'readelf'), ['-lW', program]);
    expect(stdout).not.toMatch(/INTERP|DYNAMIC/);
    const { size } = statSync(program);
    expect(size).toBeGreaterThan(800_000);
    // 1,220,144 with the libraries of Debian 12; those of Debian 13 are larger
    expect(size).toBeLessThan(existsSync('/usr/lib/x86_64-linux-gnu/libzstd.a') ? 2_200_000 : 1_250_000);
    const { text } = await makeSource(fixture('sigsnoop'));
    const again = await linkStandalone(text, { clang: clangTool() });
    expect(again.equals(readFileSync(program))).toBe(true);
    expect(again.includes('/tmp/')).toBe(false);
  });

  test('for another architecture needs a cross toolchain, and says so', async (context) => {
    requireStatic(context);
    if (existsSync('/usr/lib/s390x-linux-gnu/libc.a')) context.skip('there is a cross toolchain');
    const { text } = await makeSource(fixture('sigsnoop'));
    await expect(linkStandalone(text, { clang: clangTool(), arch: 's390' })).rejects.toThrow(
      expect.objectContaining({
        code: 'TOOL_LIBRARY_MISSING',
        exitCode: 3,
        message: expect.stringMatching(/for s390 needs a cross toolchain for s390x-linux-gnu; missing: libbpf\.a/),
      }),
    );
  });

  test('without a static library says which package is missing', async (context) => {
    requireStatic(context);
    // a clang that finds everything but libelf
    const clang = path.join(testDirectory(), 'clang');
    const script = `#!/bin/sh\ncase "$*" in\n*-print-file-name=libelf.a*) echo libelf.a ;;\n*-print-file-name*) exec ${findTool('clang')} "$@" ;;\n*) exit 1 ;;\nesac\n`;
    writeFileSync(clang, script, { mode: 0o755 });
    await expect(
      linkStandalone('int main(void) { return 0; }', { clang: { name: 'clang', path: clang } }),
    ).rejects.toThrow(expect.objectContaining({ code: 'TOOL_LIBRARY_MISSING', hint: 'apt install libelf-dev' }));
  });
});

describe('the command line', () => {
  let program: string;
  beforeAll(async () => {
    if (STATIC_LIBRARIES.every((name) => existsSync(`/usr/lib/x86_64-linux-gnu/${name}`)))
      program = await makeProgram(KINDS);
  });

  test('--help has an option for each variable that can be set', async (context) => {
    requireStatic(context);
    const { status, stdout, stderr } = await run(program, ['--help']);
    expect(status).toBe(0);
    expect(stderr).toBe('');
    expect(stdout).toMatchSnapshot();
    expect((await run(program, ['-h'])).stdout).toBe(stdout);
  });

  test('--help shows what the doc comments say of the program', async (context) => {
    requireStatic(context);
    const { stdout } = await run(await makeProgram(DOCUMENTED()), ['--help']);
    expect(stdout).toMatch(/^Usage: documented \[OPTIONS\]\n\nCounts sheep\.\n\n/);
    expect(stdout).toMatch(/\nThe sheep are counted twice\.\n$/);
    expect((await run(await makeProgram(DOCUMENTED()), ['--version'])).stdout).toBe('documented 2.5\n');
  });

  test.for([
    [['--an_u8', '256'], '--an_u8 256: out of range, 0 to 255 is possible'],
    [['--an_u8=-1'], '--an_u8 -1: out of range, 0 to 255 is possible'],
    [['--an-s8', '128'], '--an_s8 128: out of range, -128 to 127 is possible'],
    [['--an_s64=-9223372036854775809'], 'out of range, -9223372036854775808 to 9223372036854775807 is possible'],
    [['--an_u64', '18446744073709551616'], 'out of range, 0 to 18446744073709551615 is possible'],
    [['-n', 'many'], '--number many: a number is expected'],
    [['-n', '1x'], 'a number is expected'],
    [['-n', ''], 'a number is expected'],
    [['-n', '0x'], 'a number is expected'],
    [['-n'], '-n: a value is expected'],
    [['--letter', 'xy'], 'a number is expected'],
    [['--flag=perhaps'], '--flag=perhaps: true or false is expected'],
    [['--no-letter'], 'unknown option --no-letter'],
    [['--no-flag=1'], '--no-flag takes no value'],
    [['--colour', 'BLUE'], '--colour BLUE: one of RED, GREEN, NEGATIVE is expected, or a number'],
    [['--name', 'twelve bytes'], '--name twelve bytes: 12 bytes, but there is room for 11'],
    [['--origin', '1'], 'unknown option --origin'],
    [['--fixed', '1'], 'unknown option --fixed'],
    [['--counter', '1'], 'unknown option --counter'],
    [['-x'], 'unknown option -x'],
    [['--json=yes'], '--json takes no value'],
    [['--btf'], '--btf: a value is expected'],
    [['--btf', '/nonexistent'], '--btf /nonexistent: No such file or directory'],
    [['--attach', 'on_tick'], '--attach on_tick: PROG=TARGET is expected'],
    [['stray'], 'stray: no such argument is known'],
  ] as [string[], string][])('%j is refused before anything is loaded', async ([args, message], context) => {
    requireStatic(context);
    const { status, stdout, stderr } = await run(program, args);
    expect(stderr).toContain(message);
    expect(stderr.trimEnd().split('\n')).toHaveLength(2);
    expect(stdout).toBe('');
    expect(status).toBe(2);
  });
});

const DOCUMENTED = () =>
  writeSource(
    'documented',
    `#define WHAT "sheep"
SEC("tp/syscalls/sys_enter_getpgid") int count(void *ctx) { return 0; }
/// @brief Counts sheep.
/// @details The sheep are counted
/// twice.
/// @version 2.5
`,
  );

describe('events', () => {
  test('of every kind of member, as JSON', async (context) => {
    requireStatic(context);
    await requireKernel(context);
    const args = [
      '-j',
      '-n7',
      '--disable-flag',
      '--letter=q',
      '--an-s8',
      '-128',
      '--an-u8',
      '0xff',
      '--an_s16=-1',
      '--an_u16',
      '65535',
    ];
    args.push(
      '--an_u32',
      '4000000000',
      '--an_s64',
      '-9223372036854775808',
      '--an_u64',
      '18446744073709551615',
      '--colour',
      'RED',
    );
    args.push('--name', 'é öü', '--start', '5', '--set-verbose', '0');
    const { status, stdout, stderr } = await whileRunning(await makeProgram(KINDS), args, async () => {
      await runOk(...command(GETPGID));
      await pause(300);
    });
    expect(stderr).toBe('Running eBPF program...\n');
    expect(status).toBe(0);
    const lines = stdout.trim().split('\n');
    const records = lines.filter((line) => line.startsWith('{"map":"records"'));
    expect(records).toEqual([
      '{"map":"records","event":{"u8":255,"s8":-128,"u16":65535,"s16":-32768,"u32":4294967295,"s32":-2147483648,' +
        '"u64":18446744073709551615,"s64":-9223372036854775808,"yes":true,"no":false,"letter":65,"colour":"GREEN","unnamed":77,' +
        '"pointer":18446612682070036480,"text":"a\\"b\\\\c\\u000a","full":"full","hostile":"\\u001b[2J\uFFFDé\\u009b","octets":[1,0,200],' +
        '"grid":[[0,2],[3,0]],"point":{"x":-1,"y":1},"path":[{"x":0,"y":0},{"x":5,"y":0}],"word":16909060,"bytes":[4,3,2,1],' +
        '"choice":{"as_word":128,"as_byte":-128},"low":5,"middle":4097,"signed_bits":-9,"high":8589934591,' +
        '"huge":"1267650600228229401496703205383","tail":"the tail"}}',
    ]);
    expect(jsonLines(records[0]!)[0].event.text).toBe('a"b\\c\n');
    expect(lines.filter((line) => line.startsWith('{"map":"options"'))).toEqual([
      '{"map":"options","event":{"flag":false,"letter":113,"s8":-128,"u8":255,"s16":-1,"u16":65535,"s32":7,"u32":4000000000,' +
        '"s64":-9223372036854775808,"u64":18446744073709551615,"colour":"RED","name":"é öü","counter":13}}',
    ]);
    // per CPU: the sum over the CPUs is what was counted
    const counts = jsonLines(stdout).filter(({ map }) => map === 'counts');
    expect(counts[0].key).toEqual({ id: 9, word: 'nine' });
    expect(counts[0].value.reduce((sum: number, value: number) => sum + value)).toBe(1);
    expect(jsonLines(stdout).filter(({ map }) => map === 'sizes')).toEqual([
      { map: 'sizes', key: 4, value: { slots: [1, 0, 0, 4, 0, 0, 0, 0], total: 5 } },
    ]);
  });

  test('as a table that hostile text cannot break, defaults as documented, histograms', async (context) => {
    requireStatic(context);
    await requireKernel(context);
    const { stdout } = await whileRunning(await makeProgram(KINDS), [], async () => {
      await runOk(...command(GETPGID));
      await pause(300);
    });
    const lines = stdout.split('\n');
    const clock = /\d\d:\d\d:\d\d/g;
    const row = (heading: string) => {
      const at = lines.findIndex((line) => line.startsWith(`TIME     ${heading}`));
      return [lines[at], lines[at + 1]?.replace(clock, 'HH:MM:SS')];
    };
    expect(row('U8')[1]).toMatch(/^HH:MM:SS 255 {2}-128 65535 {2}-32768 4294967295 /);
    expect(row('U8')[1]).toContain('0xffff888000001000 a"b\\c\\x0a full \\x1b[2J\uFFFDé\\x9b');
    expect(row('FLAG')).toEqual([
      'TIME     FLAG  LETTER S8   U8   S16    U16    S32      U32      S64            U64            COLOUR   NAME        COUNTER',
      'HH:MM:SS true  120    -8   8    -16    16     -320     32       -64            64             GREEN    nobody      111',
    ]);
    expect(row('ID')[0]).toBe('TIME     ID       WORD CPU    VALUE');
    expect(stdout).toContain(`key = 4
total = 5
     usecs               : count    distribution
         0 -> 1          : 1        |**********                              |
         2 -> 3          : 0        |                                        |
         4 -> 7          : 0        |                                        |
         8 -> 15         : 4        |****************************************|

`);
    expect(stdout.match(/key = 4\n/g)).toHaveLength(1);
    expect(stdout).toContain(`key = 0
     apples              : count    distribution
     0                   : 0        |                                        |
     1                   : 1        |********************                    |
     2                   : 2        |****************************************|

`);
    // not cleared: printed at each interval
    expect(stdout.match(/apples/g)!.length).toBeGreaterThan(1);
  });

  test('under the sanitizers', async (context) => {
    requireStatic(context);
    await requireKernel(context);
    const gcc = requireTool(context, 'gcc');
    const { text } = await makeSource(KINDS);
    const scratch = testDirectory();
    writeFileSync(path.join(scratch, 'kinds.c'), text);
    const flags = ['-std=gnu11', '-g', '-fsanitize=address,undefined', '-fno-sanitize-recover=all'];
    const built = await run(gcc, [...flags, path.join(scratch, 'kinds.c'), '-lbpf', '-o', path.join(scratch, 'kinds')]);
    if (/cannot find .*(asan|ubsan)/.test(built.stderr)) context.skip('gcc has no sanitizers here');
    expect(built.stderr).toBe('');
    for (const args of [
      ['-j', '--name', 'n', '--colour=77'],
      ['--letter', 'z', '--start=4294967295'],
    ]) {
      const { status, stderr } = await whileRunning(path.join(scratch, 'kinds'), args, async () => {
        for (let i = 0; i < 20; i++) await runOk(...command(GETPGID));
        await pause(300);
      });
      expect(stderr).toBe('Running eBPF program...\n');
      expect(status).toBe(0);
    }
    expect((await run(path.join(scratch, 'kinds'), ['--help'])).status).toBe(0);
  });

  test('of a program with a header: what the workload did', async (context) => {
    requireStatic(context);
    await requireKernel(context);
    const program = await makeProgram(fixture('execwatch'), fixture('execwatch', 'execwatch.h'));
    const { stdout } = await whileRunning(program, ['--json'], async () => {
      await run('/bin/sh', ['-c', 'exit 3']);
      await pause(300);
    });
    const events = jsonLines(stdout).filter(({ ppid }) => ppid === process.pid);
    expect(events).toContainEqual(
      expect.objectContaining({ exit_event: false, comm: 'sh', filename: '/bin/sh', exit_code: 0, duration_ns: 0 }),
    );
    expect(events).toContainEqual(
      expect.objectContaining({ exit_event: true, comm: 'sh', filename: '', exit_code: 3 }),
    );
  });

  test('nobody reads any more: it ends', async (context) => {
    requireStatic(context);
    await requireKernel(context);
    const program = await makeProgram(fixture('execwatch'), fixture('execwatch', 'execwatch.h'));
    const loader = run('bash', ['-c', `set -o pipefail; "$1" -j | head -1; exit \${PIPESTATUS[0]}`, 'bash', program], {
      timeoutMs: 20_000,
    });
    let done = false;
    loader.then(() => {
      done = true;
    });
    while (!done) {
      await runOk('true', []);
      await pause(50);
    }
    const { status, stdout } = await loader;
    expect(jsonLines(stdout)).toHaveLength(1);
    expect(status).toBe(0);
  });
});

describe('--trace', () => {
  test.for([false, true])('prints the lines of the trace pipe (JSON: %s)', async (json, context) => {
    requireStatic(context);
    await requireKernel(context);
    await mountFileSystems();
    const program = await makeProgram(fixture('sigsnoop'));
    let pid = 0;
    const { status, stdout } = await whileRunning(program, ['--trace', ...(json ? ['-j'] : [])], async () => {
      const { stdout: text } = await runOk('sh', ['-c', 'echo $$; kill -0 $$']);
      pid = Number(text);
      await pause(300);
    });
    expect(status).toBe(0);
    const text = json
      ? jsonLines(stdout)
          .map(({ trace }) => trace)
          .join('\n')
      : stdout;
    expect(text).toMatch(new RegExp(`sh-${pid} .*: bpf_trace_printk: PID ${pid} \\(sh\\) sent signal 0 $`, 'm'));
    expect(text).toMatch(new RegExp(`: bpf_trace_printk: to PID ${pid}, ret = 0$`, 'm'));
  });
});

describe('when the kernel says no', () => {
  /** One line on standard error. */
  const refusal = async (status: number, result: Promise<{ status: number; stdout: string; stderr: string }>) => {
    const { status: got, stdout, stderr } = await result;
    expect(stdout).toBe('');
    expect(stderr.trimEnd().split('\n'), stderr).toHaveLength(1);
    expect(got).toBe(status);
    return stderr;
  };

  test('not root', async (context) => {
    requireStatic(context);
    await requireKernel(context);
    const program = await makeProgram(fixture('sigsnoop'));
    await runOk('chmod', ['755', directory]);
    const setpriv = requireTool(context, 'setpriv');
    const args = ['--reuid=65534', '--regid=65534', '--clear-groups', '--inh-caps=-all', '--bounding-set=-all'];
    const said = await refusal(7, run(setpriv, [...args, program]));
    expect(said).toBe(
      'sigsnoop: the program cannot be loaded: not permitted: run it as root, or with CAP_BPF and CAP_PERFMON\n',
    );
  });

  test('a kernel without BTF; and its BTF from a file', async (context) => {
    requireStatic(context);
    await requireKernel(context);
    const unshare = requireTool(context, 'unshare');
    const program = await makeProgram(fixture('execwatch'), fixture('execwatch', 'execwatch.h'));
    const btf = path.join(testDirectory(), 'vmlinux.btf');
    writeFileSync(btf, readFileSync('/sys/kernel/btf/vmlinux'));
    const without = (...args: string[]) =>
      run(unshare, ['-m', 'sh', '-c', 'mount -t tmpfs none /sys/kernel/btf && exec "$@"', 'sh', ...args]);
    const said = await refusal(6, without(program));
    expect(said).toContain('this kernel has no BTF (/sys/kernel/btf/vmlinux); give its BTF with --btf FILE');
    const given = await without('timeout', '-s', 'INT', '--preserve-status', '2', program, '-j', '--btf', btf);
    expect(given.stderr).toBe('Running eBPF program...\n');
    expect(given.status).toBe(0);
    const junk = path.join(testDirectory(), 'junk.btf');
    writeFileSync(junk, 'junk');
    expect(await refusal(7, without(program, '--btf', junk))).toMatch(/: the program cannot be loaded: failed to /);
  });

  test('the verifier', async (context) => {
    requireStatic(context);
    await requireKernel(context);
    const source = writeSource(
      'refused',
      `struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 8); __type(key, __u32); __type(value, __u32); } m SEC(".maps");
SEC("tp/syscalls/sys_enter_getpgid") int careless(void *ctx) { __u32 key = 1, *value = bpf_map_lookup_elem(&m, &key); return *value; }`,
    );
    const program = await makeProgram(source);
    const said = await refusal(7, run(program, []));
    expect(said).toMatch(
      /^refused: the verifier refused careless: R\d invalid mem access 'map_value_or_null' \(--verbose prints its whole log\)$/m,
    );
    const verbose = await run(program, ['--verbose']);
    expect(verbose.stderr).toContain('BEGIN PROG LOAD LOG');
    expect(verbose.status).toBe(7);
  });

  test('what the program is to be attached to is not there', async (context) => {
    requireStatic(context);
    await requireKernel(context);
    const source = writeSource('nowhere', 'SEC("tp/syscalls/sys_enter_nonsense") int lost(void *ctx) { return 0; }');
    const said = await refusal(7, run(await makeProgram(source), []));
    expect(said).toMatch(
      /^nowhere: lost cannot be attached \(tp\/syscalls\/sys_enter_nonsense\): .*No such file or directory/,
    );
  });
});

test('a program that is faster than its reader is ended all the same', async (context) => {
  requireStatic(context);
  await requireKernel(context);
  // each line that is written makes another event
  const program = await makeProgram(fixture('dynevents'));
  const started = Date.now();
  const { status, stdout } = await whileRunning(program, ['-j'], async () => {
    await runOk('sh', ['-c', 'echo go']);
    await pause(300);
  });
  expect(status).toBe(0);
  expect(Date.now() - started).toBeLessThan(15_000);
  expect(stdout.length).toBeGreaterThan(0);
});

test('a cgroup program without a cgroup of version 2 says so', async (context) => {
  requireStatic(context);
  await requireKernel(context);
  const { status, stderr } = await run(await makeProgram(fixture('cgegress')), ['--cgroup', '/tmp']);
  expect(stderr).toMatch(/^cgegress: \w+ needs a cgroup of version 2, and \/tmp is none; give one with --cgroup DIR$/m);
  expect(status).toBe(7);
});

describe('--attach', () => {
  const TARGETS = `struct event { __u32 which; };
struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 1 << 20); } rb SEC(".maps");
static __attribute__((noinline)) int say(__u32 which)
{
	struct event *event = bpf_ringbuf_reserve(&rb, sizeof(*event), 0);
	if (event) {
		event->which = which;
		bpf_ringbuf_submit(event, 0);
	}
	return 0;
}
SEC("uprobe") int on_user(void *ctx) { return say(1); }
SEC("uretprobe") int on_return(void *ctx) { return say(2); }
SEC("tp") int on_event(void *ctx) { return say(3); }
SEC("raw_tp") int on_raw(void *ctx) { return say(4); }
SEC("perf_event") int on_tick(void *ctx) { return say(5); }
SEC("tp/syscalls/sys_enter_getpgid") int left_out(void *ctx) { return say(6); }
SEC("uprobe") int nowhere(void *ctx) { return say(7); }`;
  const program = () => makeProgram(writeSource('targets', TARGETS));

  test('each kind of program where it is said to go', async (context) => {
    requireStatic(context);
    await requireKernel(context);
    const gcc = requireTool(context, 'gcc');
    const app = path.join(testDirectory(), 'app');
    const source = 'int work(int n) { return n + 1; } int main(int argc, char **argv) { return work(argc) == 77; }';
    await runOk(gcc, ['-O0', '-x', 'c', '-', '-o', app], { input: source });
    const targets = [
      `on_user=${app}:work`,
      `on_return=${app}:work`,
      'on_event=syscalls/sys_enter_getpgid',
      'on_raw=sched_process_exit',
      'on_tick=cpu-clock@100',
      'left_out=none',
    ];
    const args = ['-j', ...targets.flatMap((target) => ['--attach', target])];
    const { status, stdout, stderr } = await whileRunning(await program(), args, async () => {
      await runOk(app, []);
      await runOk(...command(GETPGID));
      await pause(300);
    });
    const seen = jsonLines(stdout).map(({ which }) => which);
    expect([1, 2, 3, 4, 5, 6, 7].filter((which) => seen.includes(which))).toEqual([1, 2, 3, 4, 5]);
    expect(seen.filter((which) => which === 1)).toHaveLength(1);
    // 100 Hz on each CPU for a third of a second, and not the one tick that there is without
    expect(seen.filter((which) => which === 5).length).toBeGreaterThan(5);
    expect(stderr).toBe(
      'targets: nowhere is not attached: section uprobe does not say to what; say it with --attach nowhere=TARGET\nRunning eBPF program...\n',
    );
    expect(status).toBe(0);
  });

  test('static probes of a program', async (context) => {
    requireStatic(context);
    await requireKernel(context);
    const gcc = requireTool(context, 'gcc');
    const app = path.join(testDirectory(), 'app');
    await runOk(gcc, [fixture('usdtapp', 'app.c'), '-o', app]);
    const loader = await makeProgram(fixture('usdtapp'));
    const args = ['on_request=app:request', 'on_response=app:response'].flatMap((target) => [
      '--attach',
      target.replace('=', `=${app}:`),
    ]);
    const { status, stdout } = await whileRunning(loader, ['-j', ...args], async () => {
      await run(app, ['/index.html']);
      await pause(300);
    });
    expect(jsonLines(stdout)).toContainEqual(expect.objectContaining({ id: 1, status: 200, path: '/index.html' }));
    expect(status).toBe(0);
    const wrong = await run(loader, ['--attach', `on_request=${app}:request`]);
    expect(wrong.stderr).toContain('PATH:PROVIDER:NAME is expected');
    expect(wrong.status).toBe(2);
  });

  test.for([
    ['nobody=/bin/sh:main', 'there is no program nobody'],
    ['on_user=/bin/sh', 'PATH:FUNCTION is expected'],
    ['on_user=/bin/sh:main,pid=x', 'a process number after pid= is expected'],
    ['on_user=/bin/sh:main+x', 'a number after + is expected'],
    ['on_event=nothing', 'CATEGORY/NAME is expected'],
    ['on_tick=sundial', 'cpu-cycles, cpu-clock or another event of perf(1) is expected'],
    ['on_tick=cpu-clock@0', 'a frequency in Hz after @ is expected'],
  ])('%s is refused', async ([target, message], context) => {
    requireStatic(context);
    await requireKernel(context);
    const { status, stderr } = await run(await program(), ['--attach', target!]);
    expect(stderr.split('\n').at(-3)).toBe(`targets: --attach ${target}: ${message}`);
    expect(status).toBe(2);
  });

  test('network interfaces by name', async (context) => {
    requireStatic(context);
    await requireKernel(context);
    await takeLoopback();
    const xdp = await makeProgram(fixture('xdpcount'));
    const name = /int (\w+)\(struct xdp_md/.exec(readFileSync(fixture('xdpcount'), 'utf8'))?.[1];
    let during = '';
    const { status, stderr } = await whileRunning(xdp, ['--attach', `${name}=lo`], async () => {
      during = (await bpftool('net', 'list', 'dev', 'lo')).stdout;
    });
    expect(status, stderr).toBe(0);
    expect(during).toMatch(/xdp:\n(lo\(1\)).*id \d+/);
    const wrong = await run(xdp, ['--attach', `${name}=nonesuch0`]);
    expect(wrong.stderr).toContain(`--attach ${name}=nonesuch0: a network interface is expected`);
    expect(wrong.status).toBe(2);
  });
});

test('stacks: whose they are, frames of the kernel by name', async (context) => {
  requireStatic(context);
  await requireKernel(context);
  const program = await makeProgram(fixture('profile'), fixture('profile', 'profile.h'));
  const { status, stdout } = await whileRunning(program, ['--attach', 'on_tick=cpu-clock@100'], async () => {
    await runOk(
      'cat',
      Array.from({ length: 6 }, () => '/proc/kallsyms'),
    );
  });
  expect(status).toBe(0);
  const sample = stdout.split('\n\n').find((text) => /^COMM: cat /.test(text) && text.includes('seq_read')) ?? stdout;
  expect(sample).toMatch(/^COMM: cat \(pid=\d+\) @ CPU \d+\nKernel:\n {2}0 \[<[0-9a-f]{16}>\] \w+/);
  // what /proc/kallsyms itself says of each frame
  const [, address, name, offset] = /\[<([0-9a-f]{16})>\] (seq_read\w*)\+0x([0-9a-f]+)/.exec(sample)!;
  const start = (BigInt(`0x${address}`) - BigInt(`0x${offset}`)).toString(16).padStart(16, '0');
  expect(readFileSync('/proc/kallsyms', 'utf8')).toMatch(new RegExp(`^${start} [tT] ${name}$`, 'm'));
  expect(sample).toMatch(/\nUserspace:\n {2}0 \[<[0-9a-f]{16}>\]$/m);
  const json = await whileRunning(program, ['--json', '--attach', 'on_tick=cpu-clock@100'], () => pause(200));
  expect(jsonLines(json.stdout)[0].kstack).toHaveLength(64);
});

test('a kernel without the types that are needed', async (context) => {
  requireStatic(context);
  await requireKernel(context);
  const source = writeSource(
    'strange',
    `struct task_struct___strange { int no_such_member; } __attribute__((preserve_access_index));
SEC("tp/syscalls/sys_enter_getpgid") int look(void *ctx)
{
	struct task_struct___strange *task = (void *)bpf_get_current_task();
	int value;
	bpf_probe_read_kernel(&value, sizeof(value), &task->no_such_member);
	return value;
}`,
  );
  const { status, stderr } = await run(await makeProgram(source), []);
  expect(stderr).toMatch(
    /^strange: look needs what this kernel does not have: .*task_struct___strange\.no_such_member/,
  );
  expect(status).toBe(6);
});

describe('the end', () => {
  test.for(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('%s leaves nothing behind', async (signal, context) => {
    requireStatic(context);
    await requireKernel(context);
    const program = await makeProgram(fixture('sigsnoop'));
    let running: number[] = [];
    const { status } = await whileRunning(
      program,
      [],
      async (loader) => {
        running = programsOf(loader);
      },
      signal,
    );
    expect(status).toBe(0);
    expect(running.length).toBe(2);
    const listed = JSON.parse((await bpftool('-j', 'prog', 'list')).stdout) as { id: number }[];
    expect(listed.filter(({ id }) => running.includes(id))).toEqual([]);
  });

  test('programs on a network interface are taken off', async (context) => {
    requireStatic(context);
    await requireKernel(context);
    requireRoot(context);
    await takeLoopback();
    for (const name of ['xdpcount', 'tcmark']) {
      const program = await makeProgram(fixture(name));
      let during = '';
      const { status, stderr } = await whileRunning(program, [], async () => {
        during = (await bpftool('net', 'list', 'dev', 'lo')).stdout;
      });
      expect(status, stderr).toBe(0);
      const after = (await bpftool('net', 'list', 'dev', 'lo')).stdout;
      expect(during).not.toBe(after);
      expect(after).not.toMatch(/\bid \d+/);
    }
  });
});

/** A command as arguments of {@link run}. */
function command([name, ...args]: readonly [string, ...string[]]): [string, string[]] {
  return [name, args];
}
