/**
 * The types of the events that a program sends: what it hands to `bpf_ringbuf_reserve`, `bpf_perf_event_output` and the like,
 * each tied to its map. Functions of the program that only pass on a `void *` (`reserve_buf(sizeof(*e))`,
 * `submit_buf(ctx, e, sizeof(*e))`, often in headers) are taken for helpers in turn, and their callers looked at.
 */
import { type AstNode, placeOf } from './ast-node.ts';
import type { CType } from './c-type.ts';
import { typedefTarget } from './declarations.ts';
import { type Call, FunctionBody } from './function-body.ts';
import { mapValueType } from './map-value.ts';
import { type MapValueType, mapOf, type Origin, pointeeOf, sizeOf, TypeRank, typeRank, useOf } from './pointee.ts';
import type { SourceUnit, SourceWarning } from './source-unit.ts';

export interface EventTypeName {
  /**
   * `typedef`: of something without a tag, or of a type that is not the program's own, which BTF can tell more about.
   * `array`, `scalar`: bytes that the program did not give a struct.
   */
  readonly kind: 'struct' | 'union' | 'enum' | 'typedef' | 'scalar' | 'array' | 'pointer';
  /** The tag, the typedef's name, or the C type as spelled. */
  readonly name: string;
}

export interface EventType {
  /** `undefined` for helpers without a map, and where the program chooses the map at run time. */
  readonly map: string | undefined;
  readonly type: EventTypeName;
  /** The kernel's helper, also where the call goes through functions of the program. */
  readonly helper: string;
  readonly file: string;
  readonly line: number;
  /** Whether a package can hold it among its export types: those are structs with a tag. */
  readonly writable: boolean;
}

export interface EventTypes {
  /** In source order, each type once for a map and helper. */
  readonly events: readonly EventType[];
  readonly warnings: readonly SourceWarning[];
}

/** A function that sends an event, and which of its arguments tell what. */
interface Sender {
  readonly helper: string;
  readonly map: { readonly name?: string; readonly parameter?: number };
  /** Where the event is handed over; `result` if the function gives memory to write it to. */
  readonly data: number | 'result';
  readonly size: number | undefined;
}

/** A helper of the kernel, and which of its arguments tell what. */
export interface Helper {
  readonly name: string;
  readonly map: number | undefined;
  /** `result`: it gives memory to write the event to. */
  readonly data: number | 'result';
  readonly size: number;
}

export const HELPERS: readonly Helper[] = [
  { name: 'bpf_ringbuf_reserve', map: 0, data: 'result', size: 1 },
  { name: 'bpf_ringbuf_output', map: 0, data: 1, size: 2 },
  { name: 'bpf_perf_event_output', map: 1, data: 3, size: 4 },
  { name: 'bpf_skb_output', map: 1, data: 3, size: 4 },
  { name: 'bpf_xdp_output', map: 1, data: 3, size: 4 },
  { name: 'bpf_seq_write', map: undefined, data: 1, size: 2 },
];

export const DYNPTR_HELPER = 'bpf_ringbuf_reserve_dynptr';

/** The kernel's helpers whose calls are looked at. */
export const EVENT_HELPERS: readonly string[] = [...HELPERS.map(({ name }) => name), DYNPTR_HELPER];

/** How many functions may stand between a helper and the code that knows the type. */
const MAX_WRAPPERS = 4;

/** Of events in source order: each type once for a map and helper. */
export function firstOfEach(events: readonly EventType[]): EventType[] {
  const first = new Map<string, EventType>();
  for (const event of events) {
    const key = [event.map, event.helper, event.type.kind, event.type.name].join('\0');
    if (!first.has(key)) first.set(key, event);
  }
  return [...first.values()];
}

export function findEventTypes(unit: SourceUnit<AstNode>): EventTypes {
  return new EventFinder(unit).find();
}

interface Found {
  /** Position of the call: index of the function's node, offset in its file. */
  readonly order: readonly [node: number, offset: number];
  readonly event: EventType;
}

class EventFinder {
  readonly #unit: SourceUnit;
  readonly #mapValue: MapValueType;
  readonly #functions: readonly { node: AstNode; order: number; names: Set<string> }[];
  /** Names of the functions that something refers to. */
  readonly #used: ReadonlySet<string | undefined>;
  readonly #bodies = new Map<AstNode, FunctionBody>();
  readonly #typedefs = new Map<string, AstNode>();
  readonly #found: Found[] = [];
  readonly #warnings: SourceWarning[] = [];
  /** Senders made out of functions of the program, by what they are, so that recursion ends. */
  readonly #known = new Set<string>();

  constructor(unit: SourceUnit<AstNode>) {
    this.#unit = unit;
    this.#mapValue = (map) => mapValueType(unit, map);
    for (const node of unit.nodes) {
      if (node.kind === 'TypedefDecl') this.#typedefs.set(node.name!, node);
    }
    this.#used = new Set(unit.nodes.filter(isReferenced).map(({ name }) => name));
    this.#functions = unit.nodes.flatMap((node, order) =>
      // Nobody calls a static function that nothing refers to: headers are full of them.
      node.kind === 'FunctionDecl' && (node.head.storageClass !== 'static' || this.#used.has(node.name))
        ? [{ node, order, names: node.referencedNames() }]
        : [],
    );
  }

  find(): EventTypes {
    this.#warnOfDynptrs();
    let senders: ReadonlyMap<string, readonly Sender[]> = new Map(
      HELPERS.map(({ name, map, data, size }) => [
        name,
        [{ helper: name, map: map === undefined ? {} : { parameter: map }, data, size }],
      ]),
    );
    for (let level = 0; level <= MAX_WRAPPERS && senders.size > 0; level++) senders = this.#follow(senders);
    const inOrder = this.#found.toSorted((a, b) => a.order[0] - b.order[0] || a.order[1] - b.order[1]);
    return { events: firstOfEach(inOrder.map(({ event }) => event)), warnings: this.#warnings };
  }

  /** Looks at all calls of the senders. @returns the functions that only pass an event on */
  #follow(senders: ReadonlyMap<string, readonly Sender[]>): Map<string, Sender[]> {
    const wrappers = new Map<string, Sender[]>();
    for (const { node, order, names } of this.#functions) {
      if (![...senders.keys()].some((name) => names.has(name))) continue;
      const body = this.#body(node);
      for (const call of body.calls) {
        for (const sender of senders.get(call.callee) ?? []) {
          const wrapper = this.#send(body, call, sender, order);
          if (wrapper === undefined || this.#isKnown(node.name!, wrapper)) continue;
          wrappers.set(node.name!, [...(wrappers.get(node.name!) ?? []), wrapper]);
        }
      }
    }
    return wrappers;
  }

  #isKnown(name: string, wrapper: Sender): boolean {
    const key = `${name} ${JSON.stringify(wrapper)}`;
    if (this.#known.has(key)) return true;
    this.#known.add(key);
    return false;
  }

  /** Notes the type of the event that a call sends. @returns the caller as a sender if only its callers know that type */
  #send(body: FunctionBody, call: Call, sender: Sender, order: number): Sender | undefined {
    const mapArgument = sender.map.parameter === undefined ? undefined : call.args[sender.map.parameter];
    const map = mapArgument === undefined ? sender.map : mapOf(body, mapArgument);
    const sizeArgument = sender.size === undefined ? undefined : call.args[sender.size];
    const size = sizeArgument && sizeOf(body, sizeArgument);
    const data = this.#data(body, call, sender);
    const wrapper = this.#wrapper(body, data, sender.data === 'result');
    const type = this.#eventType(data, size, { reserved: sender.data === 'result', isWrapper: wrapper !== undefined });
    if (type !== undefined) {
      this.#add(body, call, order, sender.helper, map.name, type);
      return undefined;
    }
    if (wrapper !== undefined) return { helper: sender.helper, map, data: wrapper, size: size?.parameter };
    const target = map.name === undefined ? '' : ` to ${map.name}`;
    this.#warn(body, call, `cannot tell the type of the event that ${sender.helper} sends${target}`);
    return undefined;
  }

  /** Where a function that others call takes the event from them or gives them the memory for it, if it does. */
  #wrapper(body: FunctionBody, data: Origin, isResult: boolean): Sender['data'] | undefined {
    if (!this.#used.has(body.node.name)) return undefined;
    if (isResult) return data.returned ? 'result' : undefined;
    return data.parameter;
  }

  #data(body: FunctionBody, call: Call, { data }: Sender): Origin {
    if (data === 'result') return useOf(body, call.node, this.#mapValue);
    const argument = call.args[data];
    return argument === undefined
      ? { types: [], parameter: undefined, returned: false }
      : pointeeOf(body, argument, this.#mapValue);
  }

  /** The better of what the pointer and the size tell. Memory is reserved for what the size says. */
  #eventType(
    data: Origin,
    size: ReturnType<typeof sizeOf> | undefined,
    { reserved, isWrapper }: { reserved: boolean; isWrapper: boolean },
  ): EventTypeName | undefined {
    const byPointer = data.types[0];
    const bySize = size?.types[0];
    const pointerRank = byPointer === undefined ? TypeRank.none : typeRank(byPointer);
    const sizeRank = bySize === undefined ? TypeRank.none : typeRank(bySize);
    const sizeWins = sizeRank > pointerRank || (reserved && size?.exact === true && sizeRank === TypeRank.tagged);
    // Plain bytes that come from a caller: the caller knows better what they are.
    if (isWrapper && Math.max(pointerRank, sizeRank) <= TypeRank.scalar) return undefined;
    const type = sizeWins ? bySize : byPointer;
    return type === undefined ? undefined : this.#nameOf(type);
  }

  #nameOf(type: CType): EventTypeName | undefined {
    if (type.kind === 'void' || type.kind === 'other' || type.name === undefined) return undefined;
    if (type.kind !== 'typedef') return { kind: type.kind, name: type.name };
    const node = this.#typedefs.get(type.name);
    const target = node && typedefTarget(node);
    const follows =
      target !== undefined && !target.untagged && target.type.kind !== 'scalar' && target.type.kind !== 'pointer';
    return (follows ? this.#nameOf(target.type) : undefined) ?? { kind: 'typedef', name: type.name };
  }

  #add(
    body: FunctionBody,
    call: Call,
    order: number,
    helper: string,
    map: string | undefined,
    type: EventTypeName,
  ): void {
    const { file } = body.node;
    const offset = placeOf(call.node.range?.begin)?.offset ?? 0;
    const line = this.#unit.text(file)?.positionOf(offset).line ?? 1;
    this.#found.push({
      order: [order, offset],
      event: { map, type, helper, file, line, writable: type.kind === 'struct' },
    });
  }

  #warnOfDynptrs(): void {
    for (const { node, names } of this.#functions) {
      if (!names.has(DYNPTR_HELPER)) continue;
      const body = this.#body(node);
      for (const call of body.calls) {
        if (call.callee !== DYNPTR_HELPER) continue;
        const map = call.args[0] && mapOf(body, call.args[0]).name;
        this.#warn(
          body,
          call,
          `an event in a dynptr has no single type: tag the struct that ${map ?? 'it'} carries with @export`,
        );
      }
    }
  }

  #warn(body: FunctionBody, call: Call, message: string): void {
    const offset = placeOf(call.node.range?.begin)?.offset ?? 0;
    this.#warnings.push(this.#unit.warning(body.node.file, offset, message));
  }

  #body(node: AstNode): FunctionBody {
    let body = this.#bodies.get(node);
    if (body === undefined) {
      body = new FunctionBody(node);
      this.#bodies.set(node, body);
    }
    return body;
  }
}

function isReferenced({ kind, head }: AstNode): boolean {
  return kind === 'FunctionDecl' && (head.isUsed === true || head.isReferenced === true);
}
