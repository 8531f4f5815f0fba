import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { isEccError } from '../../src/core/errors.ts';
import { MapType } from '../../src/object/map-types.ts';
import type { BpfMap, BpfObject, BpfProgram } from '../../src/object/model.ts';
import { internalMapName, objName } from '../../src/object/names.ts';
import { openObject } from '../../src/object/open.ts';
import {
  ATTACH_TYPE_NAMES,
  findSectionDefinition,
  PROGRAM_TYPE_NAMES,
  SECTION_DEFINITIONS,
  type SectionDefinition,
} from '../../src/object/section-defs.ts';
import { runOk } from '../support/command.ts';
import { requireTool, type Skippable } from '../support/require.ts';
import { testDirectory } from '../support/temporary.ts';
import { goldens, readGoldenObject } from './goldens.ts';

const here = (file: string) => fileURLToPath(new URL(file, import.meta.url));

/** Names of sections that libbpf 1.1 does not know yet; with a newer libbpf they have to be equal too. */
const NEWER_SECTIONS = new Set([
  ...['kprobe.session', 'uprobe.session', 'uprobe.session.s', 'usdt.s', 'struct_ops.s'],
  ...['uprobe.multi', 'uprobe.multi.s', 'uretprobe.multi', 'uretprobe.multi.s'],
  ...[
    'tc/ingress',
    'tc/egress',
    'tcx/ingress',
    'tcx/egress',
    'netkit/primary',
    'netkit/peer',
    'netfilter',
    'sk_skb/verdict',
  ],
  ...[
    'cgroup/connect_unix',
    'cgroup/sendmsg_unix',
    'cgroup/recvmsg_unix',
    'cgroup/getpeername_unix',
    'cgroup/getsockname_unix',
  ],
]);
const NEWER_MAPS = /^\?|\.link$/;
/** Objects that libbpf 1.1 opens otherwise: arenas and numbers written as enums came later. */
const NEWER_OBJECTS = new Set(['arena_empty', 'arena_nomap_bad', 'arena_two_bad', 'arena_vars', 'map_typedefs_macros']);

interface View {
  readonly error?: number;
  readonly programs: readonly Record<string, unknown>[];
  readonly maps: readonly Record<string, unknown>[];
}

async function buildView(context: Skippable): Promise<string> {
  const gcc = requireTool(context, 'gcc');
  const program = path.join(testDirectory(), 'libbpf-view');
  await runOk(gcc, ['-O1', '-o', program, here('libbpf-view.c'), '-lbpf']);
  return program;
}

async function libbpfViews(program: string): Promise<Map<string, View>> {
  const args = goldens.flatMap(({ name, fileName }) => [objName(fileName), here(`data/${name}/object.o`)]);
  const { stdout } = await runOk(program, args);
  const lines = stdout.trimEnd().split('\n');
  expect(lines).toHaveLength(goldens.length);
  return new Map(goldens.map(({ name }, i) => [name, JSON.parse(lines[i]!)]));
}

function open(name: string): BpfObject | undefined {
  try {
    return openObject(readGoldenObject(name), { byteOrder: 'little' });
  } catch (error) {
    if (!isEccError(error)) throw error;
    return undefined;
  }
}

const hex = (text: string) => Buffer.from(text).toString('hex');

function programView({ name, section, definition, size, autoload }: BpfProgram) {
  return {
    name: hex(name),
    section: hex(section.replace(/^\?/, '')),
    type: PROGRAM_TYPE_NAMES.indexOf(definition?.programType ?? 'unspec'),
    attachType: definition?.attachType === undefined ? 0 : ATTACH_TYPE_NAMES.indexOf(definition.attachType),
    insns: size / 8,
    autoload: Number(autoload),
  };
}

/** libbpf keeps the member that a struct_ops program is for where others have their attach type. */
function operationView(object: BpfObject, program: BpfProgram): { attachType?: number } {
  const operations = object.maps.flatMap(({ structOps }) => structOps?.programs ?? []);
  const operation = operations.find((found) => found.program === program.name);
  return operation === undefined ? {} : { attachType: operation.memberIndex };
}

function mapView(map: BpfMap, objectName: string) {
  const isInternal = map.dataSection !== undefined && map.kind !== 'arena';
  const contents = map.dataSection && Buffer.from(map.dataSection.data ?? new Uint8Array(map.dataSection.size));
  return {
    name: hex(isInternal ? internalMapName(objectName, map.name) : map.name),
    pin: map.pinning === 'byName' ? hex(`/sys/fs/bpf/${map.name}`) : '',
    type: map.type,
    keySize: map.keySize,
    valueSize: map.valueSize,
    maxEntries: map.maxEntries,
    flags: map.flags,
    numaNode: map.numaNode,
    mapExtra: String(map.mapExtra),
    keyTypeId: map.keyTypeId ?? 0,
    valueTypeId: map.valueTypeId ?? 0,
    internal: Number(isInternal),
    autocreate: Number(map.structOps?.autocreate ?? true),
    initial: contents?.toString('hex') ?? '',
  };
}

/** libbpf rounds ring buffers up to what the kernel takes. */
function roundRing(entries: number): number {
  let size = 4096;
  while (size < entries) size *= 2;
  return size;
}

describe('objects as the installed libbpf opens them', () => {
  test('programs and maps', async (context) => {
    const views = await libbpfViews(await buildView(context));
    let programs = 0;
    let maps = 0;
    for (const { name, fileName } of goldens) {
      const view = views.get(name)!;
      const object = open(name);
      if (NEWER_OBJECTS.has(name)) continue;
      if (object === undefined || view.error !== undefined) {
        // what only the skeleton finds wrong, libbpf opens
        expect(object === undefined, `${name}: ${JSON.stringify(view)}`).toBe(view.error !== undefined);
        continue;
      }
      const ours = object.programs.map((program) => ({ ...programView(program), ...operationView(object, program) }));
      const isNewer = object.programs.map(({ definition }) => NEWER_SECTIONS.has(definition?.section ?? ''));
      const theirs = view.programs.filter(({ section }) => object.subprograms.length === 0 || section !== hex('.text'));
      expect(theirs, name).toEqual(
        ours.map((program, i) =>
          isNewer[i] ? { ...program, type: expect.any(Number), attachType: expect.any(Number) } : program,
        ),
      );
      programs += isNewer.filter((newer) => !newer).length;
      const known = object.maps.filter(
        (map) => !NEWER_MAPS.test(map.section) || view.maps.some((theirs) => theirs.name === hex(map.name)),
      );
      expect(view.maps, name).toEqual(
        known.map((map) => {
          const ours = mapView(map, objName(fileName));
          const isRing = map.type === MapType.ringbuf || map.type === MapType.userRingbuf;
          return isRing ? { ...ours, maxEntries: roundRing(ours.maxEntries) } : ours;
        }),
      );
      maps += known.length;
    }
    // so that nothing is compared with nothing
    expect(programs).toBeGreaterThan(130);
    expect(maps).toBeGreaterThan(80);
  });

  test('what the names of sections mean', async (context) => {
    const view = await buildView(context);
    // as it is, with a target, with an empty one, and one letter too long
    const names = SECTION_DEFINITIONS.flatMap(({ section }) => [section, `${section}/x`, `${section}/`, `${section}x`]);
    const { stdout } = await runOk(view, ['--section', ...names, '', '/', 'no/such/type', '.text']);
    const theirs = stdout.trimEnd().split('\n');
    const differences = [...names, '', '/', 'no/such/type', '.text'].filter((name, i) => {
      const definition = findSectionDefinition(name);
      const isNewer = NEWER_SECTIONS.has(definition?.section ?? '') && theirs[i] === '-';
      return !isNewer && meaning(definition) !== theirs[i];
    });
    expect(theirs).toHaveLength(names.length + 4);
    expect(differences).toEqual([]);
  });
});

function meaning(definition: SectionDefinition | undefined): string {
  if (definition === undefined) return '-';
  const { programType, attachType } = definition;
  return `${PROGRAM_TYPE_NAMES.indexOf(programType)} ${attachType === undefined ? 0 : ATTACH_TYPE_NAMES.indexOf(attachType)}`;
}
