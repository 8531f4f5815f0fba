/**
 * In which kernels something exists, for messages: "task_struct has no member `state`; kernels before 5.14 have".
 */
import { COMPOSITES, ENUMS, isComposite, isEnum, Kind, type TypeId } from '../btf/kinds.ts';
import { resolve } from '../btf/layout.ts';
import type { Btf } from '../btf/table.ts';

/** Something that a kernel may have: a struct, union, enum or typedef; a member of one; an enumerator; a kfunc. */
export type KernelThing =
  | { readonly kind: 'type'; readonly name: string }
  | { readonly kind: 'member'; readonly type: string; readonly member: string }
  | { readonly kind: 'enumerator'; readonly name: string }
  | { readonly kind: 'function'; readonly name: string };

/** True when the kernel of that BTF has it. Enumerators cost a pass over all enums. */
export function hasThing(btf: Btf, thing: KernelThing): boolean {
  switch (thing.kind) {
    case 'type':
      return btf.find(thing.name, ...COMPOSITES, ...ENUMS, Kind.typedef) !== undefined;
    case 'member':
      return btf
        .named(thing.type, ...COMPOSITES, Kind.typedef)
        .some((id) => findMember(btf, id, thing.member) !== undefined);
    case 'enumerator':
      return hasEnumerator(btf, thing.name);
    case 'function':
      return btf.find(thing.name, Kind.func) !== undefined;
  }
}

/** The versions, in the order given, whose kernels have it. */
export function findVersionsWith(
  kernels: readonly { readonly version: string; readonly btf: Btf }[],
  thing: KernelThing,
): string[] {
  return kernels.filter(({ btf }) => hasThing(btf, thing)).map(({ version }) => version);
}

/** A member as C finds it: also inside of anonymous members. */
export interface FoundMember {
  /** The composite that lists it: the one asked for, or an anonymous one inside. */
  readonly owner: TypeId;
  readonly index: number;
}

const MAX_NESTING = 32;

/** The member of that name; typedefs are looked through. `undefined` also for what is no struct or union. */
export function findMember(btf: Btf, id: TypeId, name: string, depth = 0): FoundMember | undefined {
  const owner = resolve(btf, id);
  if (!isComposite(btf.kind(owner)) || depth > MAX_NESTING) return undefined;
  for (let index = 0; index < btf.vlen(owner); index++) {
    const memberName = btf.memberName(owner, index);
    if (memberName === name) return { owner, index };
    if (memberName !== '') continue;
    const inner = findMember(btf, btf.memberType(owner, index), name, depth + 1);
    if (inner !== undefined) return inner;
  }
  return undefined;
}

function hasEnumerator(btf: Btf, name: string): boolean {
  for (const id of btf.ids()) {
    if (!isEnum(btf.kind(id))) continue;
    for (let i = 0; i < btf.vlen(id); i++) if (btf.enumeratorName(id, i) === name) return true;
  }
  return false;
}
