/**
 * Global variables of a program: their first values, put in between opening and loading, and, for those that can change, the live
 * ones, read and written in the memory that the program itself uses.
 */
import { makeCodec } from '../codegen/ts/run-time.ts';
import { UsageError } from '../core/errors.ts';
import { nearest } from '../core/nearest.ts';
import type { Codec } from '../decode/index.ts';
import { initialBytes } from '../object/initial-bytes.ts';
import type { DataSection, DataVariable, BpfObject as ObjectModel } from '../object/model.ts';
import { type MappedMemory, mapMemory } from './memory.ts';
import { errnoOf, type Native } from './native.ts';
import type { BpfObject } from './object.ts';

export interface GlobalVariable {
  readonly name: string;
  readonly section: DataSection;
  readonly variable: DataVariable;
}

/** Variables that a loader can reach, in the order of their sections. Of two with one name the first. */
export function globalVariables(model: ObjectModel): ReadonlyMap<string, GlobalVariable> {
  const found = new Map<string, GlobalVariable>();
  for (const section of model.dataSections) {
    if (section.kind !== 'data' && section.kind !== 'rodata' && section.kind !== 'bss') continue;
    for (const variable of section.variables) {
      if (variable.exported && !found.has(variable.name))
        found.set(variable.name, { name: variable.name, section, variable });
    }
  }
  return found;
}

/** Values as the codecs take them, by variable. */
export type GlobalValues = ReadonlyMap<string, unknown>;

/** The first bytes of each section that has a value to set, with it set. */
export function sectionContents(model: ObjectModel, values: GlobalValues): ReadonlyMap<DataSection, Uint8Array> {
  const variables = globalVariables(model);
  const contents = new Map<DataSection, Uint8Array>();
  for (const [name, value] of values) {
    const { section, variable } = variables.get(name) ?? unknownVariable(name, variables);
    const bytes = contents.get(section) ?? Uint8Array.from(initialBytes(section));
    bytes.set(encodeGlobal(model, name, variable, value), variable.offset);
    contents.set(section, bytes);
  }
  return contents;
}

function encodeGlobal(model: ObjectModel, name: string, variable: DataVariable, value: unknown): Uint8Array {
  try {
    const bytes = new Uint8Array(variable.size);
    bytes.set(makeCodec(model.btf!, variable.typeId).encode(value));
    return bytes;
  } catch (cause) {
    if (!(cause instanceof RangeError || cause instanceof TypeError)) throw cause;
    throw new UsageError('USAGE_GLOBAL_VALUE', `global variable ${name}: ${cause.message}`, {
      details: { variable: name },
      cause,
    });
  }
}

function unknownVariable(name: string, variables: ReadonlyMap<string, GlobalVariable>): never {
  const [close] = nearest(name, variables.keys(), 1);
  throw new UsageError('USAGE_GLOBAL', `the program has no global variable ${name}`, {
    details: { variable: name, variables: [...variables.keys()] },
    hint:
      variables.size === 0
        ? 'it has none that can be set; declare `const volatile` or non-static globals'
        : close === undefined
          ? `it has ${[...variables.keys()].join(', ')}`
          : `did you mean ${close}?`,
  });
}

/** Puts first values in. Between opening and loading. */
export function setInitialValues(object: BpfObject, model: ObjectModel, values: GlobalValues): void {
  for (const [section, bytes] of sectionContents(model, values)) {
    const map = object.findSectionMap(section.name);
    if (map === undefined) throw new Error(`libbpf has no map for ${section.name}`);
    const result = object.native.bpf.bpf_map__set_initial_value(map.pointer, bytes, bytes.length);
    if (result !== 0) throw new Error(`${section.name}: ${errnoOf(result).name}`);
  }
}

/** One variable of a loaded program. */
export interface LiveVariable {
  get(): unknown;
  set(value: unknown): void;
}

/**
 * The variables of a section of a loaded program, in the memory that the program reads and writes. `set` changes just the bytes of
 * the variable, so others that the program changes meanwhile are left alone. Sections with nothing but static variables cannot
 * be mapped: they are read through the map, and not written.
 */
export class LiveSection {
  readonly #memory: MappedMemory | undefined;
  readonly #view: DataView;
  #refresh: () => void;
  readonly #variables: ReadonlyMap<string, { readonly place: DataVariable; readonly codec: Codec<unknown> }>;
  readonly #writable: boolean;
  readonly #name: string;

  constructor(native: Native, fd: number, section: DataSection, model: ObjectModel) {
    const page = native.pageSize;
    const what = section.name;
    const mappable = section.variables.some(({ exported }) => exported);
    this.#name = what;
    this.#writable = mappable && section.kind !== 'rodata';
    if (mappable) {
      const size = Math.ceil(section.size / page) * page;
      this.#memory = mapMemory(native, { fd, size, offset: 0, writable: this.#writable, what });
      this.#view = new DataView(this.#memory.buffer, 0, section.size);
      this.#refresh = () => {};
    } else {
      const copy = Buffer.alloc(section.size);
      this.#view = new DataView(copy.buffer, copy.byteOffset, copy.length);
      this.#refresh = () => native.bpf.bpf_map_lookup_elem_flags(fd, Buffer.alloc(4), copy, 0n);
    }
    this.#variables = new Map(
      section.variables.map((place) => [place.name, { place, codec: makeCodec(model.btf!, place.typeId) }]),
    );
  }

  get names(): readonly string[] {
    return [...this.#variables.keys()];
  }

  get(name: string): unknown {
    const { place, codec } = this.#find(name);
    this.#refresh();
    return codec.decode(this.#view, place.offset);
  }

  set(name: string, value: unknown): void {
    if (!this.#writable)
      throw new TypeError(`${this.#name} is read-only once the program is loaded; set ${name} when loading`);
    const { place, codec } = this.#find(name);
    codec.encodeInto(value, new Uint8Array(this.#view.buffer, place.offset, place.size));
  }

  close(): void {
    this.#refresh = () => {};
    this.#memory?.close();
  }

  #find(name: string): { readonly place: DataVariable; readonly codec: Codec<unknown> } {
    const found = this.#variables.get(name);
    if (found === undefined) throw new TypeError(`${this.#name} has no variable ${name}`);
    return found;
  }

  /** The variables as the properties of one object; static ones are left out, as libbpf's skeletons do. */
  asObject(): Record<string, unknown> {
    const object: Record<string, unknown> = Object.create(null);
    for (const [name, { place }] of this.#variables) {
      if (!place.exported) continue;
      Object.defineProperty(object, name, {
        enumerable: true,
        get: () => this.get(name),
        set: (value: unknown) => this.set(name, value),
      });
    }
    return object;
  }
}
