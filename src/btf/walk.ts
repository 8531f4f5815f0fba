/** From type to type: what one refers to, and all that can be reached from it. */
import { Kind, type TypeId } from './kinds.ts';
import type { Btf } from './table.ts';
import { endOf, Role, roleOf } from './words.ts';

export interface WalkOptions {
  /** False to stay with what is held by value: pointers are given, what they point to is not. Default true. */
  readonly behindPointers?: boolean;
}

/**
 * The types that a type refers to, in the order of its record: an array's element and index type, a member's type, a func
 * proto's result before its parameters. `void` and repetitions are among them.
 */
export function referencesOf(btf: Btf, id: TypeId): TypeId[] {
  const found: TypeId[] = [];
  if (id === 0) return found;
  const { words } = btf;
  const kind = btf.kind(id);
  const at = btf.offsets[id]!;
  const end = endOf(btf, id);
  for (let word = at + 2; word < end; word++)
    if (roleOf(kind, word - at) === Role.type) found.push(words[word]! as TypeId);
  return found;
}

/**
 * Every type that `roots` are or refer to, directly or not, each once, `void` left out: a type before what it refers to, in the
 * order in which one reads C. Circles end; depth costs no stack.
 */
export function* reachableTypes(
  btf: Btf,
  roots: TypeId | Iterable<TypeId>,
  options: WalkOptions = {},
): Generator<TypeId> {
  const { behindPointers = true } = options;
  const seen = new Uint8Array(btf.count);
  seen[0] = 1;
  const pending = (typeof roots === 'number' ? [roots] : [...roots]).reverse();
  for (let id = pending.pop(); id !== undefined; id = pending.pop()) {
    if (seen[id] === 1) continue;
    seen[id] = 1;
    yield id;
    if (!behindPointers && btf.kind(id) === Kind.ptr) continue;
    const references = referencesOf(btf, id);
    for (let i = references.length; i-- > 0; ) if (seen[references[i]!] === 0) pending.push(references[i]!);
  }
}
