/**
 * The types of a loaded package, taken from the module that `ecc --ts` writes: what each map holds, what events are, which global
 * variables there are. Types only.
 */
import type { Codec, DataSection } from '../decode/index.ts';
import type { BpfMap } from './maps.ts';
import type { EventStream } from './stream.ts';

/** As much of a generated module as the runner needs: `import * as types from './OBJ.bpf.ts'`. */
export interface BpfModule {
  readonly programs?: Readonly<Record<string, { readonly section: string }>>;
  readonly maps?: Readonly<Record<string, ModuleMap>>;
}

export interface ModuleMap {
  readonly type: string | number;
  readonly key?: ModuleCodec;
  readonly value?: ModuleCodec;
  readonly event?: ModuleCodec;
}

/** Any codec. Its methods are all that can be called without knowing the type. */
export type ModuleCodec = Pick<Codec<never, never>, 'name' | 'size' | 'need'> & {
  // biome-ignore lint/suspicious/noExplicitAny: the values of a codec that is not known; only inference looks at them
  decode(source: any, offset?: number): unknown;
};

/** Values without a known type: what the run-time codecs give. */
export type Untyped = Record<string, unknown>;

// biome-ignore lint/suspicious/noExplicitAny: a codec encodes what it decodes and more; only the decoded type is asked for
type DecodedBy<C> = C extends Codec<infer T, any> ? T : Uint8Array;

type EventMapType = 'ringbuf' | 'perf_event_array';
type PerCpuType = `${string}percpu${string}`;

/** Maps of events, by name. */
export type Events<M> = M extends { readonly maps: infer Maps }
  ? {
      readonly [K in keyof Maps as Maps[K] extends { readonly type: EventMapType } ? K : never]: EventStream<
        Maps[K] extends { readonly event: infer C } ? DecodedBy<C> : Untyped
      >;
    }
  : Readonly<Record<string, EventStream<Untyped>>>;

type ValueOf<Map> = Map extends { readonly value: infer C } ? DecodedBy<C> : Uint8Array;

/** All other maps, by name. */
export type Maps<M> = M extends { readonly maps: infer Maps }
  ? {
      readonly [K in keyof Maps as Maps[K] extends { readonly type: EventMapType } ? never : K]: BpfMap<
        Maps[K] extends { readonly key: infer C } ? DecodedBy<C> : Uint8Array,
        Maps[K] extends { readonly type: PerCpuType } ? ValueOf<Maps[K]>[] : ValueOf<Maps[K]>
      >;
    }
  : // biome-ignore lint/suspicious/noExplicitAny: without a module nothing is known about keys and values
    Readonly<Record<string, BpfMap<any, any>>>;

/** Names of the programs. */
export type ProgramName<M> = M extends { readonly programs: infer P } ? keyof P & string : string;

/** Variables of one section as `load()` takes them. */
export type SectionInput<M, Name extends string> =
  M extends Readonly<Record<Name, DataSection<infer T, infer _In>>> ? Partial<T> : Untyped;

/** Variables of one section of a loaded program. */
export type SectionValues<M, Name extends string> =
  M extends Readonly<Record<Name, DataSection<infer T, infer _In>>> ? T : Untyped;
