/** Maps whose contents the loader prints, and whether it can print what is in them. */
import { Kind, kindName, type TypeId } from '../../btf/kinds.ts';
import { resolve, sizeOf } from '../../btf/layout.ts';
import type { Btf } from '../../btf/table.ts';
import type { DocumentedMap } from '../../skeleton/documented.ts';
import type { LoaderInput, Warn } from './check.ts';

const PERF_EVENT_ARRAY = 4;
const RINGBUF = 27;
/** By-value nesting that is followed. */
const MAX_DEPTH = 16;

/** In the order in which the loader looks: it exports the last of them. */
export function exportedMaps(maps: readonly DocumentedMap[], mapTypes: ReadonlyMap<string, number>): DocumentedMap[] {
  return maps.filter(
    (map) => map.sample || mapTypes.get(map.name) === RINGBUF || mapTypes.get(map.name) === PERF_EVENT_ARRAY,
  );
}

export function checkEvents({ meta, btf, mapTypes, untaggedEvent }: LoaderInput, warn: Warn): void {
  checkEnum64(btf, warn);
  if (meta.enable_multiple_export_types) return;
  const exported = exportedMaps(meta.bpf_skel.maps, mapTypes);
  const last = exported.at(-1);
  if (last === undefined) return;
  if (exported.length > 1) {
    warn('map', last.name, {
      code: 'LOADER_SEVERAL_MAPS',
      message: `ecli prints only one of ${exported.map(({ name }) => name).join(', ')}: the last, ${last.name}`,
      hint: 'put the map that matters last, or run the package with ecc run, which prints all',
    });
  }
  const type = meta.export_types?.[0];
  if (type === undefined) {
    const typedef = untaggedEvent?.(last.name);
    warn('map', last.name, {
      code: 'LOADER_NO_EXPORT_TYPE',
      message: `nothing says which struct comes through ${last.name}: ecli would attach and then hang without output`,
      hint:
        typedef === undefined
          ? 'pass the header that defines the event struct (ecc SOURCE HEADER), or write @export in the doc comment of the struct'
          : `what the code sends, ${typedef}, has no tag, which a package needs: typedef struct ${typedef} { ... } ${typedef};`,
    });
  } else if (btf !== undefined && !last.sample) checkMembers(btf, type.type_id as TypeId, type.name, last.name, warn);
}

/** The BTF parser that the loader uses knows no 64-bit enums and gives up on the whole object. */
function checkEnum64(btf: Btf | undefined, warn: Warn): void {
  if (btf === undefined) return;
  for (const id of btf.ids()) {
    if (btf.kind(id) !== Kind.enum64) continue;
    warn(undefined, btf.name(id), {
      code: 'LOADER_ENUM64',
      message: `the object's BTF has a 64-bit enum (${btf.name(id) || 'anonymous'}): ecli cannot read the object at all`,
      hint: 'compile with clang 14, or keep values above 32 bits out of enums',
    });
    return;
  }
}

function checkMembers(btf: Btf, struct: TypeId, name: string, map: string, warn: Warn): void {
  for (let i = 0; i < btf.vlen(struct); i++) {
    const why = unprintable(btf, struct, i, 0);
    if (why === undefined) continue;
    warn('map', map, {
      code: 'LOADER_EVENT_MEMBER',
      message: `ecli cannot print member ${btf.memberName(struct, i) || '(anonymous)'} of struct ${name}: ${why}`,
      hint: 'use whole bytes and plain integers, char arrays or nested structs in event structs',
    });
  }
}

function unprintable(btf: Btf, struct: TypeId, index: number, depth: number): string | undefined {
  if (btf.memberBitSize(struct, index) !== 0 || btf.memberBitOffset(struct, index) % 8 !== 0) return 'it is a bitfield';
  return unprintableType(btf, btf.memberType(struct, index), depth);
}

function unprintableType(btf: Btf, id: TypeId, depth: number): string | undefined {
  if (depth > MAX_DEPTH) return undefined;
  const type = resolve(btf, id);
  const kind = btf.kind(type);
  switch (kind) {
    case Kind.int:
    case Kind.ptr:
    case Kind.float:
      return undefined;
    case Kind.enum:
      return sizeOf(btf, type) === 8 ? 'it is an 8-byte enum' : undefined;
    case Kind.array:
      return unprintableType(btf, btf.arrayElement(type), depth + 1);
    case Kind.struct:
    case Kind.union:
      for (let i = 0; i < btf.vlen(type); i++) {
        const why = unprintable(btf, type, i, depth + 1);
        if (why !== undefined) return why;
      }
      return undefined;
    default:
      return `it is of kind ${kindName(kind)}`;
  }
}
