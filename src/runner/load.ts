/**
 * `ebpf-ecc/runner`: loads a package into the kernel and gives typed access to what it does.
 *
 * @example
 * import * as types from './bootstrap.bpf.ts';
 * await using bpf = await load('package.json', { types, rodata: { min_duration_ms: 10n } });
 * for await (const event of bpf.events.rb) console.log(event.comm);
 */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { makeCodec } from '../codegen/ts/run-time.ts';
import { isEccError, LoadError } from '../core/errors.ts';
import { inputError } from '../core/read-input.ts';
import type { Codec } from '../decode/index.ts';
import { findMapTypeName } from '../object/map-types.ts';
import type { BpfMap as MapModel, BpfObject as ObjectModel } from '../object/model.ts';
import { openObject } from '../object/open.ts';
import type { Package, PackageMeta } from '../package/schema.ts';
import { readPackage } from '../package/unpack.ts';
import { attachMapError } from './attach-error.ts';
import { type Attachment, linkAttachment } from './attachment.ts';
import { diagnoseLoad } from './diagnose.ts';
import { decodeEvents, decodeWith, eventTypes } from './event-types.ts';
import { LiveSection } from './globals.ts';
import { logMemory } from './log-memory.ts';
import { BpfMap, BYTES_CODEC, type MapInfo, type ValueCodec } from './maps.ts';
import { callAsync, type Native, openNative } from './native.ts';
import { BpfObject, type MapHandle } from './object.ts';
import { DEFAULT_PERF_PAGES, PerfBufferReader } from './perfbuf.ts';
import { type Preparation, prepare } from './prepare.ts';
import { LoadedProgram } from './program.ts';
import type { RecordReader } from './records.ts';
import { RingBufferReader } from './ringbuf.ts';
import { type Decode, EventStream } from './stream.ts';
import type { BpfModule, Events, Maps, ModuleMap, ProgramName, SectionInput, SectionValues } from './types.ts';

/** A package by path, by its bytes (JSON or YAML, or a bare ELF object), or taken apart. */
export type PackageSource = string | URL | Uint8Array | Package;

export interface LoadOptions<M = undefined> {
  /** The module that `ecc --ts` wrote: gives types, and decoders that need not be made first. */
  readonly types?: M;
  /** Values for `const volatile` variables. */
  readonly rodata?: SectionInput<M, 'rodata'>;
  /** First values of variables that start as zero. */
  readonly bss?: SectionInput<M, 'bss'>;
  /** First values of other variables. */
  readonly data?: SectionInput<M, 'data'>;
  /** First values of variables of any section, by name. */
  readonly globals?: ReadonlyMap<string, unknown>;
  /** `max_entries` by map. */
  readonly mapSizes?: Readonly<Record<string, number>>;
  /** Programs to load; the rest stays out of the kernel. Default: all but those whose section begins with `?`. */
  readonly programs?: readonly ProgramName<M>[];
  /**
   * What programs are attached to. Default: what their sections say. `false`: nothing is attached until `programs.NAME.attach()`
   * is called. By program: a target (`/bin/bash:readline`, `eth0`), or `false`.
   */
  readonly attach?: boolean | Readonly<Partial<Record<ProgramName<M>, string | false>>>;
  /** Memory pages of each CPU's perf buffer: a power of two. Default 64. */
  readonly perfBufferPages?: number;
  /** BTF of the running kernel, for kernels without `/sys/kernel/btf/vmlinux`. */
  readonly kernelBtf?: string;
}

/**
 * Loads a package and attaches its programs.
 * @throws {LoadError} `LOAD_VERIFIER` when the kernel refuses a program (with the instruction, its C line and the reason),
 * `LOAD_PERMISSION`, `LOAD_ATTACH`, … @throws {ToolError} koffi or libbpf are missing @throws {UsageError} a variable, map or program of
 * that name does not exist, or a value does not fit
 */
export async function load<M extends BpfModule | undefined = undefined>(
  source: PackageSource,
  options: LoadOptions<M> = {},
): Promise<LoadedPackage<M>> {
  const opened = await openPackage(source);
  const native = await openNative();
  const loaded = await LoadedPackage.load<M>(native, opened, options);
  if (options.attach === false) return loaded;
  try {
    await loaded.attach();
  } catch (error) {
    await loaded.close();
    throw error;
  }
  return loaded;
}

export interface OpenedPackage {
  readonly object: Uint8Array;
  /** `undefined` for a bare object. */
  readonly meta: PackageMeta | undefined;
  readonly model: ObjectModel;
  /** Of the object, for libbpf. */
  readonly name: string;
}

/** Reads a package and looks at its object; nothing is loaded. */
export async function openPackage(source: PackageSource): Promise<OpenedPackage> {
  if (typeof source === 'string' || source instanceof URL) {
    const path = source instanceof URL ? fileURLToPath(source) : source;
    const bytes = await readFile(path).catch((error: unknown) => {
      throw inputError(path, error);
    });
    try {
      return await openPackage(bytes);
    } catch (error) {
      throw isEccError(error) ? error.in(path) : error;
    }
  }
  const { object, meta } = source instanceof Uint8Array ? await unpack(source) : source;
  return {
    object,
    meta,
    model: openObject(object, { byteOrder: 'little' }),
    name: meta?.bpf_skel.obj_name ?? 'bpf_object',
  };
}

async function unpack(bytes: Uint8Array): Promise<{ object: Uint8Array; meta: PackageMeta | undefined }> {
  const isElf = bytes[0] === 0x7f && bytes[1] === 0x45 && bytes[2] === 0x4c && bytes[3] === 0x46;
  return isElf ? { object: bytes, meta: undefined } : readPackage(bytes);
}

/** A package in the kernel. Closing it, or the end of the process, takes everything out again. */
export class LoadedPackage<M extends BpfModule | undefined = undefined> {
  readonly meta: PackageMeta | undefined;
  /** What is in the object file. */
  readonly model: ObjectModel;
  readonly programs: Readonly<Record<ProgramName<M>, LoadedProgram>>;
  /** All maps but those of events and of global variables. */
  readonly maps: Maps<M>;
  /** Ring buffers and perf event arrays, ready to be read. */
  readonly events: Events<M>;
  /** `const volatile` variables: as they were loaded. */
  readonly rodata: Readonly<SectionValues<M, 'rodata'>>;
  /** Variables that started as zero: reading and assigning goes straight to the program's memory. */
  readonly bss: SectionValues<M, 'bss'>;
  readonly data: SectionValues<M, 'data'>;
  readonly #native: Native;
  readonly #object: BpfObject;
  readonly #options: LoadOptions<M>;
  readonly #sections: ReadonlyMap<string, LiveSection>;
  readonly #closing: (() => void)[] = [];
  readonly #structOps: Attachment[] = [];
  #attaching: Promise<void> | undefined;
  #closed: Promise<void> | undefined;

  private constructor(native: Native, object: BpfObject, opened: OpenedPackage, options: LoadOptions<M>) {
    this.meta = opened.meta;
    this.model = opened.model;
    this.#native = native;
    this.#object = object;
    this.#options = options;
    this.programs = this.#programs() as this['programs'];
    const maps: Record<string, BpfMap<unknown, unknown>> = Object.create(null);
    const events: Record<string, EventStream<unknown>> = Object.create(null);
    try {
      for (const map of opened.model.maps) {
        const handle = object.findMap(map.name);
        if (map.kind !== 'user' || handle === undefined) continue;
        if (map.typeName === 'ringbuf' || map.typeName === 'perf_event_array')
          events[map.name] = this.#stream(map, handle);
        else maps[map.name] = this.#map(map, handle);
      }
      this.#sections = this.#liveSections();
    } catch (error) {
      this.#free();
      throw error;
    }
    this.maps = maps as unknown as Maps<M>;
    this.events = events as unknown as Events<M>;
    this.rodata = this.#variables('.rodata') as SectionValues<M, 'rodata'>;
    this.bss = this.#variables('.bss') as SectionValues<M, 'bss'>;
    this.data = this.#variables('.data') as SectionValues<M, 'data'>;
  }

  /** @internal */
  static async load<M extends BpfModule | undefined>(
    native: Native,
    opened: OpenedPackage,
    options: LoadOptions<M>,
  ): Promise<LoadedPackage<M>> {
    const openOptions = { name: opened.name, kernelBtfPath: options.kernelBtf };
    const preparation = preparationOf(options);
    const object = BpfObject.open(native, opened.object, openOptions);
    const logs = logMemory(object);
    try {
      prepare(object, opened.model, preparation);
      const failure = await object.load();
      if (failure !== undefined) {
        const written = logs?.read();
        object.close();
        throw await diagnoseLoad({ native, opened, openOptions, preparation, failure, written });
      }
      return new LoadedPackage(native, object, opened, options);
    } catch (error) {
      object.close();
      throw error;
    } finally {
      logs?.free();
    }
  }

  /** Attaches what is not attached yet: every program that is loaded, and struct_ops maps. */
  attach(): Promise<void> {
    this.#attaching ??= this.#attach().finally(() => {
      this.#attaching = undefined;
    });
    return this.#attaching;
  }

  async #attach(): Promise<void> {
    if (this.closed) throw new LoadError('LOAD_CLOSED', 'the package is no longer loaded');
    const { attach } = this.#options;
    const targets: Readonly<Record<string, string | false | undefined>> = typeof attach === 'object' ? attach : {};
    for (const program of this.#allPrograms()) {
      const target = Object.hasOwn(targets, program.name) ? targets[program.name] : undefined;
      if (target === false || !program.attachable) continue;
      if (this.closed) return;
      await program.attach(target);
    }
    if (this.#structOps.every(({ detached }) => detached)) await this.#attachStructOps();
  }

  /** Everything that is attached now. */
  get attachments(): readonly Attachment[] {
    const structOps = this.#structOps.filter(({ detached }) => !detached);
    return [...this.#allPrograms().flatMap(({ attachment }) => attachment ?? []), ...structOps];
  }

  get closed(): boolean {
    return this.#closed !== undefined;
  }

  /** A variable of any section, static ones and sections of one's own (`SEC(".bss.mine")`) included. @throws {TypeError} when there is none */
  global(name: string): unknown {
    return this.#sectionOf(name).get(name);
  }

  /** @throws {TypeError} for `const volatile` variables, which are set when loading */
  setGlobal(name: string, value: unknown): void {
    this.#sectionOf(name).set(name, value);
  }

  #sectionOf(name: string): LiveSection {
    for (const section of this.#sections.values()) if (section.names.includes(name)) return section;
    throw new TypeError(`the program has no global variable ${name}`);
  }

  /** @internal A map whose keys and values are bytes. */
  rawMap(name: string): BpfMap<Uint8Array, unknown> {
    const handle = this.#object.findMap(name);
    if (handle === undefined) throw new Error(`there is no map ${name}`);
    return new BpfMap(
      this.#native,
      this.#mapInfo(handle),
      { key: BYTES_CODEC, value: BYTES_CODEC },
      () => !this.closed,
    );
  }

  /**
   * Ends the iterations over events, detaches, frees everything. Harmless when done twice. Off the event loop: the kernel may take a
   * tenth of a second to make sure that no program runs any more.
   */
  close(): Promise<void> {
    this.#closed ??= this.#closeLater();
    return this.#closed;
  }

  async #closeLater(): Promise<void> {
    await Promise.allSettled([this.#attaching, ...this.#allPrograms().map((program) => program.end())]);
    await Promise.all(this.attachments.map((attachment) => attachment.detach()));
    this.#free();
  }

  /** As {@link close}, here and now; what is just being attached, detached or run is waited for in the background. */
  [Symbol.dispose](): void {
    const busy = this.#attaching !== undefined || this.#allPrograms().some((program) => program.busy);
    for (const attachment of this.attachments) attachment.detachNow();
    if (this.#closed !== undefined) return;
    if (busy) return void this.close();
    this.#closed = Promise.resolve();
    this.#free();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #free(): void {
    for (const close of this.#closing.splice(0)) close();
    this.#object.close();
  }

  async #attachStructOps(): Promise<void> {
    for (const map of this.model.maps) {
      if (map.structOps === undefined || !map.structOps.autocreate) continue;
      if (this.closed) return;
      const handle = this.#object.findMap(map.name);
      if (handle === undefined) continue;
      const { result, errno } = await callAsync(
        this.#native,
        this.#native.bpf.bpf_map__attach_struct_ops,
        handle.pointer,
      );
      if (result === null) throw await attachMapError(map.name, map.structOps.typeName, errno);
      this.#structOps.push(linkAttachment(this.#native, map.name, `struct_ops ${map.structOps.typeName}`, result));
    }
  }

  #allPrograms(): LoadedProgram[] {
    return Object.values(this.programs);
  }

  #programs(): Record<string, LoadedProgram> {
    const programs: Record<string, LoadedProgram> = Object.create(null);
    for (const program of this.model.programs) {
      const handle = this.#object.findProgram(program.name);
      if (handle === undefined || this.#native.bpf.bpf_program__fd(handle.pointer) < 0) continue;
      const extras = this.meta?.bpf_skel.progs.find(({ name }) => name === program.name) ?? {};
      programs[program.name] = new LoadedProgram(this.#native, this.#object, handle, program, extras);
    }
    return programs;
  }

  #moduleMap(name: string): ModuleMap | undefined {
    const maps = this.#options.types?.maps;
    return maps !== undefined && Object.hasOwn(maps, name) ? maps[name] : undefined;
  }

  #stream(map: MapModel, handle: MapHandle): EventStream<unknown> {
    const { bpf } = this.#native;
    const fd = bpf.bpf_map__fd(handle.pointer);
    const known = this.#moduleMap(map.name)?.event as Codec<unknown> | undefined;
    // may throw, when there must be no reader yet
    const decode: Decode<unknown> =
      known === undefined
        ? decodeEvents(this.model.btf, eventTypes(this.model.btf, this.meta, map))
        : decodeWith(known);
    const reader: RecordReader =
      map.typeName === 'ringbuf'
        ? new RingBufferReader(this.#native, fd, bpf.bpf_map__max_entries(handle.pointer), map.name)
        : new PerfBufferReader(this.#native, fd, this.#perfPages(), map.name);
    const stream = new EventStream(this.#native, map.name, reader, decode);
    this.#closing.push(() => stream.close());
    return stream;
  }

  #perfPages(): number {
    return this.#options.perfBufferPages ?? this.meta?.perf_buffer_pages ?? DEFAULT_PERF_PAGES;
  }

  #map(map: MapModel, handle: MapHandle): BpfMap<unknown, unknown> {
    const known = this.#moduleMap(map.name);
    const codecs = {
      key: (known?.key as Codec<unknown> | undefined) ?? this.#codec(map.keyTypeId),
      value: (known?.value as Codec<unknown> | undefined) ?? this.#codec(map.valueTypeId),
    };
    return new BpfMap<unknown, unknown>(this.#native, this.#mapInfo(handle), codecs, () => !this.closed);
  }

  #mapInfo({ name, pointer }: MapHandle): MapInfo {
    const { bpf } = this.#native;
    return {
      name,
      fd: bpf.bpf_map__fd(pointer),
      type: findMapTypeName(bpf.bpf_map__type(pointer)) ?? 'unspec',
      keySize: bpf.bpf_map__key_size(pointer),
      valueSize: bpf.bpf_map__value_size(pointer),
      maxEntries: bpf.bpf_map__max_entries(pointer),
    };
  }

  #codec(typeId: MapModel['keyTypeId']): ValueCodec<unknown> {
    const { btf } = this.model;
    if (btf === undefined || typeId === undefined) return BYTES_CODEC as ValueCodec<unknown>;
    return makeCodec(btf, typeId);
  }

  /** The variables of a section as an object; empty when there is no such section. */
  #variables(name: string): Record<string, unknown> {
    return this.#sections.get(name)?.asObject() ?? Object.create(null);
  }

  #liveSections(): ReadonlyMap<string, LiveSection> {
    const sections = new Map<string, LiveSection>();
    for (const section of this.model.dataSections) {
      const handle = this.#object.findSectionMap(section.name);
      if (handle === undefined || section.kind === 'arena' || section.kind === 'kconfig') continue;
      if (section.variables.length === 0) continue;
      const live = new LiveSection(this.#native, this.#native.bpf.bpf_map__fd(handle.pointer), section, this.model);
      this.#closing.push(() => live.close());
      sections.set(section.name, live);
    }
    return sections;
  }
}

function preparationOf<M>(options: LoadOptions<M>): Preparation {
  const globals = new Map<string, unknown>(options.globals ?? []);
  for (const section of [options.rodata, options.bss, options.data]) {
    for (const [name, value] of Object.entries(section ?? {})) if (value !== undefined) globals.set(name, value);
  }
  const targets = new Map<string, string | false>();
  if (typeof options.attach === 'object') {
    for (const [name, target] of Object.entries(options.attach))
      if (typeof target === 'string' || target === false) targets.set(name, target);
  }
  return {
    globals,
    targets,
    mapSizes: new Map(Object.entries(options.mapSizes ?? {})),
    only: options.programs === undefined ? undefined : new Set<string>(options.programs),
  };
}
