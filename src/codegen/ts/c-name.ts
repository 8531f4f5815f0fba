/**
 * A type of a member as one line of C for comments: `char comm[16]`, `int (*fn)(void *)`. Anonymous structs show as `struct {…}`: their
 * members are in the TypeScript.
 */
import { Kind, type TypeId } from '../../btf/kinds.ts';
import type { Btf } from '../../btf/table.ts';

/** Pointers, arrays and qualifiers around a type; what is longer is cut. */
const MAX_CHAIN = 32;
const MAX_PARAMS = 12;

/** The declaration of `name`, or with an empty name the type alone. */
export function cDeclaration(btf: Btf, id: TypeId, name: string, depth = 0): string {
  let declarator = name;
  let wasPointer = false;
  let qualifiers = '';
  for (let step = 0; step < MAX_CHAIN; step++) {
    const kind = btf.kind(id);
    switch (kind) {
      case Kind.ptr:
        declarator = qualifiers === '' ? `*${declarator}` : `*${qualifiers.trimEnd()}${space(declarator)}${declarator}`;
        qualifiers = '';
        wasPointer = true;
        id = btf.ref(id);
        continue;
      case Kind.array: {
        const length = btf.arrayLength(id);
        declarator = `${wasPointer ? `(${declarator})` : declarator}[${length === 0 ? '' : length}]`;
        wasPointer = false;
        id = btf.arrayElement(id);
        continue;
      }
      case Kind.funcProto:
        declarator = `${wasPointer ? `(${declarator})` : declarator}(${parameters(btf, id, depth)})`;
        wasPointer = false;
        id = btf.ref(id);
        continue;
      case Kind.const:
      case Kind.volatile:
      case Kind.restrict:
        // Whatever order they are recorded in, people write const first.
        if (kind === Kind.const) qualifiers = `const ${qualifiers}`;
        else qualifiers += kind === Kind.volatile ? 'volatile ' : 'restrict ';
        id = btf.ref(id);
        continue;
      case Kind.typeTag:
        id = btf.ref(id);
        continue;
      default: {
        const base = qualifiers + baseName(btf, id);
        return declarator === '' ? base : `${base}${declarator.startsWith('[') ? '' : ' '}${declarator}`;
      }
    }
  }
  return `… ${declarator}`;
}

function space(declarator: string): string {
  return declarator === '' ? '' : ' ';
}

function parameters(btf: Btf, proto: TypeId, depth: number): string {
  const count = btf.vlen(proto);
  if (count === 0) return 'void';
  if (depth > 1) return '…';
  const texts: string[] = [];
  for (let i = 0; i < Math.min(count, MAX_PARAMS); i++) {
    const type = btf.paramType(proto, i);
    texts.push(type === 0 ? '...' : cDeclaration(btf, type, '', depth + 1));
  }
  if (count > MAX_PARAMS) texts.push('…');
  return texts.join(', ');
}

function baseName(btf: Btf, id: TypeId): string {
  const name = btf.name(id);
  switch (btf.kind(id)) {
    case Kind.void:
      return 'void';
    case Kind.struct:
      return name === '' ? 'struct {…}' : `struct ${name}`;
    case Kind.union:
      return name === '' ? 'union {…}' : `union ${name}`;
    case Kind.fwd:
      return `${btf.kindFlag(id) ? 'union' : 'struct'} ${name}`;
    case Kind.enum:
    case Kind.enum64:
      return name === '' ? 'enum {…}' : `enum ${name}`;
    default:
      return name;
  }
}
