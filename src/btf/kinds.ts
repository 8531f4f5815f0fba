/**
 * The kinds of BTF and their small enumerations, with the kernel's numbers.
 * @see include/uapi/linux/btf.h; Documentation/bpf/btf.rst
 */

export const Kind = {
  void: 0,
  int: 1,
  ptr: 2,
  array: 3,
  struct: 4,
  union: 5,
  enum: 6,
  fwd: 7,
  typedef: 8,
  volatile: 9,
  const: 10,
  restrict: 11,
  func: 12,
  funcProto: 13,
  var: 14,
  datasec: 15,
  float: 16,
  declTag: 17,
  typeTag: 18,
  enum64: 19,
} as const;
export type Kind = (typeof Kind)[keyof typeof Kind];

const NAMES = Object.keys(Kind) as (keyof typeof Kind)[];

/** The kind's name as {@link Kind} spells it; `kind N` for one that we do not know. */
export function kindName(kind: number): string {
  return NAMES[kind] ?? `kind ${kind}`;
}

/** `an int`, `a struct`. */
export function aKind(kind: number): string {
  const name = kindName(kind);
  return `${/^[aeiou]/.test(name) ? 'an' : 'a'} ${name}`;
}

/** `int` encoding bits. */
export const IntEncoding = { signed: 1, char: 2, bool: 4 } as const;

/** Linkage of a `var` and of a `func`. */
export const Linkage = { static: 0, global: 1, extern: 2 } as const;
export type Linkage = (typeof Linkage)[keyof typeof Linkage];

/** Number of a type in its table. 0 is `void`. */
export type TypeId = number & { readonly __brand: 'TypeId' };

/** Kinds that only decorate the type they refer to: volatile, const, restrict, type tag. */
export function isModifier(kind: Kind): boolean {
  return kind === Kind.volatile || kind === Kind.const || kind === Kind.restrict || kind === Kind.typeTag;
}

export const COMPOSITES: readonly Kind[] = [Kind.struct, Kind.union];
export const ENUMS: readonly Kind[] = [Kind.enum, Kind.enum64];

/** struct or union. */
export function isComposite(kind: Kind): boolean {
  return kind === Kind.struct || kind === Kind.union;
}

/** enum or enum64. */
export function isEnum(kind: Kind): boolean {
  return kind === Kind.enum || kind === Kind.enum64;
}
