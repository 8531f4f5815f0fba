/**
 * C types as clang spells them in `qualType` (`const struct event *`, `char[16]`, `struct (unnamed struct at x.c:3:1)`), read as
 * far as finding the type of an event needs: what a pointer points to, and what kind of thing that is by its name.
 */

export type CType =
  | { readonly kind: 'struct' | 'union' | 'enum' /** Absent without a tag. */; readonly name: string | undefined }
  | { readonly kind: 'typedef' | 'scalar'; readonly name: string }
  | { readonly kind: 'pointer' | 'array'; readonly to: CType; readonly name: string }
  | { readonly kind: 'void' }
  | { readonly kind: 'function' };

const QUALIFIER = /\b(?:const|volatile|restrict|__restrict|_Atomic)\b/g;
const ATTRIBUTE = /\b__attribute__\s*\(\((?:[^()]|\([^()]*\))*\)\)/g;
const SCALAR_WORD = /^(?:_Bool|bool|char|short|int|long|signed|unsigned|float|double|__int128|_Float16|__bf16)\b/;

export function parseCType(spelling: string): CType {
  return parse(spelling.replaceAll(ATTRIBUTE, ' ').replaceAll(QUALIFIER, ' ').replaceAll(/\s+/g, ' ').trim());
}

function parse(text: string): CType {
  const typeOf = /^(?:__)?typeof(?:_unqual)?(?:__)? ?\((.*)\)( ?[*[].*)?$/.exec(text);
  if (typeOf !== null && !text.includes(') (')) return parse(`${typeOf[1]}${typeOf[2] ?? ''}`);
  // `int (*)[27]`, `int (*)(void *)`: the pointer is inside.
  const declarator = / ?\(\*+ ?\)/.exec(text);
  if (declarator !== null) {
    const to = parse(`${text.slice(0, declarator.index)}${text.slice(declarator.index + declarator[0].length)}`);
    return { kind: 'pointer', to, name: text };
  }
  if (text.endsWith('*')) return { kind: 'pointer', to: parse(text.slice(0, -1).trim()), name: text };
  if (text.endsWith(']')) {
    const bracket = text.indexOf('[');
    const rest = text.slice(text.indexOf(']', bracket) + 1);
    return { kind: 'array', to: parse(`${text.slice(0, bracket).trim()}${rest}`), name: text };
  }
  const tagged = /^(struct|union|enum) (?:([A-Za-z_$][\w$]*)$|\()/.exec(text);
  if (tagged !== null) return { kind: tagged[1] as 'struct' | 'union' | 'enum', name: tagged[2] };
  if (text.endsWith(')')) return { kind: 'function' };
  if (text === 'void') return { kind: 'void' };
  return { kind: SCALAR_WORD.test(text) ? 'scalar' : 'typedef', name: text };
}
