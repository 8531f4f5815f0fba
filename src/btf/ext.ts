/**
 * `.BTF.ext`: which function starts where, which source line an instruction comes from, and the CO-RE relocations of an object,
 * each kept per ELF section of code. Names and source lines stay offsets into the strings of the object's {@link Btf} until
 * somebody asks.
 *
 * Header and records may be longer than the fields known here: their own lengths are obeyed, in either byte order.
 *
 * @see Documentation/bpf/btf.rst, "BTF.ext section"; include/uapi/linux/bpf.h `struct bpf_core_relo`
 */
import { ByteReader } from '../core/bytes.ts';
import { MalformedError } from '../core/errors.ts';
import type { TypeId } from './kinds.ts';
import type { Btf } from './table.ts';

const MAGIC = 0xeb9f;
/** Header up to the line info; the CO-RE fields came later. */
const MIN_HEADER_SIZE = 24;
const HEADER_SIZE_WITH_CORE = 32;

/** CO-RE relocation kinds, with the kernel's numbers (`enum bpf_core_relo_kind`). */
export const CoreRelocKind = {
  fieldByteOffset: 0,
  fieldByteSize: 1,
  fieldExists: 2,
  fieldSigned: 3,
  fieldLshiftU64: 4,
  fieldRshiftU64: 5,
  typeIdLocal: 6,
  typeIdTarget: 7,
  typeExists: 8,
  typeSize: 9,
  enumvalExists: 10,
  enumvalValue: 11,
  typeMatches: 12,
} as const;
export type CoreRelocKind = (typeof CoreRelocKind)[keyof typeof CoreRelocKind];

/** libbpf's names of the kinds, by number. */
const CORE_KIND_NAMES = [
  'byte_off',
  'byte_sz',
  'field_exists',
  'signed',
  'lshift_u64',
  'rshift_u64',
  'local_type_id',
  'target_type_id',
  'type_exists',
  'type_size',
  'enumval_exists',
  'enumval_value',
  'type_matches',
] as const;

/** The name that libbpf's log gives a kind; `kind N` for one that is not known here. */
export function coreRelocKindName(kind: number): string {
  return CORE_KIND_NAMES[kind] ?? `kind ${kind}`;
}

export interface FuncInfo {
  /** **Bytes** from the start of the section to the function's first instruction. */
  readonly insnOffset: number;
  /** A `func` type. */
  readonly typeId: TypeId;
}

export interface LineInfo {
  /** **Bytes** from the start of the section to the first instruction of the line. */
  readonly insnOffset: number;
  /** The file's name: offset into the BTF's strings, for `btf.string()`. */
  readonly fileNameOff: number;
  /** The text of the line: offset into the BTF's strings; 0 when the compiler did not find the file. */
  readonly lineOff: number;
  readonly line: number;
  readonly column: number;
}

export interface CoreReloc {
  /** **Bytes** from the start of the section to the patched instruction. */
  readonly insnOffset: number;
  /** The type at the root of the access. */
  readonly typeId: TypeId;
  /** Indices joined by colons (`0:1:2`): see `resolveAccess`. */
  readonly accessString: string;
  readonly kind: CoreRelocKind;
}

/** Records by the name of the ELF section that they are about, in file order. */
export interface BtfExt {
  readonly funcs: ReadonlyMap<string, readonly FuncInfo[]>;
  readonly lines: ReadonlyMap<string, readonly LineInfo[]>;
  readonly coreRelocs: ReadonlyMap<string, readonly CoreReloc[]>;
}

/** One of the three parts: where it is, and how long a record is at least. */
interface Part<T> {
  readonly name: string;
  readonly offset: number;
  readonly size: number;
  readonly minRecordSize: number;
  readonly read: (view: DataView, at: number) => T;
}

/**
 * Reads the bytes of a `.BTF.ext` section. Cost is linear. `btf` is the object's own table: its strings and ids are what the
 * records refer to, and all references are checked here.
 * @throws {MalformedError} `BTF_EXT_*`
 */
export function parseBtfExt(bytes: Uint8Array, btf: Btf): BtfExt {
  const magic = bytes.length < 2 ? 0 : bytes[0]! | (bytes[1]! << 8);
  if (magic !== MAGIC && magic !== 0x9feb) {
    throw new MalformedError('BTF_EXT_BAD_MAGIC', '.BTF.ext: does not start with the BTF magic 0xeb9f');
  }
  const littleEndian = magic === MAGIC;
  const reader = new ByteReader(bytes, littleEndian, '.BTF.ext', 'BTF_EXT_TRUNCATED');
  if (reader.u8(2) !== 1) {
    throw new MalformedError('BTF_EXT_BAD_HEADER', `.BTF.ext: version ${reader.u8(2)}, expected 1`);
  }
  const headerSize = reader.u32(4);
  if (headerSize < MIN_HEADER_SIZE) {
    throw new MalformedError(
      'BTF_EXT_BAD_HEADER',
      `.BTF.ext: header of ${headerSize} bytes, expected at least ${MIN_HEADER_SIZE}`,
    );
  }
  reader.need(0, headerSize, 'header');
  const hasCore = headerSize >= HEADER_SIZE_WITH_CORE;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const u32 = (at: number) => view.getUint32(at, littleEndian);
  return {
    funcs: readPart(reader, btf, {
      name: 'func info',
      offset: headerSize + reader.u32(8),
      size: reader.u32(12),
      minRecordSize: 8,
      read: (_, at) => ({ insnOffset: u32(at), typeId: checkedType(btf, u32(at + 4), 'func info') }),
    }),
    lines: readPart(reader, btf, {
      name: 'line info',
      offset: headerSize + reader.u32(16),
      size: reader.u32(20),
      minRecordSize: 16,
      read: (_, at) => {
        const position = u32(at + 12);
        return {
          insnOffset: u32(at),
          fileNameOff: checkedString(btf, u32(at + 4), 'line info'),
          lineOff: checkedString(btf, u32(at + 8), 'line info'),
          line: position >>> 10,
          column: position & 0x3ff,
        };
      },
    }),
    coreRelocs: readPart(reader, btf, {
      name: 'CO-RE relocations',
      offset: hasCore ? headerSize + reader.u32(24) : 0,
      size: hasCore ? reader.u32(28) : 0,
      minRecordSize: 16,
      read: (_, at) => ({
        insnOffset: u32(at),
        typeId: checkedType(btf, u32(at + 4), 'CO-RE relocation'),
        accessString: btf.string(checkedString(btf, u32(at + 8), 'CO-RE relocation')),
        kind: u32(at + 12) as CoreRelocKind,
      }),
    }),
  };
}

function readPart<T>(reader: ByteReader, btf: Btf, part: Part<T>): Map<string, T[]> {
  const bySection = new Map<string, T[]>();
  if (part.size === 0) return bySection;
  if (part.offset % 4 !== 0) {
    throw new MalformedError('BTF_EXT_BAD_HEADER', `.BTF.ext: ${part.name} at ${part.offset} is not a multiple of 4`);
  }
  reader.need(part.offset, part.size, part.name);
  const end = part.offset + part.size;
  const need = (at: number, size: number) => {
    if (at + size > end) {
      throw new MalformedError(
        'BTF_EXT_TRUNCATED',
        `.BTF.ext: ${part.name} needs bytes up to 0x${(at + size).toString(16)}, but ends at 0x${end.toString(16)}`,
      );
    }
  };
  need(part.offset, 4);
  const recordSize = reader.u32(part.offset);
  if (recordSize < part.minRecordSize || recordSize % 4 !== 0) {
    throw new MalformedError(
      'BTF_EXT_BAD_RECORD_SIZE',
      `.BTF.ext: ${part.name} has records of ${recordSize} bytes, expected a multiple of 4 of at least ${part.minRecordSize}`,
    );
  }
  let at = part.offset + 4;
  if (at === end) throw new MalformedError('BTF_EXT_EMPTY', `.BTF.ext: ${part.name} has no records`);
  const view = new DataView(reader.bytes.buffer, reader.bytes.byteOffset, reader.bytes.byteLength);
  while (at < end) {
    need(at, 8);
    const section = btf.string(checkedString(btf, reader.u32(at), `section of ${part.name}`));
    const count = reader.u32(at + 4);
    if (count === 0) {
      throw new MalformedError('BTF_EXT_EMPTY', `.BTF.ext: ${part.name} for section ${section} has no records`);
    }
    at += 8;
    need(at, count * recordSize);
    let records = bySection.get(section);
    if (records === undefined) {
      records = [];
      bySection.set(section, records);
    }
    for (let i = 0; i < count; i++, at += recordSize) records.push(part.read(view, at));
  }
  return bySection;
}

function checkedType(btf: Btf, id: number, what: string): TypeId {
  if (id < btf.count) return id as TypeId;
  throw new MalformedError(
    'BTF_EXT_BAD_TYPE_ID',
    `.BTF.ext: ${what} refers to type ${id}, the table has ${btf.count}`,
    {
      details: { ref: id, count: btf.count },
    },
  );
}

function checkedString(btf: Btf, offset: number, what: string): number {
  if (offset < btf.strings.length) return offset;
  throw new MalformedError(
    'BTF_EXT_BAD_NAME',
    `.BTF.ext: ${what} refers to a string at 0x${offset.toString(16)}, the strings end at 0x${btf.strings.length.toString(16)}`,
  );
}
