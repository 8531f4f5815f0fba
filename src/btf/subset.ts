/**
 * A smaller table out of a larger one: chosen types and all that they need.
 */
import { isComposite, isModifier, Kind, type TypeId } from './kinds.ts';
import { rewrite } from './rewrite.ts';
import type { Btf } from './table.ts';
import { endOf, HEAD_WORDS, Role, roleOf } from './words.ts';

export interface SubsetOptions {
  /**
   * What goes along for a named struct or union that is only pointed to: `full` (default), or `forward` for a forward
   * declaration, unless it is needed by value elsewhere.
   */
  readonly behindPointers?: 'full' | 'forward';
  /** False for members to leave out, together with what only they need. Sizes and offsets stay as they are. */
  readonly keepMember?: (id: TypeId, index: number) => boolean;
  /** False to leave out the decl tags of the types that are kept. Default true. */
  readonly declTags?: boolean;
}

/** How far a type goes along. */
const Need = { none: 0, ahead: 1, full: 2 } as const;

/**
 * The types `roots`, all that they refer to, directly or not, and their decl tags: in the old order, under new ids, without a
 * base. Functions, variables and sections come only when they are roots themselves.
 */
export function subsetBtf(btf: Btf, roots: Iterable<TypeId>, options: SubsetOptions = {}): Btf {
  const { behindPointers = 'full', keepMember, declTags = true } = options;
  const ahead = behindPointers === 'forward' ? Need.ahead : Need.full;
  const keep = new Uint8Array(btf.count);
  const pending: TypeId[] = [];
  const need = (id: TypeId, wanted: number): void => {
    if (id === 0) return;
    const level = canBeAhead(btf, id) ? wanted : Need.full;
    if (keep[id]! >= level) return;
    keep[id] = level;
    pending.push(id);
  };
  for (const id of roots) need(id, Need.full);
  for (let id = pending.pop(); id !== undefined; id = pending.pop()) {
    const kind = btf.kind(id);
    const level = keep[id]!;
    if (isComposite(kind) && level === Need.ahead) continue;
    const members = isComposite(kind) ? keepMember : undefined;
    const inner = kind === Kind.ptr || kind === Kind.funcProto ? ahead : level;
    const at = btf.offsets[id]!;
    const end = endOf(btf, id);
    for (let word = at + 2; word < end; word++) {
      if (roleOf(kind, word - at) !== Role.type) continue;
      if (members !== undefined && !members(id, Math.floor((word - at - HEAD_WORDS) / 3))) continue;
      need(btf.words[word]! as TypeId, inner);
    }
  }
  if (declTags) keepDeclTags(btf, keep, keepMember);
  const forward = keep.map((level, id) => Number(level === Need.ahead && isComposite(btf.kind(id as TypeId))));
  return rewrite(btf, { keep, forward, ...(keepMember && { keepMember }) });
}

/** Behind a pointer C does with a declaration of a tag, also through typedefs and qualifiers. */
function canBeAhead(btf: Btf, id: TypeId): boolean {
  const kind = btf.kind(id);
  return kind === Kind.typedef || isModifier(kind) || (isComposite(kind) && btf.nameOff(id) !== 0);
}

function keepDeclTags(btf: Btf, keep: Uint8Array, keepMember: SubsetOptions['keepMember']): void {
  for (const id of btf.ids()) {
    if (btf.kind(id) !== Kind.declTag) continue;
    const target = btf.ref(id);
    if (keep[target] !== Need.full) continue;
    const component = btf.declTagComponent(id);
    if (component >= 0 && keepMember && isComposite(btf.kind(target)) && !keepMember(target, component)) continue;
    keep[id] = Need.full;
  }
}
