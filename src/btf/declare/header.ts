/**
 * C headers out of BTF: any set of its types, or all of them, in an order that compiles, with the sizes and offsets that the
 * BTF records. The declaration of one type alone is {@link emitDeclaration}.
 */
import { isComposite, isEnum, Kind, type TypeId } from '../kinds.ts';
import type { Btf } from '../table.ts';
import { declaredTypes } from './kind-lists.ts';
import { CNames, type Rename } from './names.ts';
import { DeclarationOrder } from './order.ts';
import { TextOutput } from './output.ts';
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
/** Kernels make less than one byte of C per byte of BTF. */
const MAX_TEXT_PER_BYTE = 64;
const MIN_TEXT_LIMIT = 1 << 20;

/** Room made at first: about what a kernel's types need, by type, of text and of declarators. */
const BYTES_PER_TYPE = 160;
const PIECES_PER_TYPE = 80;

export interface HeaderOptions {
  /** Ids of the types to define, ascending; what they need comes along. Default: all types. */
  readonly types?: ArrayLike<number>;
  /** Functions to declare as kfuncs. Default: none. */
  readonly kfuncs?: readonly TypeId[];
  /** Lines before the include guard, each a comment. */
  readonly banner?: string;
}

export interface CHeader {
  readonly text: string;
  /** Types and enumerators that could not keep their names: the first of several has it, the others are `NAME___2`, `NAME___3`. */
  readonly renames: readonly Rename[];
}

/** A header as `#include "vmlinux.h"` expects it: include guard `__VMLINUX_H__`, CO-RE pragma, types, kfunc prototypes. */
export function emitHeader(btf: Btf, options: HeaderOptions = {}): CHeader {
  return emitHeaderWith(btf, new CNames(btf), options);
}

/** The same with names that were worked out before, for this table. */
export function emitHeaderWith(btf: Btf, names: CNames, options: HeaderOptions): CHeader {
  return { text: writeHeader(btf, names, options).toString(), renames: names.renames() };
}

/** The text of that header, ASCII, as it is written to a file. */
export function headerBytes(btf: Btf, names: CNames, options: HeaderOptions): Uint8Array {
  return writeHeader(btf, names, options).text();
}

function writeHeader(btf: Btf, names: CNames, options: HeaderOptions): TextOutput {
  const types = options.types ?? declaredTypes(btf);
  const output = new TextOutput(textLimit(btf), types.length * BYTES_PER_TYPE);
  const printer = new CPrinter(
    btf,
    names,
    output,
    new TextOutput(textLimit(btf), types.length * PIECES_PER_TYPE),
    types.length,
  );
  const order = new DeclarationOrder(btf, printer);
  printer.add(Buffer.from(options.banner ?? '').toString('latin1'));
  printer.add(`#ifndef __VMLINUX_H__\n#define __VMLINUX_H__\n\n${PUSH}\n`);
  order.declareTypes(types);
  if (options.kfuncs !== undefined && options.kfuncs.length > 0) {
    printer.add('#ifndef BPF_NO_KFUNC_PROTOTYPES\n');
    order.declareKfuncs(options.kfuncs);
    printer.add('#endif\n\n');
  }
  printer.add(`${POP}\n#endif /* __VMLINUX_H__ */\n`);
  printer.finish();
  return output;
}

function textLimit(btf: Btf): number {
  return Math.max(MIN_TEXT_LIMIT, (btf.words.length * 4 + btf.strings.length) * MAX_TEXT_PER_BYTE);
}

/**
 * One type as C: the definition of a struct, union, enum or typedef, the prototype of a function, else an abstract declarator
 * such as `int (*)(void)`. What it refers to is named, not declared. No trailing newline.
 */
export function emitDeclaration(btf: Btf, id: TypeId): string {
  const output = new TextOutput(textLimit(btf));
  const printer = new CPrinter(btf, new CNames(btf), output, new TextOutput(textLimit(btf)), 1);
  declare(btf, printer, id);
  printer.finish();
  return output.toString().trimEnd();
}

function declare(btf: Btf, printer: CPrinter, id: TypeId): void {
  const kind = btf.kind(id);
  if (isComposite(kind) && btf.nameOff(id) !== 0) printer.composite(id);
  else if (isEnum(kind)) printer.enumeration(id);
  else if (kind === Kind.typedef) printer.typedef(id);
  else if (kind === Kind.fwd) printer.forward(id);
  else if (kind === Kind.func) printer.kfunc(id);
  else if (kind === Kind.var) printer.object(btf.ref(id), btf.nameOff(id));
  else printer.object(id, 0);
}
