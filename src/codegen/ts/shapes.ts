/**
 * The plan's vocabulary: what a C type looks like in memory and in TypeScript. Made by `plan.ts`, spelled out by the printers.
 */
import type { TypeId } from '../../btf/kinds.ts';

/** How values are presented. */
export interface ValueOptions {
  /** 64-bit and larger integers, pointers apart: exact `bigint`s, or `number`s with a range check. Default `bigint`. */
  readonly u64?: 'bigint' | 'number';
  /** Arrays of `char`: text up to the NUL, or all their bytes. Default `string`. */
  readonly charArrays?: 'string' | 'bytes';
  /** What a member of an enum type may hold: its values only, or any number (flags that are or'ed together). Default `closed`. */
  readonly enums?: 'closed' | 'open';
}

export type IntSize = 1 | 2 | 4 | 8 | 16;

/** What a value looks like in memory and in TypeScript. Sizes in bytes. */
export type Shape =
  | { readonly kind: 'int'; readonly size: IntSize; readonly signed: boolean; readonly bigint: boolean }
  | { readonly kind: 'bool'; readonly size: IntSize }
  | { readonly kind: 'float'; readonly size: 4 | 8 }
  | {
      readonly kind: 'enum';
      readonly size: IntSize;
      readonly signed: boolean;
      readonly bigint: boolean;
      readonly type: EnumPlan;
    }
  | { readonly kind: 'struct'; readonly type: StructPlan }
  /** `size` undefined: a flexible char array. */
  | { readonly kind: 'string'; readonly size: number | undefined }
  /** `length` undefined: a flexible array. `stride`: bytes from one element to the next. */
  | { readonly kind: 'array'; readonly element: Shape; readonly length: number | undefined; readonly stride: number };

export interface EnumPlan {
  readonly kind: 'enum';
  readonly id: TypeId;
  readonly name: string;
  /** The map from values to names. */
  readonly namesName: string;
  readonly cName: string;
  readonly docName: string;
  readonly size: number;
  readonly bigint: boolean;
  readonly values: readonly { readonly name: string; readonly value: bigint }[];
}

export interface MemberPlan {
  readonly name: string;
  /** Bytes from the start of the struct; of a bitfield, those to its first byte. */
  readonly offset: number;
  /** Bits from the start of the struct, and width; only of a bitfield. */
  readonly bits?: { readonly offset: number; readonly width: number };
  /** Bytes; 0 for a flexible array. */
  readonly size: number;
  readonly shape: Shape;
  /** Shares its bytes with others: an arm of a union, or in an anonymous one. */
  readonly arm: boolean;
  /** Ends in a flexible array that reaches to the end of the bytes. */
  readonly tail: boolean;
  /** Bytes that there are for it, when it ends in a flexible array and others follow: those of a variable hold its elements. */
  readonly room?: number;
  /** The declaration as C has it. */
  readonly c: string;
}

export interface StructPlan {
  readonly kind: 'struct';
  /** Undefined for the variables of a data section. */
  readonly id: TypeId | undefined;
  readonly name: string;
  /** The interface of what it is encoded from; `name` where there are no unions. */
  readonly inputName: string;
  readonly viewName: string;
  /** The function that reads it. */
  readonly readName: string;
  /** `struct event`; a typedef's name, or its own, for one without a tag. */
  readonly cName: string;
  /** The tag or typedef that its doc comment is found by; empty when it has neither. */
  readonly docName: string;
  readonly size: number;
  /** Bytes that have to be there: less than `size` only for a type that ends in a flexible array. */
  readonly need: number;
  readonly flexible: boolean;
  readonly members: readonly MemberPlan[];
  /** It or something in it is a union: encoding takes the arms that are given. */
  readonly hasArms: boolean;
  /** Values that decoding reads, those of structs in it included. */
  readonly cost: number;
}

/** A type that is neither struct nor union: a map key of `u32`, a typedef asked for by name. */
export interface AliasPlan {
  readonly kind: 'alias';
  readonly id: TypeId;
  readonly name: string;
  readonly cName: string;
  readonly size: number;
  readonly shape: Shape;
}

export type TypePlan = StructPlan | EnumPlan | AliasPlan;

/** A variable of a data section. */
export interface SectionVariable {
  readonly name: string;
  readonly offset: number;
  /** Bytes; more than its type has where a flexible array has elements. */
  readonly size: number;
  readonly typeId: TypeId;
}

/** True for what reaches to the end of the bytes when it comes last. */
export function isFlexible(shape: Shape): boolean {
  switch (shape.kind) {
    case 'string':
      return shape.size === undefined;
    case 'array':
      return shape.length === undefined;
    case 'struct':
      return shape.type.flexible;
    default:
      return false;
  }
}

/** True when somewhere in it is a union, so that what is encoded differs from what is decoded. */
export function holdsArms(shape: Shape): boolean {
  if (shape.kind === 'struct') return shape.type.hasArms;
  return shape.kind === 'array' && holdsArms(shape.element);
}

/** Values that decoding reads. */
export function shapeCost(shape: Shape): number {
  if (shape.kind === 'struct') return shape.type.cost;
  return shape.kind === 'array' ? 1 + (shape.length ?? 1) * shapeCost(shape.element) : 1;
}
