/**
 * Which type the records of a map have: what the generated module says, what the package says about the map (`export_config`),
 * else its export types. Where there are several, the size of a record decides: ring buffers keep it to the byte.
 */

import type { TypeId } from '../btf/kinds.ts';
import { sizeOf } from '../btf/layout.ts';
import type { Btf } from '../btf/table.ts';
import { makeCodec } from '../codegen/ts/run-time.ts';
import type { Codec } from '../decode/index.ts';
import type { BpfMap } from '../object/model.ts';
import type { PackageMeta } from '../package/schema.ts';
import type { Decode } from './stream.ts';

export interface EventType {
  /** For messages: `struct event`. */
  readonly name: string;
  readonly typeId: TypeId;
  /** Bytes. */
  readonly size: number;
}

/** The types that the events of a map may have, most likely first; empty when nothing is known. */
export function eventTypes(btf: Btf | undefined, meta: PackageMeta | undefined, map: BpfMap): EventType[] {
  if (btf === undefined) return [];
  const ids = new Set<TypeId>();
  const configured = configuredType(meta, map.name);
  if (configured !== undefined) ids.add(configured);
  else if (map.valueTypeId !== undefined) ids.add(map.valueTypeId);
  else for (const type of meta?.export_types ?? []) ids.add(type.type_id as TypeId);
  return [...ids].flatMap((typeId) => {
    const size = typeId < btf.count ? sizeOf(btf, typeId) : undefined;
    return size === undefined ? [] : [{ name: btf.name(typeId), typeId, size }];
  });
}

/** `export_config: {"btf_type_id": N}` */
function configuredType(meta: PackageMeta | undefined, name: string): TypeId | undefined {
  const entry = meta?.bpf_skel.maps.find((map) => map.name === name);
  const config = entry?.export_config;
  if (typeof config !== 'object' || config === null) return undefined;
  const id = (config as Record<string, unknown>).btf_type_id;
  return typeof id === 'number' ? (id as TypeId) : undefined;
}

/** The type of one record: the first of the candidates that have its size, or almost; else the first of all. */
export function chooseType<T extends { readonly size: number }>(types: readonly T[], size: number): T | undefined {
  if (types.length === 1) return types[0];
  const exact = types.find((type) => type.size === size);
  // perf buffers round records up to 8 bytes
  return exact ?? types.find((type) => type.size < size && size - type.size < 8) ?? types[0];
}

/** Decodes events of one type; what the program left out at the end reads as zero. */
export function decodeWith<T>(codec: Codec<T>): Decode<T> {
  const { need, read } = codec;
  return (view, offset, size) => {
    if (size >= need) return read(view, offset, offset + size);
    return codec.decodePartial(new DataView(view.buffer, view.byteOffset + offset, size));
  };
}

/** Decodes events of a map by run-time codecs; bytes where no type is known. */
export function decodeEvents(btf: Btf | undefined, types: readonly EventType[]): Decode<unknown> {
  if (btf === undefined || types.length === 0)
    return (view, offset, size) => ({ bytes: new Uint8Array(view.buffer, view.byteOffset + offset, size).slice() });
  const decoders = types.map((type) => ({ size: type.size, decode: decodeWith(makeCodec(btf, type.typeId)) }));
  if (decoders.length === 1) return decoders[0]!.decode;
  return (view, offset, size) => chooseType(decoders, size)!.decode(view, offset, size);
}
