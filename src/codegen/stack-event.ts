/** Events that are samples of stacks: which members of their struct hold what. Both the runner and standalone programs print by it. */
import type { TypeId } from '../btf/kinds.ts';
import { resolve } from '../btf/layout.ts';
import type { Btf } from '../btf/table.ts';
import { UnsupportedError } from '../core/errors.ts';

/** What a sample has; the names are those that its members have unless the package says otherwise. */
export const STACK_MEMBERS = ['pid', 'cpu_id', 'comm', 'kstack_sz', 'ustack_sz', 'kstack', 'ustack'] as const;
export type StackMember = (typeof STACK_MEMBERS)[number];

/** The name that each member has in the struct. */
export type StackFields = Readonly<Record<StackMember, string>>;

export interface StackInterpreter {
  readonly fields: StackFields;
  readonly withSymbols: boolean;
}

/** The interpreter of a map's entry in the package (`intepreter: stack_trace`), when it is one of stacks. */
export function stackInterpreter(entry: Readonly<Record<string, unknown>> | undefined): StackInterpreter | undefined {
  const config = entry?.intepreter;
  if (typeof config !== 'object' || config === null) return undefined;
  const stack = (config as Record<string, unknown>).stack_trace;
  if (typeof stack !== 'object' || stack === null) return undefined;
  const { field_map: map, with_symbols: symbols } = stack as {
    field_map?: Record<string, unknown>;
    with_symbols?: unknown;
  };
  const named = (name: string): string => {
    const other = map !== undefined && Object.hasOwn(map, name) ? map[name] : undefined;
    return typeof other === 'string' ? other : name;
  };
  const fields = Object.fromEntries(STACK_MEMBERS.map((name) => [name, named(name)])) as Record<StackMember, string>;
  return { fields, withSymbols: symbols !== false };
}

/**
 * The members' indexes in the struct.
 * @throws {UnsupportedError} `UNSUP_STACK_EVENT` when one is missing
 */
export function stackMembers(btf: Btf, typeId: TypeId, fields: StackFields): Readonly<Record<StackMember, number>> {
  const id = resolve(btf, typeId);
  const names = Array.from({ length: btf.vlen(id) }, (_, index) => btf.memberName(id, index));
  const missing = Object.values(fields).filter((name) => !names.includes(name));
  if (missing.length > 0) {
    throw new UnsupportedError('UNSUP_STACK_EVENT', `struct ${btf.name(id)} has no member ${missing.join(', ')}`, {
      hint: 'name the members in field_map of the interpreter',
    });
  }
  return Object.fromEntries(STACK_MEMBERS.map((member) => [member, names.indexOf(fields[member])])) as Record<
    StackMember,
    number
  >;
}
