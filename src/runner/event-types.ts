/**
 * Which type the records of a map have: what the generated module says, what the package says about the map (`export_config`),
 * else its export types. Where there are several, the size of a record decides: ring buffers keep it to the byte.
 */

import type { TypeId } from '../btf/kinds.ts';
import { sizeOf } from '../btf/layout.ts';
import type { Btf } from '../btf/table.ts';
import { makeCodec } from '../codegen/ts/run-time.ts';
import { MalformedError } from '../core/errors.ts';
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
  /** Instead of a type's own: what the package's `custom_members` pick out of a record. */
  readonly members?: readonly CustomMember[];
}

export interface CustomMember {
  readonly name: string;
  /** Bytes from the start of the record. */
  readonly offset: number;
  readonly typeId: TypeId;
}

/** The types that the events of a map may have, most likely first; empty when nothing is known. */
export function eventTypes(btf: Btf | undefined, meta: PackageMeta | undefined, map: BpfMap): EventType[] {
  if (btf === undefined) return [];
  const config = exportConfig(meta, map.name);
  const custom = customMembers(btf, config.custom_members);
  if (custom !== undefined) return [custom];
  const ids = new Set<TypeId>();
  if (typeof config.btf_type_id === 'number') ids.add(config.btf_type_id as TypeId);
  else if (map.valueTypeId !== undefined) ids.add(map.valueTypeId);
  else for (const type of meta?.export_types ?? []) ids.add(type.type_id as TypeId);
  return [...ids].flatMap((typeId) => {
    const size = typeId < btf.count ? sizeOf(btf, typeId) : undefined;
    return size === undefined ? [] : [{ name: btf.name(typeId), typeId, size }];
  });
}

/** `export_config` of a map: `{"btf_type_id": N}`, `{"custom_members": [...]}`, or a word that says nothing about the type. */
function exportConfig(meta: PackageMeta | undefined, name: string): Readonly<Record<string, unknown>> {
  const config = meta?.bpf_skel.maps.find((map) => map.name === name)?.export_config;
  return typeof config === 'object' && config !== null ? (config as Record<string, unknown>) : {};
}

/** @throws {MalformedError} `PKG_BAD_EXPORT_CONFIG` for members without a type of this object */
function customMembers(btf: Btf, list: unknown): EventType | undefined {
  if (!Array.isArray(list) || list.length === 0) return undefined;
  const members = list.map((entry: unknown): CustomMember => {
    const { name, offset, btf_type_id: id } = (entry ?? {}) as Readonly<Record<string, unknown>>;
    const valid =
      typeof name === 'string' && Number.isInteger(offset) && Number.isInteger(id) && (id as number) < btf.count;
    if (!valid || (offset as number) < 0 || sizeOf(btf, id as TypeId) === undefined) {
      throw new MalformedError(
        'PKG_BAD_EXPORT_CONFIG',
        `custom_members: ${JSON.stringify(entry)} has no name, offset and type of this object`,
      );
    }
    return { name: name as string, offset: offset as number, typeId: id as TypeId };
  });
  members.sort((a, b) => a.offset - b.offset);
  const size = Math.max(...members.map(({ offset, typeId }) => offset + sizeOf(btf, typeId)!));
  return { name: 'custom members', typeId: members[0]!.typeId, size, members };
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
  const decoders = types.map((type) => ({ size: type.size, decode: decoderOf(btf, type) }));
  if (decoders.length === 1) return decoders[0]!.decode;
  return (view, offset, size) => chooseType(decoders, size)!.decode(view, offset, size);
}

function decoderOf(btf: Btf, { typeId, members }: EventType): Decode<unknown> {
  if (members === undefined) return decodeWith(makeCodec(btf, typeId));
  const decoders = members.map(({ name, offset, typeId: id }) => ({
    name,
    offset,
    decode: decodeWith(makeCodec(btf, id)),
  }));
  return (view, offset, size) => {
    const event: Record<string, unknown> = Object.create(null);
    for (const member of decoders) {
      const left = Math.max(0, size - member.offset);
      event[member.name] = member.decode(view, offset + Math.min(member.offset, size), left);
    }
    return event;
  };
}
