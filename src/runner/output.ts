/**
 * A loaded package's output as text, the reference loader's to the blank: events as a table or JSON lines, sampled maps, histograms,
 * stacks, and the trace pipe. Attaches the programs when everything is ready to be read, and goes on until it is told to stop.
 */
import { setMaxListeners } from 'node:events';
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises';
import type { TypeId } from '../btf/kinds.ts';
import { Kind } from '../btf/kinds.ts';
import { resolve } from '../btf/layout.ts';
import type { Btf } from '../btf/table.ts';
import { stackInterpreter } from '../codegen/stack-event.ts';
import type { BpfMap as MapModel } from '../object/model.ts';
import type { Sample } from '../skeleton/documented.ts';
import { chooseType, type EventType, eventTypes } from './event-types.ts';
import { linearHistogram, log2Histogram } from './histogram.ts';
import { readKernelSymbols } from './kallsyms.ts';
import type { LoadedPackage } from './load.ts';
import { lsmRemark } from './lsm.ts';
import type { BpfMap } from './maps.ts';
import type { LoadedProgram } from './program.ts';
import { type Field, fieldsAt, fieldsOf, jsonObject } from './render.ts';
import { type StackSymbols, stackReader, stackText } from './stacks.ts';
import type { EventStream } from './stream.ts';
import { clock, tableHeader, tableRow } from './table.ts';
import { openTracePipe, type TracePipe } from './trace-pipe.ts';
import { userSymbols } from './user-symbols.ts';

export type OutputMode = 'table' | 'json';

export interface OutputOptions {
  readonly mode: OutputMode;
  readonly trace: boolean;
  readonly maxEvents: number | undefined;
  /** Milliseconds from when everything is attached; `undefined`: until it is told to stop. */
  readonly durationMs: number | undefined;
  /** Ends it. */
  readonly signal: AbortSignal;
  /** Takes output; reading waits until it resolves: when there is room for more, and at `stop`. */
  readonly write: (text: string, stop: AbortSignal) => Promise<void>;
  /** Takes remarks: what is attached, what was lost. */
  readonly note: (line: string) => void;
}

/** What Node's timers can wait, in milliseconds: 24 days. Longer ones would end at once. */
const LONGEST_TIMER = 0x7fff_ffff;

/** Records that are printed at a time. */
const BATCH = 256;

export async function printPackage(bpf: LoadedPackage, options: OutputOptions): Promise<void> {
  const printer = new PackagePrinter(bpf, options);
  await printer.run();
}

type Line = (view: DataView, at: number, end: number) => string;

class PackagePrinter {
  readonly #bpf: LoadedPackage;
  readonly #options: OutputOptions;
  readonly #stop = new AbortController();
  #left: number;
  /** The map whose header is the last on the screen. */
  #lastHeader: string | undefined;
  #symbols: StackSymbols | undefined;
  readonly #failures: unknown[] = [];

  constructor(bpf: LoadedPackage, options: OutputOptions) {
    this.#bpf = bpf;
    this.#options = options;
    this.#left = options.maxEvents ?? Number.POSITIVE_INFINITY;
  }

  async run(): Promise<void> {
    const { signal, note, trace, durationMs } = this.#options;
    // every map listens
    setMaxListeners(0, this.#stop.signal);
    const onStop = () => this.#stop.abort();
    if (signal.aborted) onStop();
    signal.addEventListener('abort', onStop, { once: true });
    let pipe: TracePipe | undefined;
    let timer: NodeJS.Timeout | undefined;
    try {
      const jobs = await this.#jobs();
      if (trace) {
        pipe = await openTracePipe();
        jobs.push(() => this.#printTrace(pipe!));
      }
      await this.#bpf.attach();
      note('Running eBPF program...');
      const remark = await lsmRemark(Object.values(this.#bpf.programs).map(({ section }) => section));
      if (remark !== undefined) note(remark);
      if (durationMs !== undefined) timer = setTimeout(onStop, Math.min(durationMs, LONGEST_TIMER));
      const iterators = this.#iterators();
      const running = [...jobs.map((job) => job()), this.#printIterators(iterators)];
      const idle = jobs.length === 0 && iterators.length > 0 && this.#bpf.attachments.length === iterators.length;
      if (!idle) running.push(this.#stopped());
      await Promise.all(running.map((one) => one.catch((error: unknown) => this.#fail(error))));
      if (this.#failures.length > 0) throw this.#failures[0];
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', onStop);
      await pipe?.free();
      this.#reportLosses();
    }
  }

  #fail(error: unknown): void {
    this.#failures.push(error);
    this.#stop.abort();
  }

  #stopped(): Promise<void> {
    const { signal } = this.#stop;
    // a timer keeps the process alive when nothing else does
    const timer = setInterval(() => {}, LONGEST_TIMER);
    return new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      else signal.addEventListener('abort', () => resolve(), { once: true });
    }).finally(() => clearInterval(timer));
  }

  async #jobs(): Promise<(() => Promise<void>)[]> {
    const { model, meta, maps, events } = this.#bpf;
    const jobs: (() => Promise<void>)[] = [];
    for (const map of model.maps) {
      const entry = meta?.bpf_skel.maps.find(({ name }) => name === map.name);
      const stream = events[map.name];
      const table = maps[map.name];
      if (entry?.sample && table !== undefined) {
        const sample = entry.sample;
        jobs.push(() => this.#sample(map, this.#bpf.rawMap(map.name), sample));
      } else if (stream !== undefined) {
        const line = await this.#eventLine(map, entry);
        if (line !== undefined) jobs.push(() => this.#printEvents(stream, line));
      }
    }
    return jobs;
  }

  /** How records of a map are printed; prints the header when the map is the only one. */
  async #eventLine(map: MapModel, entry: Readonly<Record<string, unknown>> | undefined): Promise<Line | undefined> {
    const { model, meta } = this.#bpf;
    const { btf } = model;
    const types = eventTypes(btf, meta, map);
    if (btf === undefined || types.length === 0) return rawLine(this.#options.mode);
    const stacks = stackInterpreter(entry);
    if (stacks !== undefined) {
      const read = stackReader(btf, types[0]!.typeId, stacks.fields);
      if (stacks.withSymbols) this.#symbols ??= { kernel: await readKernelSymbols(), user: userSymbols() };
      const json = jsonObject(fieldsOf(btf, types[0]!.typeId));
      if (this.#options.mode === 'json') return (view, at, end) => `${json(view, at, end)}\n`;
      return (view, at, end) => {
        const text = stackText(read(view, at, end - at), this.#symbols);
        return text === '' ? '' : `${text}\n`;
      };
    }
    const lines = types.map((type) => ({ size: type.size, line: this.#typedLine(map, btf, type) }));
    return (view, at, end) => chooseType(lines, end - at)!.line(view, at, end);
  }

  #typedLine(map: MapModel, btf: Btf, { typeId, members }: EventType): Line {
    const fields = members === undefined ? fieldsOf(btf, typeId) : fieldsAt(btf, members);
    if (this.#options.mode === 'json') {
      const json = jsonObject(fields);
      return (view, at, end) => `${json(view, at, end)}\n`;
    }
    const row = tableRow(fields);
    const header = `${tableHeader(fields.map(({ name }) => name))}\n`;
    const key = `${map.name} ${typeId}`;
    return (view, at, end) => {
      const line = `${row(clock(new Date()), view, at, end)}\n`;
      if (this.#lastHeader === key) return line;
      this.#lastHeader = key;
      return header + line;
    };
  }

  async #printEvents(stream: EventStream<unknown>, line: Line): Promise<void> {
    const { signal } = this.#stop;
    const wake = () => stream.wake();
    signal.addEventListener('abort', wake, { once: true });
    try {
      while (!signal.aborted && this.#left > 0) {
        let text = '';
        const count = stream.readRecords(
          (view, offset, size) => {
            text += line(view, offset, offset + size);
          },
          Math.min(BATCH, this.#left),
        );
        this.#left -= count;
        if (count === 0) {
          await stream.readable();
          continue;
        }
        await this.#write(text);
        await turn();
      }
      if (this.#left <= 0) this.#stop.abort();
    } finally {
      signal.removeEventListener('abort', wake);
    }
  }

  async #sample(map: MapModel, table: BpfMap<Uint8Array, unknown>, sample: Sample): Promise<void> {
    const { btf } = this.#bpf.model;
    const { signal } = this.#stop;
    const print = samplePrinter(btf, map, sample, this.#options.mode);
    const key = `sample ${map.name}`;
    try {
      while (!signal.aborted) {
        const interval = Math.min(Math.max(1, sample.interval), LONGEST_TIMER);
        await sleep(interval, undefined, { signal }).catch(() => {});
        if (signal.aborted) return;
        let text = '';
        for (const [entryKey, value] of table) {
          if (this.#left-- <= 0) break;
          text += print.entry(clock(new Date()), entryKey, value);
        }
        if (text !== '' && print.header !== '' && this.#lastHeader !== key) text = print.header + text;
        this.#lastHeader = key;
        await this.#write(text);
        if (this.#left <= 0) this.#stop.abort();
      }
    } finally {
      // arrays have no entries that could be deleted
      if (sample.clear_map === true && !table.info.type.endsWith('array')) table.clear();
    }
  }

  async #printTrace(pipe: TracePipe): Promise<void> {
    const { signal } = this.#stop;
    const close = () => pipe.close();
    signal.addEventListener('abort', close, { once: true });
    if (signal.aborted) close();
    for await (const line of pipe.lines) {
      // events of maps count, too
      if (this.#left-- <= 0) break;
      await this.#write(`${line}\n`);
      if (this.#left <= 0) break;
    }
    if (this.#left <= 0) this.#stop.abort();
  }

  #iterators(): LoadedProgram[] {
    return Object.values(this.#bpf.programs).filter(
      ({ section, attachment }) => /^\??iter(\.s)?\//.test(section) && attachment !== undefined,
    );
  }

  /** Prints what they say, once. */
  async #printIterators(iterators: readonly LoadedProgram[]): Promise<void> {
    for (const program of iterators) await this.#write(await program.read());
  }

  #write(text: string): Promise<void> {
    return this.#options.write(text, this.#stop.signal);
  }

  #reportLosses(): void {
    const { note } = this.#options;
    for (const stream of Object.values(this.#bpf.events)) {
      if (stream.lost > 0)
        note(
          `${stream.name}: ${stream.lost === 1 ? 'one event was' : `${stream.lost} events were`} lost, because nobody read fast enough`,
        );
      if (stream.full > 0)
        note(
          `${stream.name}: the ring buffer was nearly full ${stream.full === 1 ? 'once' : `${stream.full} times`}: events may have been lost`,
        );
    }
  }
}

/** Records of a type that nobody told: their bytes. */
function rawLine(mode: OutputMode): Line {
  const hex = (view: DataView, at: number, end: number) =>
    Buffer.from(view.buffer, view.byteOffset + at, end - at).toString('hex');
  return mode === 'json'
    ? (view, at, end) => `{"bytes":"${hex(view, at, end)}"}\n`
    : (view, at, end) => `${clock(new Date())} ${hex(view, at, end)}\n`;
}

interface SamplePrinter {
  /** `''` when there is none. */
  readonly header: string;
  entry(time: string, key: Uint8Array, value: unknown): string;
}

function samplePrinter(btf: Btf | undefined, map: MapModel, sample: Sample, mode: OutputMode): SamplePrinter {
  const fields = (id: TypeId | undefined): Field[] => (btf === undefined || id === undefined ? [] : fieldsOf(btf, id));
  const [keyFields, valueFields] = [fields(map.keyTypeId), fields(map.valueTypeId)];
  const [keyJson, valueJson] = [jsonOf(keyFields), jsonOf(valueFields)];
  if (mode === 'json')
    return { header: '', entry: (_, key, value) => `{"key":${keyJson(key)},"value":${valueJson(value)}}\n` };
  if (sample.type === 'log2_hist' || sample.type === 'linear_hist') {
    const slots = slotsOf(btf, map);
    const draw = sample.type === 'log2_hist' ? log2Histogram : linearHistogram;
    const unit = sample.unit ?? '(unit)';
    return {
      header: '',
      entry(_, key, value) {
        const bytes = value as Uint8Array;
        const titles = valueFields.filter(({ name }) => name !== 'slots');
        const lines = [`key =  ${keyFields.map((field) => textOf(field, key)).join(' ')}`];
        for (const field of titles) lines.push(`${field.name} = ${textOf(field, bytes)}`);
        return `${lines.join('\n')}\n\n${draw(slots(bytes), unit)}\n`;
      },
    };
  }
  const names = [...keyFields, ...valueFields].map(({ name }) => name);
  return {
    header: `${tableHeader(names)}\n`,
    entry: (time, key, value) => `${time} ${keyJson(key)} ${valueJson(value)}\n`,
  };
}

/** An object of the fields, for per-CPU maps an array of them; without fields the bytes. */
function jsonOf(fields: readonly Field[]): (value: unknown) => string {
  const print = jsonObject(fields);
  const one = (bytes: Uint8Array) => {
    if (fields.length === 0) return `"${Buffer.from(bytes).toString('hex')}"`;
    return print(new DataView(bytes.buffer, bytes.byteOffset, bytes.length), 0, bytes.length);
  };
  return (value) => (Array.isArray(value) ? `[${value.map(one).join(',')}]` : one(value as Uint8Array));
}

function textOf(field: Field, bytes: Uint8Array): string {
  return field.text(new DataView(bytes.buffer, bytes.byteOffset, bytes.length), 0, bytes.length);
}

/** The counts of a histogram: the member `slots`, or the value itself when it is an array. */
function slotsOf(btf: Btf | undefined, map: MapModel): (value: Uint8Array) => number[] {
  const none = () => [];
  if (btf === undefined || map.valueTypeId === undefined) return none;
  const id = resolve(btf, map.valueTypeId);
  const isArray = btf.kind(id) === Kind.array;
  const index = Array.from({ length: isArray ? 0 : btf.vlen(id) }, (_, i) => btf.memberName(id, i)).indexOf('slots');
  if (!isArray && index < 0) return none;
  const offset = isArray ? 0 : btf.memberBitOffset(id, index) / 8;
  const array = isArray ? id : resolve(btf, btf.memberType(id, index));
  if (btf.kind(array) !== Kind.array) return none;
  const size = btf.recordedSize(resolve(btf, btf.arrayElement(array)));
  const length = btf.arrayLength(array);
  return (value) => {
    const view = new DataView(value.buffer, value.byteOffset, value.length);
    return Array.from({ length }, (_, i) => {
      const at = offset + i * size;
      return size === 8
        ? Number(view.getBigUint64(at, true))
        : size === 4
          ? view.getUint32(at, true)
          : view.getUint8(at);
    });
  };
}
