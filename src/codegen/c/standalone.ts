/**
 * The C source of a program that loads one eBPF object and prints what it tells: the fixed parts of `templates/standalone/` and, between
 * them, tables made from the object's BTF and doc comments.
 */
import type { TypeId } from '../../btf/kinds.ts';
import { resolve, sizeOf } from '../../btf/layout.ts';
import type { Btf } from '../../btf/table.ts';
import { UnsupportedError, UsageError } from '../../core/errors.ts';
import { fillTemplate, readTemplate } from '../../core/template.ts';
import type { MapTypeName } from '../../object/map-types.ts';
import type { BpfMap, BpfObject } from '../../object/model.ts';
import { type StackMember, stackInterpreter, stackMembers } from '../stack-event.ts';
import { cBytes, cString, cStringOrNull } from './literal.ts';
import { emitOptions, type SectionDocs } from './option-table.ts';
import { makeTypeTable, type TypeTable, valueType } from './type-table.ts';

/** A map that is printed again and again. */
export interface SampleDocs {
  /** Milliseconds. */
  readonly interval: number;
  readonly type?: 'log2_hist' | 'linear_hist' | 'default_kv';
  readonly unit?: string;
  readonly clear_map?: boolean;
}

/** What doc comments say, in the shape of a package's `bpf_skel`. */
export interface ProgramDocs {
  readonly obj_name: string;
  readonly data_sections: readonly SectionDocs[];
  readonly maps: readonly {
    readonly name: string;
    readonly sample?: SampleDocs | null;
    readonly intepreter?: unknown;
  }[];
  readonly progs: readonly { readonly name: string; readonly [key: string]: unknown }[];
  readonly doc?: {
    readonly version?: string | null;
    readonly brief?: string | null;
    readonly details?: string | null;
    readonly description?: string | null;
  } | null;
}

export interface StandaloneInput {
  /** What the program calls itself. */
  readonly objName: string;
  /** The stripped ELF object. */
  readonly object: Uint8Array;
  readonly model: BpfObject;
  readonly docs: ProgramDocs;
  /**
   * Types of the events that go through ring buffers and perf event arrays. Several for a map are told apart by their size;
   * `undefined`: bytes that BTF knows no type of.
   */
  readonly events: readonly { readonly map: string; readonly typeId: TypeId | undefined }[];
}

/** The fixed parts after the tables, in order. */
const PARTS = [
  'text.c',
  'value.c',
  'options.c',
  'stacks.c',
  'table.c',
  'samples.c',
  'target.c',
  'load.c',
  'libelf.c',
  'main.c',
];

/** Maps whose keys can be walked. */
const SAMPLED: readonly (MapTypeName | undefined)[] = [
  'hash',
  'array',
  'percpu_hash',
  'percpu_array',
  'lru_hash',
  'lru_percpu_hash',
  'lpm_trie',
];

/**
 * @returns one C file; needs libbpf 1.1 or newer to compile
 * @throws {UnsupportedError} `UNSUP_NO_BTF`; `UNSUP_STACK_EVENT` for samples of stacks without one of their members
 * @throws {UsageError} `USAGE_OPTION_NAME`, `USAGE_OPTION_DEFAULT`, `USAGE_SAMPLE` for doc comments that make no sense
 */
export function emitStandalone(input: StandaloneInput): string {
  const { objName, object, model, docs, events } = input;
  const { btf } = model;
  if (btf === undefined) {
    throw new UnsupportedError('UNSUP_NO_BTF', 'an object without BTF does not say what its events and options are', {
      hint: 'compile with -g, and strip with llvm-strip -g, which keeps BTF',
    });
  }
  const types = makeTypeTable(btf);
  const options = emitOptions(btf, model, docs.data_sections, types);
  const sources = sourceMaps(model, events);
  const samples = model.maps.flatMap((map) => {
    const sample = docs.maps.find(({ name }) => name === map.name)?.sample;
    return sample ? [emitSample(btf, map, sample, types)] : [];
  });
  const sourceTypes = sources.map(({ typeIds }, index) => {
    const pointers = [...new Set(typeIds.map((id) => types.pointerTo(id)))].filter((pointer) => pointer !== 'NULL');
    return `static const struct type *const source_${index}_types[] = { ${[...pointers, 'NULL'].join(', ')} };\n`;
  });
  const stacks = sources.map((source, index) => emitStacks(btf, source, index, docs));
  const tables = fillTemplate(readTemplate('standalone/tables.c'), {
    PROGRAM_NAME: cString(objName),
    PROGRAM_VERSION: cString(docs.doc?.version ?? '0.1.0'),
    PROGRAM_SUMMARY: cStringOrNull(docs.doc?.brief ?? docs.doc?.description ?? undefined),
    PROGRAM_DETAILS: cStringOrNull(docs.doc?.details ?? undefined),
    SEVERAL_TABLES: String(sources.length + samples.length > 1),
    HAS_STACKS: String(stacks.some((text) => text !== '')),
    OPTIONS: options,
    SOURCES: sources
      .map(
        ({ map, isPerf }, index) =>
          `\t{ ${cString(map)}, ${isPerf}, source_${index}_types, ${stacks[index] === '' ? 'NULL' : `&source_${index}_stacks`} },\n`,
      )
      .join(''),
    SOURCE_TYPES: sourceTypes.length === 0 ? '' : `${sourceTypes.join('')}${stacks.join('')}\n`,
    SAMPLES: samples.join(''),
    ATTACH: docs.progs.map(emitAttach).join(''),
    OBJECT_NAME: cString(docs.obj_name),
    OBJECT: cBytes(object),
    TYPES: types.emit(),
  });
  return [readTemplate('standalone/loader.h'), tables, ...PARTS.map((part) => readTemplate(`standalone/${part}`))].join(
    '\n',
  );
}

interface SourceMap {
  readonly map: string;
  readonly isPerf: boolean;
  readonly typeIds: readonly TypeId[];
}

/**
 * Every ring buffer, and each perf event array that events are known of: others of these hold counters, which reading them as
 * events would break.
 */
function sourceMaps(model: BpfObject, events: StandaloneInput['events']): SourceMap[] {
  return model.maps.flatMap(({ name, typeName }) => {
    const isPerf = typeName === 'perf_event_array';
    const own = events.filter(({ map }) => map === name);
    const isSource = typeName === 'ringbuf' || (isPerf && own.length > 0);
    const typeIds = own.flatMap(({ typeId }) => (typeId === undefined ? [] : [typeId]));
    return isSource ? [{ map: name, isPerf, typeIds }] : [];
  });
}

/** Members of `struct stack_def`, in its order. */
const STACK_DEF: readonly StackMember[] = ['pid', 'cpu_id', 'comm', 'kstack_sz', 'ustack_sz', 'kstack', 'ustack'];

/** Where a sample of stacks has what; empty for a map of other events. */
function emitStacks(btf: Btf, { map, typeIds }: SourceMap, index: number, docs: ProgramDocs): string {
  const interpreter = stackInterpreter(docs.maps.find(({ name }) => name === map));
  const typeId = typeIds[0];
  if (interpreter === undefined || typeId === undefined) return '';
  const id = resolve(btf, typeId);
  const members = stackMembers(btf, id, interpreter.fields);
  const places = STACK_DEF.map((member) => {
    const size = sizeOf(btf, resolve(btf, btf.memberType(id, members[member]))) ?? 0;
    return `{ ${btf.memberBitOffset(id, members[member]) / 8}, ${size} }`;
  });
  return `static const struct stack_def source_${index}_stacks = { ${[interpreter.withSymbols, ...places].join(', ')} };\n`;
}

function emitSample(btf: Btf, map: BpfMap, sample: SampleDocs, types: TypeTable): string {
  const { name, keyTypeId, valueTypeId } = map;
  const refuse = (why: string): never => {
    throw new UsageError('USAGE_SAMPLE', `map ${name}: @sample: ${why}`, { details: { map: name } });
  };
  const form = sample.type ?? 'default_kv';
  if (!SAMPLED.includes(map.typeName))
    refuse(`a map of type ${map.typeName ?? map.type} cannot be printed again and again`);
  if (!(sample.interval > 0)) refuse('"interval" has to be a number of milliseconds above 0');
  if (form !== 'default_kv' && !hasSlots(btf, valueTypeId)) {
    refuse(`${form} needs values that are an array of counters, or a struct with such a member "slots"`);
  }
  const forms = { default_kv: 'SAMPLE_KEY_VALUE', log2_hist: 'SAMPLE_LOG2_HIST', linear_hist: 'SAMPLE_LINEAR_HIST' };
  const fields = [
    `.map = ${cString(name)}`,
    `.interval_ms = ${Math.max(1, Math.round(sample.interval))}`,
    `.form = ${forms[form]}`,
    `.unit = ${cString(sample.unit ?? '(unit)')}`,
    `.clear = ${sample.clear_map === true}`,
    `.key = ${keyTypeId === undefined ? 'NULL' : types.pointerTo(keyTypeId)}`,
    `.value = ${valueTypeId === undefined ? 'NULL' : types.pointerTo(valueTypeId)}`,
  ];
  return `\t{\n${fields.map((field) => `\t\t${field},\n`).join('')}\t},\n`;
}

function hasSlots(btf: Btf, id: TypeId | undefined): boolean {
  const type = id === undefined ? undefined : valueType(btf, id);
  if (type === undefined) return false;
  if (type.kind !== 'STRUCT') return isCounters(btf, type.typeId);
  for (let i = 0; i < btf.vlen(type.typeId); i++) {
    if (btf.memberName(type.typeId, i) === 'slots') return isCounters(btf, btf.memberType(type.typeId, i));
  }
  return false;
}

function isCounters(btf: Btf, id: TypeId): boolean {
  const type = valueType(btf, id);
  if (type?.kind !== 'ARRAY' || type.size === 0) return false;
  const element = valueType(btf, btf.arrayElement(type.typeId))!;
  return (element.kind === 'UINT' || element.kind === 'INT') && element.size <= 8;
}

/** The line of a program whose doc comment has `@ifindex`, `@flags`, `@tchook` or `@tcopts`. */
function emitAttach(program: ProgramDocs['progs'][number]): string {
  const hook = asObject(program.tchook);
  const opts = asObject(program.tcopts);
  if (program.ifindex === undefined && program.flags === undefined && hook === undefined && opts === undefined)
    return '';
  const points: Readonly<Record<string, string>> = {
    BPF_TC_INGRESS: 'BPF_TC_INGRESS',
    BPF_TC_EGRESS: 'BPF_TC_EGRESS',
    BPF_TC_CUSTOM: 'BPF_TC_CUSTOM',
  };
  const fields = [
    `.program = ${cString(program.name)}`,
    `.ifindex = ${asNumber(hook?.ifindex ?? program.ifindex, 1)}`,
    `.xdp_flags = ${asNumber(program.flags, 0)}`,
    `.tc_attach_point = ${points[String(hook?.attach_point)] ?? 'BPF_TC_INGRESS'}`,
    `.tc_handle = ${asNumber(opts?.handle, 1)}`,
    `.tc_priority = ${asNumber(opts?.priority, 1)}`,
  ];
  return `\t{ ${fields.join(', ')} },\n`;
}

function asObject(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
}

function asNumber(value: unknown, otherwise: number): number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 0xffffffff ? value : otherwise;
}
