/**
 * Which structs a program exports: those whose doc comment says `@export`, and those that the export header defines itself.
 * Nested structs are left out: the loader takes the first export type for the event, and a part of the event must not be that.
 */
import { extentOf, type TopNode } from './ast-node.ts';
import { typedefTarget } from './declarations.ts';
import type { SourceUnit, SourceWarning } from './source-unit.ts';

/** Where a type is defined. */
export interface DefinedType {
  readonly name: string;
  readonly file: string;
  readonly line: number;
}

export interface HeaderStructs {
  /** By their tags, in the order of the header. */
  readonly structs: readonly DefinedType[];
  /** Typedefs of structs without a tag, which a package cannot hold: its loader asks for a struct by name. */
  readonly untagged: readonly DefinedType[];
}

/** @param isHeader  whether a file, by the name that the nodes have, is the export header */
export function headerStructs(unit: SourceUnit, isHeader: (file: string) => boolean): HeaderStructs {
  const inHeader = unit.nodes.filter((node) => isHeader(node.file));
  return {
    structs: inHeader.filter(isStruct).map((node) => definedType(unit, node)),
    untagged: inHeader.filter(isUntaggedStruct).map((node) => definedType(unit, node)),
  };
}

/** The structs tagged `@export`, in the source and in the user's headers, in the order that the compiler sees them. */
export function taggedStructs(unit: SourceUnit): {
  readonly structs: readonly DefinedType[];
  /** Typedefs of structs without a tag. */
  readonly untagged: readonly DefinedType[];
  readonly warnings: readonly SourceWarning[];
} {
  const tagged = unit.nodes.filter((node) => isTypeDefinition(node) && isTagged(unit, node));
  const structs = tagged.filter(isStruct).map((node) => definedType(unit, node));
  const warnings = tagged.flatMap((node) => {
    const reason = refusal(node, structs);
    return reason === undefined ? [] : [unit.warning(node.file, extentOf(node.head)!.name, reason)];
  });
  return { structs, untagged: tagged.filter(isUntaggedStruct).map((node) => definedType(unit, node)), warnings };
}

function refusal(node: TopNode, structs: readonly DefinedType[]): string | undefined {
  const { name } = node;
  if (isStruct(node) || name === undefined) return undefined;
  if (isUntaggedStruct(node)) {
    return `@export: the struct behind typedef ${name} has no tag; write typedef struct ${name} {...} ${name}`;
  }
  // `typedef struct event {...} event_t`: the comment is about both, and the struct has it.
  const { type } = typedefTarget(node);
  if (type.kind === 'struct' && structs.some((struct) => struct.name === type.name)) return undefined;
  return `@export: ${name} is not a struct; a package exports nothing else`;
}

function isTypeDefinition(node: TopNode): boolean {
  return node.kind === 'TypedefDecl' || node.kind === 'EnumDecl' || node.head.completeDefinition === true;
}

function isStruct({ kind, head, name }: TopNode): boolean {
  return kind === 'RecordDecl' && head.tagUsed === 'struct' && head.completeDefinition === true && name !== undefined;
}

function isUntaggedStruct(node: TopNode): boolean {
  if (node.kind !== 'TypedefDecl') return false;
  const { type, untagged } = typedefTarget(node);
  return untagged && type.kind === 'struct';
}

function isTagged(unit: SourceUnit, node: TopNode): boolean {
  const comment = unit.commentOf(node);
  return comment !== undefined && unit.pieces(node.file, comment).some(({ command }) => command === 'export');
}

function definedType(unit: SourceUnit, node: TopNode): DefinedType {
  const { line } = unit.warning(node.file, extentOf(node.head)!.name, '');
  return { name: node.name!, file: node.file, line };
}
