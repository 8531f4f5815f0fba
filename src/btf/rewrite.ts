/**
 * Copying a choice of types into a new table: ids become dense, only the strings in use go along. What subsetting, merging and
 * deduplicating share.
 */
import { Kind, type TypeId } from './kinds.ts';
import { StringTable } from './strings.ts';
import { Btf, type BtfParts } from './table.ts';
import { endOf, HEAD_WORDS, Role, roleOf } from './words.ts';

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

  const strings = new StringTable(plan.strings);
  /** Old offset → new offset + 1. */
  const moved = new Uint32Array(parts.strings.length);
  const moveString = (offset: number): number => {
    if (moved[offset] === 0) moved[offset] = strings.addFrom(parts.strings, offset) + 1;
    return moved[offset]! - 1;
  };

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
      out[start] = moveString(words[at]!);
      out[start + 1] = (Kind.fwd << 24) | (kind === Kind.union ? 1 << 31 : 0);
      length += HEAD_WORDS;
      continue;
    }
    const filter = keepMember !== undefined && (kind === Kind.struct || kind === Kind.union);
    const end = endOf(parts, id);
    let dropped = 0;
    for (let word = at; word < end; word++) {
      const index = word - at;
      if (filter && index >= HEAD_WORDS && index % 3 === 0 && !keepMember(id as TypeId, index / 3 - 1)) {
        dropped++;
        word += 2; // the rest of the member
        continue;
      }
      const value = words[word]!;
      switch (roleOf(kind, index)) {
        case Role.string:
          out[length++] = moveString(value);
          break;
        case Role.type:
          out[length++] = newIds[canonical === undefined ? value : canonical[value]!]!;
          break;
        default:
          out[length++] = value;
      }
    }
    if (dropped > 0) out[start + 1] = info - dropped;
    if (kind === Kind.declTag && keepMember !== undefined) {
      out[length - 1] = componentAfter(parts, words[at + 2]! as TypeId, words[end - 1]!, keepMember);
    }
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

/** The component of a decl tag, less the members before it that were left out. */
function componentAfter(
  parts: BtfParts,
  target: TypeId,
  component: number,
  keepMember: (id: TypeId, index: number) => boolean,
): number {
  const kind = (parts.words[parts.offsets[target]! + 1]! >>> 24) & 0x1f;
  if (component >>> 31 === 1 || (kind !== Kind.struct && kind !== Kind.union)) return component;
  let left = 0;
  for (let index = 0; index < component; index++) left += Number(keepMember(target, index));
  return left;
}
