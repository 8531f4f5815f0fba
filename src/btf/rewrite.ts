/**
 * Copying a choice of types into a new table: ids become dense, only the strings in use go along. What subsetting, merging and
 * deduplicating share.
 */
import { Kind, type TypeId } from './kinds.ts';
import { MovedStrings, StringTable } from './strings.ts';
import { Btf, type BtfParts } from './table.ts';
import { copyElements, copyRecord, endOf, HEAD_WORDS } from './words.ts';

/** Words of `struct btf_member`. */
const MEMBER_WORDS = 3;

export interface RewritePlan {
  /** Nonzero for the types that the new table holds; they keep their order. */
  readonly keep: Uint8Array;
  /**
   * What stands for each type where it is referred to; it must be kept. Default: the type itself.
   */
  readonly canonical?: Uint32Array;
  /** Nonzero for composites of which only a forward declaration goes along. */
  readonly forward?: Uint8Array;
  /** False for members to leave out. Sizes and offsets stay as they are. */
  readonly keepMember?: (id: TypeId, index: number) => boolean;
  /** Strings to begin the new section with, in use or not. */
  readonly strings?: Uint8Array;
}

/** The new table has no base, whatever the old one had. */
export function rewrite(parts: BtfParts, plan: RewritePlan): Btf {
  const { words, offsets } = parts;
  const { keep, canonical, forward, keepMember } = plan;
  const count = offsets.length;
  const newIds = new Uint32Array(count);
  let kept = 1;
  for (let id = 1; id < count; id++) if (keep[id] !== 0) newIds[id] = kept++;
  const ids = canonical === undefined ? newIds : new Uint32Array(count);
  if (canonical !== undefined) for (let id = 1; id < count; id++) ids[id] = newIds[canonical[id]!]!;

  const strings = new StringTable(plan.strings);
  const names = new MovedStrings(parts.strings, strings);
  const relocation = { words, ids, names };
  const keptBefore = keepMember && new KeptBefore(parts, keepMember);

  const out = new Uint32Array(words.length);
  const outOffsets = new Uint32Array(kept);
  let length = 0;
  for (let id = 1; id < count; id++) {
    if (keep[id] === 0) continue;
    const at = offsets[id]!;
    const info = words[at + 1]!;
    const kind = ((info >>> 24) & 0x1f) as Kind;
    const start = length;
    outOffsets[newIds[id]!] = start;
    if (forward !== undefined && forward[id] !== 0) {
      out[start] = names.move(words[at]!);
      out[start + 1] = (Kind.fwd << 24) | (kind === Kind.union ? 1 << 31 : 0);
      length += HEAD_WORDS;
      continue;
    }
    const end = endOf(parts, id);
    if (keepMember === undefined || (kind !== Kind.struct && kind !== Kind.union)) {
      copyRecord(relocation, at, end, out, length);
      length += end - at;
      if (kind === Kind.declTag && keptBefore !== undefined) {
        out[length - 1] = keptBefore.component(words[at + 2]! as TypeId, words[end - 1]!);
      }
      continue;
    }
    copyRecord(relocation, at, at + HEAD_WORDS, out, length);
    length += HEAD_WORDS;
    for (let index = 0, member = at + HEAD_WORDS; member < end; index++, member += MEMBER_WORDS) {
      if (!keepMember(id as TypeId, index)) continue;
      copyElements(relocation, kind, member, member + MEMBER_WORDS, out, length);
      length += MEMBER_WORDS;
    }
    const dropped = (end - at - (length - start)) / MEMBER_WORDS;
    out[start + 1] = info - dropped;
  }
  return new Btf({
    words: out.slice(0, length),
    offsets: outOffsets,
    strings: strings.bytes(),
    firstOwnId: 1,
    firstOwnString: 0,
    littleEndian: parts.littleEndian,
  });
}

/** How many members of each composite are kept before each of its members, and in all; worked out where it is asked for. */
class KeptBefore {
  readonly #parts: BtfParts;
  readonly #keepMember: (id: TypeId, index: number) => boolean;
  readonly #known = new Map<TypeId, Uint32Array>();

  constructor(parts: BtfParts, keepMember: (id: TypeId, index: number) => boolean) {
    this.#parts = parts;
    this.#keepMember = keepMember;
  }

  /** The component of a decl tag of that type, less the members before it that are left out. */
  component(target: TypeId, component: number): number {
    if (target === 0) return component;
    const { words, offsets } = this.#parts;
    const info = words[offsets[target]! + 1]!;
    const kind = (info >>> 24) & 0x1f;
    const vlen = info & 0xffff;
    if ((kind !== Kind.struct && kind !== Kind.union) || component >= vlen) return component;
    let kept = this.#known.get(target);
    if (kept === undefined) {
      kept = new Uint32Array(vlen + 1);
      for (let i = 0; i < vlen; i++) kept[i + 1] = kept[i]! + Number(this.#keepMember(target, i));
      this.#known.set(target, kept);
    }
    return kept[component]!;
  }
}
