/** The module of a whole object: programs, maps, events, global variables, and what tsc makes of using it. */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { BtfBuilder, Kind } from '../../src/btf/index.ts';
import { emitTypeScript, type ModuleInput } from '../../src/codegen/ts/module.ts';
import type { Codec, DataSection, View } from '../../src/decode/index.ts';
import { openObject } from '../../src/object/open.ts';
import { runOk } from '../support/command.ts';
import type { Skippable } from '../support/require.ts';
import { fileDirectory } from '../support/temporary.ts';
import { requireClang64 } from './clang.ts';
import { loadModule, typeErrors } from './generated.ts';

// Two compilers and tsc, on a machine that may be busy with other tests.
vi.setConfig({ testTimeout: 240_000 });

const directory = fileDirectory();

const MACROS = `
#define SEC(name) __attribute__((section(name), used))
#define __uint(name, val) int (*name)[val]
#define __type(name, val) typeof(val) *name
#define __array(name, val) typeof(val) *name[]
typedef int pid_t;
`;

const SOURCE = `${MACROS}
enum state { IDLE, BUSY = 4, ALSO_BUSY = 4, GONE = -1 };
struct key { pid_t pid; unsigned short port; };
struct event { pid_t pid; enum state state; union { long code; char reason[8]; }; };
struct start { unsigned long ns; char comm[16]; };
typedef struct { float ratio; _Bool on; } setting_t;

const volatile pid_t target_pid = TARGET_PID;
const volatile char prefix[8] = PREFIX;
const volatile setting_t setting = { RATIO, 1 };
const volatile struct { unsigned char low, high; } range[2] = { { 1, LAST }, { 3, 4 } };
static const volatile int hidden = 5;
long total = 9;
unsigned int counts[4];
int custom SEC(".data.cfg") = 3;
enum stage { FIRST = 1, LAST_STAGE } stage;
enum stage history[2][2];
struct { enum stage now, next; } steps = { FIRST, 0 };
struct list { int count; struct key keys[]; } list = { 1, { { 5, 6 } } };

struct { __uint(type, 1); __uint(max_entries, 64); __type(key, struct key); __type(value, struct start); } starts SEC(".maps");
struct { __uint(type, 2); __uint(max_entries, 4); __type(key, unsigned int); __type(value, unsigned long[2]); } pairs SEC(".maps");
struct { __uint(type, 1); __uint(max_entries, 8); __type(key, enum stage); __type(value, enum stage); } stages SEC(".maps");
struct { __uint(type, 13); __uint(max_entries, 2); __type(key, int); __array(values, struct { __uint(type, 1); __uint(max_entries, 8); __type(key, struct key); __type(value, unsigned char[6]); }); } by_cpu SEC(".maps");
struct { __uint(type, 27); __uint(max_entries, 4096); } rb SEC(".maps");
struct event *unused SEC(".ecc.export");

SEC("tracepoint/sched/sched_process_exec") int on_exec(void *ctx)
{
	counts[hidden & 3] += prefix[target_pid & 7] + range[target_pid & 1].high + setting.on + custom;
	return total;
}
char LICENSE[] SEC("license") = "GPL";
`;

interface Values {
  readonly pid: number;
  readonly prefix: string;
  readonly ratio: number;
  readonly last: number;
}

const FIRST: Values = { pid: 7, prefix: 'ab', ratio: 0.5, last: 2 };

async function compile(context: Skippable, name: string, values: Values): Promise<Uint8Array> {
  const source = path.join(directory, `${name}.bpf.c`);
  writeFileSync(source, SOURCE);
  const object = path.join(directory, `${name}.o`);
  const defines = [
    `TARGET_PID=${values.pid}`,
    `PREFIX="${values.prefix}"`,
    `RATIO=${values.ratio}`,
    `LAST=${values.last}`,
  ];
  const args = [
    '-target',
    'bpf',
    '-g',
    '-O2',
    '-w',
    ...defines.map((define) => `-D${define}`),
    '-c',
    source,
    '-o',
    object,
  ];
  await runOk(requireClang64(context), args);
  return new Uint8Array(readFileSync(object));
}

function moduleOf(bytes: Uint8Array, more: Partial<ModuleInput> = {}): string {
  const object = openObject(bytes);
  const btf = object.btf!;
  const event = btf.find('event', Kind.struct)!;
  const docs: ModuleInput['docs'] = {
    types: new Map([
      [
        'event',
        { doc: 'What happened.\n\nSecond paragraph with */ in it.', members: new Map([['pid', 'Who it was.']]) },
      ],
      ['setting_t', { members: new Map([['on', 'Whether.']]) }],
    ]),
    variables: new Map([['target_pid', 'Only this process.']]),
    maps: new Map([['starts', 'When it began.']]),
    programs: new Map([['on_exec', 'Runs at exec.']]),
  };
  return emitTypeScript({
    btf,
    object,
    types: [event],
    events: new Map([['rb', [event]]]),
    docs,
    source: 'x.bpf.c',
    ...more,
  });
}

describe('the module of an object', () => {
  it('is accepted by tsc, and so is the right use of it, and the wrong is not', async (context) => {
    const text = moduleOf(await compile(context, 'types', FIRST));
    const use = `
      import type { Decoded } from 'ebpf-ecc/decode';
      import { bss, data, data_cfg, type Event, EventView, maps, patchData, patchRodata, programs, rodata, type Stage, State, StateNames } from './x';
      const bytes = new Uint8Array(64);
      const event: Event = maps.rb.event.decode(bytes);
      const state: State = event.state;
      const name: 'IDLE' | 'BUSY' | 'ALSO_BUSY' | 'GONE' | undefined = StateNames.get(state);
      const pid: number = event.pid, code: bigint = event.code, reason: string = event.reason;
      const key: Uint8Array = maps.starts.key.encode({ pid, port: 80 });
      const started: Decoded<typeof maps.starts.value> = maps.starts.value.decodePartial(bytes);
      const ns: bigint = started.ns;
      const pair: BigUint64Array = maps.pairs.value.decode(bytes);
      const type: 'tracepoint' = programs.on_exec.type;
      const view: bigint = new EventView().$set(bytes, 3).code;
      const patched: Uint8Array = patchData(patchRodata(bytes, { target_pid: 5, setting: { ratio: 1, on: true } }), { total: 3n });
      const first: number = rodata.defaults.range[0]?.low ?? 0;
      const stages: [Stage, Stage | undefined] = [bss.defaults.stage, data.defaults.steps.next];
      export const used = [name, code, reason, key, ns, pair, type, view, patched, first, data.defaults.total, data_cfg.section, State.BUSY, stages];
      maps.rb.event.encode({ pid: 1, state: State.IDLE, code: 3n });
      // @ts-expect-error no such variable
      patchRodata(bytes, { target_pod: 5 });
      // @ts-expect-error a string is no number
      patchRodata(bytes, { target_pid: '5' });
      // @ts-expect-error the port is missing
      maps.starts.key.encode({ pid });
      // @ts-expect-error not a value of the enum
      maps.rb.event.encode({ pid, state: 77, code: 3n });
      // @ts-expect-error a ring buffer has no key
      maps.rb.key;
      // @ts-expect-error 64 bits are a bigint
      maps.starts.value.encode({ ns: 5, comm: 'x' });
    `;
    expect(await typeErrors(path.join(directory, 'strict'), { 'x.ts': text, 'use.ts': use })).toBe('');
  });

  it('knows programs, maps and what the object starts with', async (context) => {
    const bytes = await compile(context, 'tables', FIRST);
    const module = await loadModule(directory, 'tables', moduleOf(bytes));
    expect(module.programs).toEqual({
      on_exec: { section: 'tracepoint/sched/sched_process_exec', type: 'tracepoint' },
    });
    const { State, Event } = module;
    expect(State).toEqual({ IDLE: 0, BUSY: 4, ALSO_BUSY: 4, GONE: -1 });
    expect(module.StateNames).toEqual(
      new Map([
        [0, 'IDLE'],
        [4, 'BUSY'],
        [-1, 'GONE'],
      ]),
    );
    const maps = module.maps as Record<string, Record<string, unknown>>;
    expect(maps.starts).toEqual({
      type: 'hash',
      maxEntries: 64,
      keySize: 8,
      valueSize: 24,
      key: module.Key,
      value: module.Start,
    });
    expect(maps.rb).toEqual({ type: 'ringbuf', maxEntries: 4096, keySize: 0, valueSize: 0, event: Event });
    expect(maps.by_cpu).toMatchObject({
      type: 'hash_of_maps',
      inner: {
        type: 'hash',
        maxEntries: 8,
        keySize: 8,
        valueSize: 6,
        key: module.Key,
        value: module.ByCpuInnerValue,
      },
    });
    expect(maps.stages).toMatchObject({ key: module.StageCodec, value: module.StageCodec });
    expect(Object.keys(maps)).toEqual(['starts', 'pairs', 'stages', 'by_cpu', 'rb']);
    const rodata = module.rodata as DataSection<Record<string, unknown>>;
    expect(rodata.defaults).toEqual({
      target_pid: 7,
      prefix: 'ab',
      setting: { ratio: 0.5, on: true },
      range: [
        { low: 1, high: 2 },
        { low: 3, high: 4 },
      ],
    });
    expect((module.data as DataSection<unknown>).defaults).toEqual({
      total: 9n,
      steps: { now: 1, next: 0 },
      list: { count: 1, keys: [{ pid: 5, port: 6 }] },
    });
    expect((module.bss as DataSection<unknown>).defaults).toEqual({
      counts: new Uint32Array(4),
      stage: 0,
      history: [
        [0, 0],
        [0, 0],
      ],
    });
    expect((module.data_cfg as DataSection<unknown>).defaults).toEqual({ custom: 3 });
    expect(module.patchBss).toBeUndefined();
  });

  it('patches an object to what clang makes of other values', async (context) => {
    const last: Values = { pid: -3, prefix: 'h\u00e9llo w', ratio: -1.25, last: 200 };
    const before = await compile(context, 'patched', FIRST);
    const after = await compile(context, 'patched', last);
    const module = await loadModule(directory, 'patched', moduleOf(before));
    const patchRodata = module.patchRodata as (object: Uint8Array, values: unknown) => Uint8Array;
    const untouched = before.slice();
    const patched = patchRodata(before, {
      target_pid: -3,
      prefix: 'h\u00e9llo w',
      setting: { ratio: -1.25, on: true },
      range: [
        { low: 1, high: 200 },
        { low: 3, high: 4 },
      ],
    });
    expect(Buffer.compare(patched, after)).toBe(0);
    expect(Buffer.compare(patched, before)).not.toBe(0);
    expect(before).toEqual(untouched);
    // The shorter text leaves nothing of the longer one.
    const back = patchRodata(after, {
      target_pid: 7,
      prefix: 'ab',
      setting: { ratio: 0.5, on: true },
      range: [
        { low: 1, high: 2 },
        { low: 3, high: 4 },
      ],
    });
    expect(Buffer.compare(back, untouched)).toBe(0);
    expect(() => patchRodata(before, { target_pid: 2 ** 31 })).toThrow(RangeError);
    expect(() => patchRodata(before, { target_pid: '5' })).toThrow(TypeError);
    expect(() => patchRodata(before, { prefix: 'far too long' })).toThrow(RangeError);
    expect(() => patchRodata(before, { target_pod: 5 })).toThrow('.rodata has no variable target_pod');
  });

  it('patches the flexible array of a variable, within its elements', async (context) => {
    const object = await compile(context, 'flexible', FIRST);
    const module = await loadModule(directory, 'flexible', moduleOf(object));
    const patchData = module.patchData as (object: Uint8Array, values: unknown) => Uint8Array;
    const { codec, defaults } = module.data as DataSection<Record<string, unknown>>;
    const list = { count: 0, keys: [{ pid: 7, port: 8 }] };
    const { data } = openObject(patchData(object, { list })).dataSections.find(({ name }) => name === '.data')!;
    expect(codec.decode(data!)).toEqual({ ...defaults, list });
    const emptied = openObject(patchData(object, { list: { count: 0, keys: [] } }));
    const zeros = emptied.dataSections.find(({ name }) => name === '.data')!.data!;
    expect(codec.decode(zeros)).toEqual({ ...defaults, list: { count: 0, keys: [{ pid: 0, port: 0 }] } });
    const longer = { count: 2, keys: [...list.keys, ...list.keys] };
    expect(() => patchData(object, { list: longer })).toThrow(
      '.data.list: the value takes 20 bytes, there is room for 12',
    );
  });

  it('carries comments over, with the place of each member', async (context) => {
    const text = moduleOf(await compile(context, 'docs', FIRST));
    expect(text).toContain(`/**
 * What happened.
 *
 * Second paragraph with *\\/ in it.
 *
 * \`struct event\`, 16 bytes.
 */
export interface Event {
  /**
   * Who it was.
   *
   * Offset 0, 4 bytes: \`pid_t pid\`
   */
  pid: number;
`);
    for (const line of ['Only this process.', 'When it began.', 'Runs at exec.', 'Whether.'])
      expect(text).toContain(line);
    expect(text).toContain('/** Offset 8, 8 bytes, in a union: `char reason[8]` */');
  });

  it('follows the options', async (context) => {
    const bytes = await compile(context, 'options', FIRST);
    const text = moduleOf(bytes, { options: { u64: 'number', charArrays: 'bytes', enums: 'open' } });
    expect(text).toContain('  code: number;\n');
    expect(text).toContain('  reason: Uint8Array;\n');
    expect(text).toContain('  state: State | (number & {});\n');
    expect(await typeErrors(path.join(directory, 'options'), { 'x.ts': text })).toBe('');
    const module = await loadModule(directory, 'options', text);
    const event = Uint8Array.from([1, 0, 0, 0, 9, 0, 0, 0, 65, 66, 0, 0, 0, 0, 0, 0]);
    expect((module.Event as Codec<unknown>).decode(event)).toEqual({
      pid: 1,
      state: 9,
      code: 0x4241,
      reason: event.slice(8),
    });
  });
});

describe('a module', () => {
  it('of one small type is this text', () => {
    const b = new BtfBuilder();
    const u32 = b.addTypedef('__u32', b.addInt('unsigned int', { size: 4 }));
    const char = b.addInt('char', { size: 1, signed: true });
    const id = b.addStruct('event', 20, [
      { name: 'pid', type: u32 },
      { name: 'comm', type: b.addArray(char, u32, 16), bitOffset: 32 },
    ]);
    expect(emitTypeScript({ btf: b.build(), types: [id], source: 'small.bpf.c' })).toMatchSnapshot();
  });

  it('of hostile names runs none of them', async () => {
    const names = [
      "'];globalThis.pwned=1;['",
      '*/globalThis.pwned=1;/*',
      'a\nglobalThis.pwned=1;//',
      '\u2028globalThis.pwned=1',
      '\\',
      '*/',
    ];
    for (const [i, name] of names.entries()) {
      const b = new BtfBuilder();
      const int = b.addInt(name, { size: 4 });
      const values = b.addEnum(name, [{ name, value: 1 }]);
      const types = [
        b.addStruct(name, 8, [
          { name, type: int },
          { name: 'e', type: values, bitOffset: 32 },
        ]),
        b.addTypedef(name, int),
      ];
      const docs = { types: new Map([[name, { doc: name, members: new Map([[name, name]]) }]]) };
      const text = emitTypeScript({ btf: b.build(), types, docs, source: name });
      const module = await loadModule(directory, `hostile${i}`, text);
      expect(Object.keys(module).length, text).toBeGreaterThan(4);
      expect((globalThis as { pwned?: number }).pwned, name).toBeUndefined();
    }
  });

  it('has globals and private members under names that no member takes from it', async () => {
    const b = new BtfBuilder();
    const long = b.addInt('long', { size: 8, signed: true });
    const point = b.addStruct('number', 8, [{ name: 'x', type: long }]);
    const members = ['member1', 'constructor', 'member2', '\u00e9'];
    const types = [
      point,
      b.addStruct('bits', 5, [
        { name: 'low', type: long, bitSize: 7 },
        { name: 'high', type: long, bitOffset: 7, bitSize: 30 },
      ]),
      b.addStruct(
        'nested',
        32,
        members.map((name, i) => ({ name, type: point, bitOffset: 64 * i })),
      ),
    ];
    const text = emitTypeScript({ btf: b.build(), types, source: 'x' });
    expect(await typeErrors(path.join(directory, 'private'), { 'x.ts': text })).toBe('');
    const module = await loadModule(directory, 'private', text);
    const bits = (module.Bits as Codec<unknown>).decode(Uint8Array.of(0x80, 0, 0, 0, 0x10));
    expect(bits).toEqual({ low: 0, high: -(2 ** 29) + 1 });
    const view = new (module.NestedView as new () => View<unknown>)().$set(
      Uint8Array.from({ length: 32 }, (_, i) => i),
    );
    const first = members.map((name) => Number((view as unknown as Record<string, { x: bigint }>)[name]!.x & 255n));
    expect(first).toEqual([0, 8, 16, 24]);
  });

  it('keeps two types of one name apart, and types from words of the language', async () => {
    const b = new BtfBuilder();
    const int = b.addInt('int', { size: 4, signed: true });
    const types = [
      'same',
      'same',
      'same___old',
      'string',
      'uint8_array',
      'map',
      'codec',
      'view',
      'data_view',
      'read_string',
      'same_view',
      'object',
      'n_a_n',
    ].map((name, i) => b.addStruct(name, 4 * (i + 1), [{ name: `m${i}`, type: int, bitOffset: 32 * i }]));
    const text = emitTypeScript({ btf: b.build(), types, source: 'x' });
    expect(await typeErrors(path.join(directory, 'same'), { 'x.ts': text })).toBe('');
    const module = await loadModule(directory, 'same', text);
    const sizes = Object.values(module)
      .filter((value): value is Codec<unknown> => typeof value === 'object' && value !== null && 'decode' in value)
      .map(({ size }) => size);
    expect(sizes.sort((x, y) => x - y)).toEqual(types.map((_, i) => 4 * (i + 1)));
    expect(Object.keys(module)).toEqual(expect.arrayContaining(['Same', 'Same_2', 'SameOld']));
  });
});
