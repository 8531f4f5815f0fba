/**
 * C headers out of BTF: any set of its types, or all of them, in an order that compiles, with the sizes and offsets that the
 * BTF records. The declaration of one type alone is {@link emitDeclaration}.
 */
import { Kind, type TypeId } from '../kinds.ts';
import type { Btf } from '../table.ts';
import { CNames, type Rename } from './names.ts';
import { DeclarationOrder } from './order.ts';
import { CPrinter } from './printer.ts';

/** What makes every access to these structs a CO-RE access. */
const PUSH = `#ifndef BPF_NO_PRESERVE_ACCESS_INDEX
#pragma clang attribute push (__attribute__((preserve_access_index)), apply_to = record)
#endif
`;
const POP = `#ifndef BPF_NO_PRESERVE_ACCESS_INDEX
#pragma clang attribute pop
#endif
`;

export interface HeaderOptions {
  /** By type id, non-zero for a type to define; what it needs comes along. Default: all types. */
  readonly types?: Uint8Array;
  /** Functions to declare as kfuncs. Default: none. */
  readonly kfuncs?: readonly TypeId[];
  /** Lines before the include guard, each a comment. */
  readonly banner?: string;
  /** The names to use; one made for this table. Default: new ones without exclusions. */
  readonly names?: CNames;
}

export interface CHeader {
  readonly text: string;
  /** Types and enumerators that could not keep their names, see {@link CNames}. */
  readonly renames: readonly Rename[];
}

/** A header as `#include "vmlinux.h"` expects it: include guard `__VMLINUX_H__`, CO-RE pragma, types, kfunc prototypes. */
export function emitHeader(btf: Btf, options: HeaderOptions = {}): CHeader {
  const names = options.names ?? new CNames(btf);
  const printer = new CPrinter(btf, names);
  const { text } = printer;
  const order = new DeclarationOrder(btf, printer);
  text.add(options.banner ?? '');
  text.add(`#ifndef __VMLINUX_H__\n#define __VMLINUX_H__\n\n${PUSH}\n`);
  order.declareTypes(options.types);
  if (options.kfuncs !== undefined && options.kfuncs.length > 0) {
    text.add('#ifndef BPF_NO_KFUNC_PROTOTYPES\n');
    order.declareKfuncs(options.kfuncs);
    text.add('#endif\n\n');
  }
  text.add(`${POP}\n#endif /* __VMLINUX_H__ */\n`);
  return { text: text.toString(), renames: names.renames() };
}

/**
 * One type as C: the definition of a struct, union, enum or typedef, the prototype of a function, else an abstract declarator
 * such as `int (*)(void)`. What it refers to is named, not declared. No trailing newline.
 */
export function emitDeclaration(btf: Btf, id: TypeId): string {
  const printer = new CPrinter(btf, new CNames(btf));
  const kind = btf.kind(id);
  const isTagged = btf.nameOff(id) !== 0;
  if (isTagged && (kind === Kind.struct || kind === Kind.union)) printer.composite(id);
  else if (kind === Kind.enum || kind === Kind.enum64) printer.enumeration(id);
  else if (kind === Kind.typedef) printer.typedef(id);
  else if (kind === Kind.fwd) printer.forward(id);
  else if (kind === Kind.func) printer.kfunc(id);
  else printer.declarator(id, kind === Kind.var ? btf.name(id) : '');
  return printer.text.toString().trimEnd();
}
