/**
 * What kind of memory a pointer in a program points to. C programs hand events to helpers as `void *`; the type is found where
 * the pointer had one: at a variable, behind a cast, in the `sizeof` that goes with it, in a map's definition.
 */
import type { ClangNode } from './ast-node.ts';
import { type CType, cTypeOf } from './c-type.ts';
import { type FunctionBody, isTransparent, withoutCasts } from './function-body.ts';

/** What is known of a pointer or a size: types, the best first; and where it comes from if the callers have to tell. */
export interface Origin {
  readonly types: readonly CType[];
  /** It is this parameter of the function. */
  readonly parameter: number | undefined;
  /** It is what the function returns. */
  readonly returned: boolean;
}

/** Variables assigned to variables assigned to …: more than anybody writes. */
const MAX_STEPS = 8;

/** What the values of a map are, for pointers that a lookup in it gave. */
export type MapValueType = (map: string) => CType | undefined;

/** How well a type tells what the bytes are. */
export const TypeRank = { none: 0, unnamed: 1, scalar: 2, array: 3, typedef: 4, tagged: 5 } as const;

export function typeRank(type: CType): number {
  switch (type.kind) {
    case 'struct':
    case 'union':
      return type.name === undefined ? TypeRank.unnamed : TypeRank.tagged;
    case 'typedef':
      // A cast to a byte pointer says nothing about what is behind it.
      return isScalarTypedef(type.name) ? TypeRank.scalar : TypeRank.typedef;
    case 'array':
      return typeRank(type.to) === TypeRank.tagged ? TypeRank.typedef : TypeRank.array;
    case 'enum':
    case 'scalar':
    case 'pointer':
      return TypeRank.scalar;
    default:
      return TypeRank.none;
  }
}

function isScalarTypedef(name: string): boolean {
  return /^(?:(?:__)?(?:[us]|be|le)(?:8|16|32|64)|u?int\d+_t|u_?(?:char|short|int|long)|byte|s?size_t)$/.test(name);
}

/** Follows an expression back to where its value was made. */
export function pointeeOf(body: FunctionBody, expression: ClangNode, mapValue: MapValueType): Origin {
  const trace = new Trace(body, mapValue);
  trace.back(expression, MAX_STEPS);
  return trace.origin();
}

/** Follows the value of an expression (a call that reserves an event) to where it is used. */
export function useOf(body: FunctionBody, expression: ClangNode, mapValue: MapValueType): Origin {
  const trace = new Trace(body, mapValue);
  trace.forth(expression, MAX_STEPS);
  return trace.origin();
}

class Trace {
  readonly #body: FunctionBody;
  readonly #mapValue: MapValueType;
  readonly #types: CType[] = [];
  readonly #seen = new Set<ClangNode>();
  #parameter: number | undefined;
  #returned = false;

  constructor(body: FunctionBody, mapValue: MapValueType) {
    this.#body = body;
    this.#mapValue = mapValue;
  }

  origin(): Origin {
    const types = this.#types.filter((type) => typeRank(type) > 0).sort((a, b) => typeRank(b) - typeRank(a));
    return { types, parameter: this.#parameter, returned: this.#returned };
  }

  back(expression: ClangNode, steps: number): void {
    if (steps === 0 || this.#seen.has(expression)) return;
    this.#seen.add(expression);
    this.#addPointer(expression);
    const inner = expression.inner ?? [];
    if (isTransparent(expression)) {
      if (inner[0]) this.back(inner[0], steps);
      return;
    }
    switch (expression.kind) {
      case 'BinaryOperator':
        // `p + n` keeps to p, `a = p` and `a, p` are p.
        this.#backAll(expression.opcode === '+' || expression.opcode === '-' ? inner : inner.slice(-1), steps);
        break;
      case 'ConditionalOperator':
        this.#backAll(inner.slice(1), steps);
        break;
      case 'StmtExpr':
        this.#backAll(inner[0]?.inner?.slice(-1) ?? [], steps);
        break;
      case 'DeclRefExpr':
        this.#backVariable(expression, steps);
        break;
      case 'CallExpr':
        this.#backCall(expression);
        break;
    }
  }

  #backAll(expressions: readonly ClangNode[], steps: number): void {
    for (const expression of expressions) this.back(expression, steps);
  }

  #backVariable(expression: ClangNode, steps: number): void {
    this.#parameter ??= this.#body.parameterOf(expression);
    const local = this.#body.localOf(expression);
    if (local === undefined || !isVoidPointer(cTypeOf(local.type))) return;
    this.#backAll(this.#body.valuesOf(local), steps - 1);
    for (const use of this.#body.usesOf(local)) this.#casts(use);
  }

  #backCall(call: ClangNode): void {
    const [callee, map] = call.inner ?? [];
    if (callee === undefined || map === undefined) return;
    if (withoutCasts(callee).referencedDecl?.name !== 'bpf_map_lookup_elem') return;
    const name = mapOf(this.#body, map).name;
    const type = name === undefined ? undefined : this.#mapValue(name);
    if (type !== undefined) this.#types.push(type);
  }

  forth(expression: ClangNode, steps: number): void {
    const parent = this.#body.parentOf(expression);
    if (steps === 0 || parent === undefined || this.#seen.has(expression)) return;
    this.#seen.add(expression);
    const inner = parent.inner ?? [];
    if (isTransparent(parent)) {
      this.#addPointer(parent);
      this.forth(parent, steps);
      return;
    }
    switch (parent.kind) {
      case 'VarDecl':
        this.#forthVariable(parent, steps);
        break;
      case 'BinaryOperator':
        if (parent.opcode !== '=' || inner[1] !== expression) break;
        this.#addPointer(inner[0]!);
        this.#forthVariable(this.#body.localOf(withoutCasts(inner[0]!)), steps);
        this.forth(parent, steps);
        break;
      case 'ConditionalOperator':
        if (inner[0] !== expression) this.forth(parent, steps);
        break;
      case 'CompoundStmt':
        // The value of `({ …; p; })`.
        if (inner.at(-1) === expression && this.#body.parentOf(parent)?.kind === 'StmtExpr') this.forth(parent, steps);
        break;
      case 'StmtExpr':
        this.forth(parent, steps);
        break;
      case 'ReturnStmt':
        this.#returned = true;
        break;
    }
  }

  #forthVariable(local: ClangNode | undefined, steps: number): void {
    if (local === undefined) return;
    this.#addPointer(local);
    if (!isVoidPointer(cTypeOf(local.type))) return;
    for (const use of this.#body.usesOf(local)) this.forth(use, steps - 1);
  }

  /** The types that a variable is cast to right where it is used. */
  #casts(use: ClangNode): void {
    for (
      let node = this.#body.parentOf(use);
      node !== undefined && isTransparent(node);
      node = this.#body.parentOf(node)
    ) {
      this.#addPointer(node);
    }
  }

  #addPointer({ type, kind, opcode, inner }: ClangNode): void {
    // `&buf` of an array is the array.
    const operand = kind === 'UnaryOperator' && opcode === '&' ? inner?.[0] : undefined;
    const pointer = cTypeOf(type);
    if (operand !== undefined) this.#types.push(cTypeOf(operand.type));
    else if (pointer.kind === 'pointer') this.#types.push(pointer.to);
    else if (pointer.kind === 'array') this.#types.push(pointer);
  }
}

function isVoidPointer(type: CType): boolean {
  return type.kind === 'pointer' && type.to.kind === 'void';
}

/** Which map an argument is: one of the file's, or whatever the caller passes. */
export function mapOf(
  body: FunctionBody,
  expression: ClangNode,
  steps = MAX_STEPS,
): { readonly name?: string; readonly parameter?: number } {
  let node = withoutCasts(expression);
  if (node.kind === 'UnaryOperator' && node.opcode === '&' && node.inner?.[0]) node = withoutCasts(node.inner[0]);
  const parameter = body.parameterOf(node);
  if (parameter !== undefined) return { parameter };
  const local = body.localOf(node);
  if (local !== undefined) {
    const [value, ...others] = body.valuesOf(local);
    return value === undefined || others.length > 0 || steps === 0 ? {} : mapOf(body, value, steps - 1);
  }
  const { referencedDecl } = node;
  return referencedDecl?.kind === 'VarDecl' && referencedDecl.name !== undefined ? { name: referencedDecl.name } : {};
}

/** What a size is the size of. `exact` unless something is added to it. */
export function sizeOf(
  body: FunctionBody,
  expression: ClangNode,
  steps = MAX_STEPS,
): Origin & { readonly exact: boolean } {
  const node = withoutCasts(expression);
  const none = { types: [], parameter: body.parameterOf(node), returned: false, exact: false };
  if (node.kind === 'UnaryExprOrTypeTraitExpr') {
    const type = cTypeOf(node.argType ?? node.inner?.[0]?.type);
    // `sizeof(e)` of a pointer is a slip of the pen, not the type of the event.
    return node.name !== 'sizeof' || type.kind === 'pointer' ? none : { ...none, types: [type], exact: true };
  }
  const local = body.localOf(node);
  const parts = local === undefined ? (node.kind === 'BinaryOperator' ? (node.inner ?? []) : []) : body.valuesOf(local);
  if (steps === 0) return none;
  const origins = parts.map((part) => sizeOf(body, part, steps - 1));
  const types = origins.flatMap((origin) => origin.types).sort((a, b) => typeRank(b) - typeRank(a));
  return { ...none, types, exact: local !== undefined && origins.length === 1 && origins[0]!.exact };
}
