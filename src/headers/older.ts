/**
 * A kernel's types together with what an older kernel had and it has not: whole types, and members, which are laid over a
 * member at least as large, so that the struct keeps its size and everything else its place. CO-RE relocates such a member by
 * name, so on kernels that have it the program reads the right bytes, and on others the loader refuses it.
 */
import { COMPOSITES, ENUMS, isEnum, Kind, type TypeId } from '../btf/kinds.ts';
import { alignOf, sizeOf } from '../btf/layout.ts';
import { Btf } from '../btf/table.ts';
import { findMember } from './presence.ts';

/**
 * Contexts of programs: the verifier rewrites accesses to them by offset, and a member that is none would hit another.
 * @see include/linux/bpf_types.h
 */
const CONTEXTS = new Set(
  `__sk_buff xdp_md bpf_sock bpf_sock_addr bpf_sock_ops sk_msg_md sk_reuseport_md bpf_flow_keys bpf_cgroup_dev_ctx bpf_sysctl
  bpf_sockopt bpf_sk_lookup bpf_perf_event_data bpf_raw_tracepoint_args bpf_nf_ctx pt_regs user_pt_regs
  user_regs_struct`.split(/\s+/),
);
/** Records of trace events: their layout is the event's format, and programs read them without CO-RE. */
const FIXED_LAYOUT = /^(?:trace_event_raw_|trace_event_data_offsets_|syscall_trace_|bpf_iter__)/;

export class OlderKernel {
  readonly #newer: Btf;
  readonly #older: Btf;
  /** The newer table's words, with the overlaid members changed. */
  readonly #words: Uint32Array;
  readonly #extraWords: number[] = [];
  readonly #extraOffsets: number[] = [];
  readonly #extraStrings: Buffer[] = [];
  readonly #strings = new Map<string, number>();
  /** Id in the older table → id in the combined one. */
  readonly #copies = new Map<TypeId, number>();
  readonly #asked = new Set<string>();
  #stringsEnd: number;

  constructor(newer: Btf, older: Btf) {
    this.#newer = newer;
    this.#older = older;
    this.#words = newer.words.slice();
    this.#stringsEnd = newer.strings.length;
  }

  /** The newer table with everything that was added. */
  combined(): Btf {
    const words = new Uint32Array(this.#words.length + this.#extraWords.length);
    words.set(this.#words);
    words.set(this.#extraWords, this.#words.length);
    const offsets = new Uint32Array(this.#newer.count + this.#extraOffsets.length);
    offsets.set(this.#newer.offsets);
    offsets.set(this.#extraOffsets, this.#newer.count);
    return new Btf({
      words,
      offsets,
      strings: Buffer.concat([this.#newer.strings, ...this.#extraStrings]),
      firstOwnId: this.#newer.firstOwnId,
      firstOwnString: this.#newer.firstOwnString,
      littleEndian: this.#newer.littleEndian,
    });
  }

  /**
   * Adds what the older kernel has under that name: a struct, union or enum, or a typedef or the enum of an enumerator. False when it
   * has none either, or was asked before.
   */
  addNamed(name: string, isTag: boolean): boolean {
    const key = `${isTag} ${name}`;
    if (this.#asked.has(key)) return false;
    this.#asked.add(key);
    const older = this.#older;
    const found = older.find(name, ...(isTag ? [...COMPOSITES, ...ENUMS] : [Kind.typedef]));
    const id = found ?? (isTag ? undefined : this.#enumWith(name));
    if (id !== undefined) this.#copy(id);
    return id !== undefined;
  }

  #enumWith(enumerator: string): TypeId | undefined {
    const older = this.#older;
    for (const id of older.ids()) {
      if (!isEnum(older.kind(id))) continue;
      for (let i = 0; i < older.vlen(id); i++) if (older.enumeratorName(id, i) === enumerator) return id;
    }
    return undefined;
  }

  /**
   * Lays a member of the older kernel's struct over one of the newer's. False when it has no such member, when there is none
   * to lay it over, or when the layout of the type is fixed.
   */
  addMember(type: string, member: string): boolean {
    if (CONTEXTS.has(type) || FIXED_LAYOUT.test(type)) return false;
    const target = this.#newer.find(type, ...COMPOSITES);
    const source = this.#older.find(type, ...COMPOSITES);
    if (target === undefined || source === undefined) return false;
    const found = findMember(this.#older, source, member);
    if (found === undefined) return false;
    const memberType = this.#older.memberType(found.owner, found.index);
    const size = sizeOf(this.#older, memberType) ?? 0;
    const host = this.#findHost(target, size, alignOf(this.#older, memberType) ?? 1);
    if (host === undefined) return false;
    this.#overlay(target, host, member, this.#copy(memberType), this.#older.memberBitSize(found.owner, found.index));
    return true;
  }

  /** Index of the first member with room for that much that is not part of a bit-field and not itself overlaid. */
  #findHost(target: TypeId, size: number, align: number): number | undefined {
    const newer = this.#newer;
    for (let i = 0; i < newer.vlen(target); i++) {
      const at = newer.offsets[target]! + 3 + i * 3;
      if (this.#words[at] === 0 || newer.memberBitSize(target, i) > 0) continue;
      const type = newer.memberType(target, i);
      const isLargeEnough = (sizeOf(newer, type) ?? 0) >= size && (alignOf(newer, type) ?? 1) >= align;
      if (isLargeEnough && size > 0) return i;
    }
    return undefined;
  }

  /** `new;` becomes `union { new; old; };` */
  #overlay(target: TypeId, index: number, name: string, type: number, bits: number): void {
    const at = this.#newer.offsets[target]! + 3 + index * 3;
    const hosted = this.#words[at + 1]! as TypeId;
    const flag = bits > 0 ? 0x80000000 : 0;
    const union = this.#append([
      0,
      (flag | (Kind.union << 24) | 2) >>> 0,
      sizeOf(this.#newer, hosted) ?? 0,
      this.#words[at]!,
      hosted,
      0,
      this.#intern(name),
      type,
      (bits << 24) >>> 0,
    ]);
    this.#words[at] = 0;
    this.#words[at + 1] = union;
  }

  #append(words: readonly number[]): number {
    const id = this.#newer.count + this.#extraOffsets.length;
    this.#extraOffsets.push(this.#words.length + this.#extraWords.length);
    for (const word of words) this.#extraWords.push(word);
    return id;
  }

  /** Equal strings are stored once, as everywhere in BTF. */
  #intern(name: string): number {
    if (name === '') return 0;
    let offset = this.#strings.get(name);
    if (offset !== undefined) return offset;
    const bytes = Buffer.from(`\0${name}\0`);
    const strings = this.#newer.strings;
    const known = Buffer.from(strings.buffer, strings.byteOffset, strings.length).indexOf(bytes);
    if (known >= 0) offset = known + 1;
    else {
      offset = this.#stringsEnd;
      this.#extraStrings.push(bytes.subarray(1));
      this.#stringsEnd += bytes.length - 1;
    }
    this.#strings.set(name, offset);
    return offset;
  }

  /** The combined id of a type of the older table: the newer's own where it has one of that name, else a copy. */
  #copy(id: TypeId): number {
    const pending: TypeId[] = [];
    const result = this.#place(id, pending);
    for (let next = pending.pop(); next !== undefined; next = pending.pop()) this.#fill(next, pending);
    return result;
  }

  #place(id: TypeId, pending: TypeId[]): number {
    if (id === 0) return 0;
    const known = this.#copies.get(id) ?? this.#counterpart(id);
    if (known !== undefined) {
      this.#copies.set(id, known);
      return known;
    }
    const { words, offsets } = this.#older;
    const at = offsets[id]!;
    const end = offsets[id + 1] ?? words.length;
    const copy = this.#append([...words.subarray(at, end)]);
    this.#copies.set(id, copy);
    pending.push(id);
    return copy;
  }

  /** What the newer table calls by the same name. */
  #counterpart(id: TypeId): TypeId | undefined {
    const name = this.#older.name(id);
    if (name === '') return undefined;
    const kind = this.#older.kind(id);
    if (kind === Kind.func || kind === Kind.declTag || kind === Kind.typeTag) return undefined;
    return this.#newer
      .named(name)
      .find(
        (other) =>
          kindClass(this.#newer.kind(other)) === kindClass(kind) && isSameInt(this.#newer, other, this.#older, id),
      );
  }

  /** Points a copy's name and references into the combined table. */
  #fill(id: TypeId, pending: TypeId[]): void {
    const older = this.#older;
    const copy = this.#copies.get(id)! - this.#newer.count;
    const at = this.#extraOffsets[copy]! - this.#words.length;
    const out = this.#extraWords;
    out[at] = this.#intern(older.name(id));
    const kind = older.kind(id);
    switch (kind) {
      case Kind.ptr:
      case Kind.typedef:
      case Kind.const:
      case Kind.volatile:
      case Kind.restrict:
      case Kind.typeTag:
        out[at + 2] = this.#place(older.ref(id), pending);
        break;
      case Kind.array:
        out[at + 3] = this.#place(older.arrayElement(id), pending);
        out[at + 4] = this.#place(older.arrayIndexType(id), pending);
        break;
      case Kind.struct:
      case Kind.union:
        for (let i = 0; i < older.vlen(id); i++) {
          out[at + 3 + i * 3] = this.#intern(older.memberName(id, i));
          out[at + 4 + i * 3] = this.#place(older.memberType(id, i), pending);
        }
        break;
      case Kind.enum:
      case Kind.enum64: {
        const step = kind === Kind.enum ? 2 : 3;
        for (let i = 0; i < older.vlen(id); i++) out[at + 3 + i * step] = this.#intern(older.enumeratorName(id, i));
        break;
      }
      case Kind.funcProto:
        out[at + 2] = this.#place(older.ref(id), pending);
        for (let i = 0; i < older.vlen(id); i++) {
          out[at + 3 + i * 2] = this.#intern(older.paramName(id, i));
          out[at + 4 + i * 2] = this.#place(older.paramType(id, i), pending);
        }
        break;
      default:
        break;
    }
  }
}

/** Kinds that one name of C can have at a time. */
function kindClass(kind: Kind): string {
  if (isEnum(kind)) return 'enum';
  return kind === Kind.fwd ? 'fwd' : String(kind);
}

function isSameInt(a: Btf, aId: TypeId, b: Btf, bId: TypeId): boolean {
  return a.kind(aId) !== Kind.int || a.recordedSize(aId) === b.recordedSize(bId);
}
