/** Events with stack traces (`intepreter: stack_trace` of a package), as the reference loader prints them. */
import type { TypeId } from '../btf/kinds.ts';
import type { Btf } from '../btf/table.ts';
import { type StackFields, stackMembers } from '../codegen/stack-event.ts';
import { makeCodec } from '../codegen/ts/run-time.ts';
import type { KernelSymbols } from './kallsyms.ts';
import type { UserSymbols } from './user-symbols.ts';

/** What a stack event says. Frames innermost first. */
export interface StackEvent {
  readonly pid: number;
  readonly cpu: number;
  readonly comm: string;
  readonly kernel: readonly bigint[];
  readonly user: readonly bigint[];
}

/** Reads stack events of a type. @throws {UnsupportedError} `UNSUP_STACK_EVENT` when members are missing */
export function stackReader(
  btf: Btf,
  typeId: TypeId,
  fields: StackFields,
): (view: DataView, offset: number, size: number) => StackEvent {
  const codec = makeCodec(btf, typeId);
  stackMembers(btf, typeId, fields);
  return (view, offset, size) => {
    const event = codec.decodePartial(new DataView(view.buffer, view.byteOffset + offset, size)) as Record<
      string,
      unknown
    >;
    const frames = (stack: string, bytes: string): bigint[] => {
      const all = event[stack] as ArrayLike<bigint>;
      const count = Math.max(0, Math.floor(Number(event[bytes]) / 8));
      return Array.from({ length: Math.min(count, all.length) }, (_, i) => BigInt(all[i]!));
    };
    return {
      pid: Number(event[fields.pid]),
      cpu: Number(event[fields.cpu_id]),
      comm: String(event[fields.comm]),
      kernel: frames(fields.kstack, fields.kstack_sz),
      user: frames(fields.ustack, fields.ustack_sz),
    };
  };
}

/** What addresses are named by. */
export interface StackSymbols {
  readonly kernel: KernelSymbols;
  readonly user: UserSymbols;
}

/** Several lines; `''` for an event without frames, which is not printed. */
export function stackText(event: StackEvent, symbols: StackSymbols | undefined): string {
  const { kernel, user, pid } = event;
  if (kernel.length === 0 && user.length === 0) return '';
  const lines = [`COMM: ${event.comm} (pid=${pid}) @ CPU ${event.cpu}`];
  if (kernel.length === 0) lines.push('No Kernel Stack');
  else lines.push('Kernel:', ...kernel.map((address, i) => frame(i, address, symbols?.kernel.find(address))));
  if (user.length === 0) lines.push('No Userspace Stack');
  else lines.push('Userspace:', ...user.map((address, i) => frame(i, address, symbols?.user.find(pid, address))));
  return `${lines.join('\n')}\n`;
}

function frame(index: number, address: bigint, name: string | undefined): string {
  const text = `${String(index).padStart(3)} [<${address.toString(16).padStart(16, '0')}>]`;
  return name === undefined ? text : `${text} ${name}`;
}
