/**
 * C types as clang spells them in `qualType` (`const struct event *`, `char[16]`, `struct (unnamed struct at x.c:3:1)`), read as
 * far as finding the type of an event needs: what a pointer points to, and what kind of thing that is by its name.
 */
import type { ClangType } from './ast-node.ts';

export type CType =
  | { readonly kind: 'struct' | 'union' | 'enum' /** Absent without a tag. */; readonly name: string | undefined }
  | { readonly kind: 'typedef' | 'scalar'; readonly name: string }
  | { readonly kind: 'pointer' | 'array'; readonly to: CType /** The type as spelled. */; readonly name: string }
  | { readonly kind: 'void' }
  /** Functions, and `typeof (x)`, which says nothing without knowing `x`. */
  | { readonly kind: 'other' };

const QUALIFIER = /\b(?:const|volatile|restrict|__restrict|_Atomic)\b/g;
const ATTRIBUTE = /\b__attribute__\s*\(\((?:[^()]|\([^()]*\))*\)\)/g;
const SCALAR = /^(?:_Bool|bool|char|short|int|long|signed|unsigned|float|double|__int128|_Float16|__bf16)\b/;

/** The type of an expression; of a typedef'd pointer the pointer behind it. */
export function cTypeOf(type: ClangType | undefined): CType {
  return parseCType(type?.desugaredQualType ?? type?.qualType ?? '');
}

export function parseCType(spelling: string): CType {
  return parse(spelling.replaceAll(ATTRIBUTE, ' ').replaceAll(QUALIFIER, ' ').replaceAll(/\s+/g, ' ').trim());
}

function parse(text: string): CType {
  // `typeof(struct event) *`, as in a map's `__type(value, struct event)`. clang puts a blank before an expression.
  const typeOf = /^(?:typeof|__typeof__)\(([^()]*)\)(.*)$/.exec(text);
  if (typeOf !== null) return parse(`${typeOf[1]}${typeOf[2]}`.trim());
  // `int (*)[27]`, `int (*)(void *)`: the pointer is inside.
  const inside = / ?\(\* ?\)/.exec(text);
  if (inside !== null) {
    const to = parse(text.slice(0, inside.index) + text.slice(inside.index + inside[0].length));
    return { kind: 'pointer', to, name: text };
  }
  if (text.endsWith('*')) return { kind: 'pointer', to: parse(text.slice(0, -1).trim()), name: text };
  if (text.endsWith(']')) {
    const open = text.indexOf('[');
    const to = parse(text.slice(0, open).trim() + text.slice(text.indexOf(']', open) + 1));
    return { kind: 'array', to, name: text };
  }
  const tagged = /^(struct|union|enum) (?:([A-Za-z_$][\w$]*)$|.*\()/.exec(text);
  if (tagged !== null) return { kind: tagged[1] as 'struct' | 'union' | 'enum', name: tagged[2] };
  if (text === 'void') return { kind: 'void' };
  if (text === '' || text.includes('(')) return { kind: 'other' };
  return { kind: SCALAR.test(text) ? 'scalar' : 'typedef', name: text };
}
