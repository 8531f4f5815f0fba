/**
 * An object in libbpf's hands: opened, configured, loaded, closed. A thin layer: names, numbers and pointers as libbpf has
 * them. Why a load failed is for `diagnose.ts`, attaching for `attach.ts`.
 */
import { MalformedError } from '../core/errors.ts';
import type { Pointer } from './libbpf.ts';
import { callAsync, type Errno, errnoOf, lastErrno, type Native, nativeStruct } from './native.ts';

/** A program of an opened object. Pointers die with the object. */
export interface ProgramHandle {
  readonly pointer: Pointer;
  readonly name: string;
  readonly section: string;
}

export interface MapHandle {
  readonly pointer: Pointer;
  /** As in the source; internal maps as libbpf names them (`sigsnoop.rodata`). */
  readonly name: string;
  /** Data sections, `.kconfig`. */
  readonly internal: boolean;
}

export interface OpenOptions {
  /** First letters of the names of internal maps and what libbpf's messages call the object. */
  readonly name: string;
  /** BTF of the kernel that runs, for a kernel without its own. */
  readonly kernelBtfPath?: string | undefined;
}

/** `struct bpf_object_open_opts` up to the last member that is used; libbpf takes shorter structs. */
const OPEN_OPTS = { size: 56, objectName: 8, btfCustomPath: 48 } as const;

export class BpfObject {
  readonly native: Native;
  readonly programs: readonly ProgramHandle[];
  readonly maps: readonly MapHandle[];
  #pointer: Pointer | null;

  private constructor(native: Native, pointer: Pointer) {
    const { bpf } = native;
    this.native = native;
    this.#pointer = pointer;
    const programs: ProgramHandle[] = [];
    for (
      let at = bpf.bpf_object__next_program(pointer, null);
      at !== null;
      at = bpf.bpf_object__next_program(pointer, at)
    )
      programs.push({ pointer: at, name: bpf.bpf_program__name(at), section: bpf.bpf_program__section_name(at) });
    const maps: MapHandle[] = [];
    for (let at = bpf.bpf_object__next_map(pointer, null); at !== null; at = bpf.bpf_object__next_map(pointer, at))
      maps.push({ pointer: at, name: bpf.bpf_map__name(at), internal: bpf.bpf_map__is_internal(at) });
    this.programs = programs;
    this.maps = maps;
  }

  /** @throws {MalformedError} `ELF_LIBBPF` when libbpf cannot make sense of the object. */
  static open(native: Native, bytes: Uint8Array, options: OpenOptions): BpfObject {
    const opts = nativeStruct(native, OPEN_OPTS.size, [
      [0, 'u64', OPEN_OPTS.size],
      [OPEN_OPTS.objectName, 'pointer', options.name],
      [OPEN_OPTS.btfCustomPath, 'pointer', options.kernelBtfPath ?? null],
    ]);
    const pointer = native.bpf.bpf_object__open_mem(bytes, bytes.length, opts);
    if (pointer === null) {
      const { name, errno } = lastErrno(native);
      throw new MalformedError('ELF_LIBBPF', `libbpf ${native.libbpfVersion} cannot open the object (${name})`, {
        details: { errno, libbpf: native.libbpfVersion },
      });
    }
    return new BpfObject(native, pointer);
  }

  get pointer(): Pointer {
    if (this.#pointer === null) throw new Error('the object is closed');
    return this.#pointer;
  }

  get closed(): boolean {
    return this.#pointer === null;
  }

  /** Loads all programs that are to be loaded, and what they need. Off the event loop. `undefined` when all went well. */
  async load(): Promise<Errno | undefined> {
    const { result } = await callAsync(this.native, this.native.bpf.bpf_object__load, this.pointer);
    return result === 0 ? undefined : errnoOf(result);
  }

  findProgram(name: string): ProgramHandle | undefined {
    return this.programs.find((program) => program.name === name);
  }

  findMap(name: string): MapHandle | undefined {
    return this.maps.find((map) => map.name === name);
  }

  /** The internal map of a data section: `.rodata` is `OBJECT.rodata`, `.rodata.mine` keeps its own name. */
  findSectionMap(section: string): MapHandle | undefined {
    return this.maps.find(
      ({ internal, name }) => internal && (name === section || (name.endsWith(section) && !name.startsWith('.'))),
    );
  }

  close(): void {
    if (this.#pointer === null) return;
    const pointer = this.#pointer;
    this.#pointer = null;
    this.native.bpf.bpf_object__close(pointer);
  }
}
