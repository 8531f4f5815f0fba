/**
 * Map definitions as libbpf's `.maps` convention writes them: a struct whose members encode numbers in array lengths
 * (`__uint`), types in pointers (`__type`) and slots in a last array (`__array`).
 */
import { aKind, isEnum, Kind, kindName, type TypeId } from '../btf/kinds.ts';
import { resolve, sizeOf } from '../btf/layout.ts';
import type { Btf } from '../btf/table.ts';
import { MalformedError, UnsupportedError } from '../core/errors.ts';
import { findMapTypeName, isMapOfMaps, MapType } from './map-types.ts';
import type { MapDefinition } from './model.ts';

/** Size of the map id or program id that a map of maps or programs stores. */
const SLOT_SIZE = 4;

type Draft = { -readonly [K in keyof MapDefinition]: MapDefinition[K] };

/**
 * Reads the struct `id`.
 * @param map  the map's name, for messages; ends in `.inner` for the definition of the maps in a map
 * @throws {MalformedError} `BTF_MAP_*`
 * @throws {UnsupportedError} `UNSUP_MAP_*`
 */
export function parseMapDefinition(btf: Btf, id: TypeId, map: string, isInner = false): MapDefinition {
  const draft: Draft = {
    type: 0,
    typeName: undefined,
    keySize: 0,
    valueSize: 0,
    keyTypeId: undefined,
    valueTypeId: undefined,
    maxEntries: 0,
    flags: 0,
    numaNode: 0,
    mapExtra: 0n,
    pinning: 'none',
    inner: undefined,
  };
  const count = btf.vlen(id);
  for (let i = 0; i < count; i++) {
    const field: Field = { btf, map, name: btf.memberName(id, i), typeId: btf.memberType(id, i) };
    switch (field.name) {
      case 'type':
        draft.type = encodedNumber(field);
        break;
      case 'max_entries':
        draft.maxEntries = encodedNumber(field);
        break;
      case 'map_flags':
        draft.flags = encodedNumber(field);
        break;
      case 'numa_node':
        draft.numaNode = encodedNumber(field);
        break;
      case 'map_extra':
        draft.mapExtra = encodedLong(field);
        break;
      case 'key_size':
        draft.keySize = agreedSize(field, draft.keySize, encodedNumber(field));
        break;
      case 'value_size':
        draft.valueSize = agreedSize(field, draft.valueSize, encodedNumber(field));
        break;
      case 'key':
        draft.keyTypeId = pointedType(field);
        draft.keySize = agreedSize(field, draft.keySize, pointedSize(field, draft.keyTypeId));
        break;
      case 'value':
        draft.valueTypeId = pointedType(field);
        draft.valueSize = agreedSize(field, draft.valueSize, pointedSize(field, draft.valueTypeId));
        break;
      case 'values':
        if (isInner) {
          throw new UnsupportedError('UNSUP_MAP_NESTING', `map ${map}: maps in maps in maps are not possible`, {
            details: { map },
          });
        }
        if (i !== count - 1) throw badField(field, 'has to be the last member');
        readValues(field, draft);
        break;
      case 'pinning':
        draft.pinning = readPinning(field, isInner);
        break;
      default:
        throw new UnsupportedError('UNSUP_MAP_FIELD', `map ${map}: unknown field '${field.name}'`, {
          details: { map, field: field.name },
          hint: 'known are type, key, key_size, value, value_size, max_entries, map_flags, map_extra, numa_node, pinning, values',
        });
    }
  }
  if (draft.type === 0) {
    throw new MalformedError('BTF_MAP_NO_TYPE', `map ${map}: has no type`, {
      details: { map },
      hint: 'begin the definition with __uint(type, BPF_MAP_TYPE_…)',
    });
  }
  draft.typeName = findMapTypeName(draft.type);
  return draft;
}

/** A member of the defining struct. */
interface Field {
  readonly btf: Btf;
  readonly map: string;
  readonly name: string;
  readonly typeId: TypeId;
}

/** `__uint(name, n)`: a pointer to an array of n elements. */
function encodedNumber(field: Field): number {
  const { btf } = field;
  const array = pointedType(field);
  if (btf.kind(array) !== Kind.array) throw badField(field, `points to ${aKind(btf.kind(array))}, not an array`);
  return btf.arrayLength(array);
}

/** `__ulong(name, n)`: an enum with the one value n; also takes what `__uint` writes. */
function encodedLong(field: Field): bigint {
  const { btf } = field;
  const id = resolve(btf, field.typeId);
  if (!isEnum(btf.kind(id))) return BigInt(encodedNumber(field));
  if (btf.vlen(id) !== 1) throw badField(field, `is an enum of ${btf.vlen(id)} values, expected one`);
  return BigInt.asUintN(64, btf.enumeratorValue(id, 0));
}

/** `__type(name, T)`: a pointer to T. */
function pointedType(field: Field): TypeId {
  const { btf } = field;
  const pointer = resolve(btf, field.typeId);
  if (btf.kind(pointer) !== Kind.ptr) {
    throw badField(field, `is ${aKind(btf.kind(pointer))}, expected a pointer (use __uint() or __type())`);
  }
  return btf.ref(pointer);
}

function pointedSize(field: Field, id: TypeId): number {
  const size = sizeOf(field.btf, id);
  if (size !== undefined) return size;
  const { btf, map, name } = field;
  throw new MalformedError(
    'BTF_MAP_NO_SIZE',
    `map ${map}: the ${name} type (${kindName(btf.kind(id))} ${btf.name(id)}) has no size`,
    {
      details: { map, field: name, typeId: id },
      hint: 'define the type before the map; a forward declaration is not enough',
    },
  );
}

function agreedSize(field: Field, known: number, size: number): number {
  if (known === 0 || known === size) return size;
  throw new MalformedError(
    'BTF_MAP_SIZE_CONFLICT',
    `map ${field.map}: ${field.name} gives ${size} bytes after ${known}`,
    {
      details: { map: field.map, field: field.name, sizes: [known, size] },
      hint: 'say it once: __type(key, TYPE) or __uint(key_size, BYTES), and likewise for the value',
    },
  );
}

function readValues(field: Field, draft: Draft): void {
  const { btf, map } = field;
  const holdsPrograms = draft.type === MapType.progArray;
  if (!holdsPrograms && !isMapOfMaps(draft.type)) {
    throw new UnsupportedError('UNSUP_MAP_VALUES', `map ${map}: only maps of maps and program arrays have 'values'`, {
      details: { map, type: draft.type },
      hint: 'put the type member before values',
    });
  }
  draft.valueSize = agreedSize(field, draft.valueSize, SLOT_SIZE);
  if (btf.kind(field.typeId) !== Kind.array || btf.arrayLength(field.typeId) !== 0) {
    throw badField(field, 'is not an array without length');
  }
  const pointer = resolve(btf, btf.arrayElement(field.typeId));
  if (btf.kind(pointer) !== Kind.ptr) throw badField(field, 'is not an array of pointers');
  const target = resolve(btf, btf.ref(pointer));
  const expected = holdsPrograms ? Kind.funcProto : Kind.struct;
  if (btf.kind(target) !== expected) {
    throw badField(field, `points to ${aKind(btf.kind(target))}, expected ${aKind(expected)}`);
  }
  if (!holdsPrograms) draft.inner = parseMapDefinition(btf, target, `${map}.inner`, true);
}

function readPinning(field: Field, isInner: boolean): MapDefinition['pinning'] {
  if (isInner) throw badField(field, 'is not possible for a map in a map');
  const value = encodedNumber(field);
  if (value > 1) throw badField(field, `is ${value}, expected LIBBPF_PIN_NONE or LIBBPF_PIN_BY_NAME`);
  return value === 1 ? 'byName' : 'none';
}

function badField(field: Field, why: string): MalformedError {
  return new MalformedError('BTF_MAP_BAD_FIELD', `map ${field.map}: '${field.name}' ${why}`, {
    details: { map: field.map, field: field.name, typeId: field.typeId },
  });
}
