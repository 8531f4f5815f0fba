/**
 * The code of one function, as far as following a pointer through it needs: its calls, what is around each expression, what is
 * assigned to each local variable and where that is used.
 */
import type { AstNode, ClangNode } from './ast-node.ts';

export interface Call {
  readonly callee: string;
  readonly node: ClangNode;
  readonly args: readonly ClangNode[];
}

export class FunctionBody {
  readonly node: AstNode;
  readonly calls: readonly Call[];
  readonly #parents = new Map<ClangNode, ClangNode>();
  readonly #locals = new Map<string, ClangNode>();
  readonly #values = new Map<string, ClangNode[]>();
  readonly #uses = new Map<string, ClangNode[]>();
  readonly #parameters = new Map<string, number>();

  constructor(node: AstNode) {
    this.node = node;
    const calls: Call[] = [];
    this.#visit(node.tree, calls);
    this.calls = calls;
  }

  parentOf(node: ClangNode): ClangNode | undefined {
    return this.#parents.get(node);
  }

  /** Position of the parameter that an expression is; `undefined` for all else. */
  parameterOf(expression: ClangNode): number | undefined {
    return this.#parameters.get(expression.referencedDecl?.id ?? '');
  }

  /** The declaration of the local variable that an expression is. */
  localOf(expression: ClangNode): ClangNode | undefined {
    return this.#locals.get(expression.referencedDecl?.id ?? '');
  }

  /** All that is assigned to a local variable, its initial value too. */
  valuesOf(local: ClangNode): readonly ClangNode[] {
    return this.#values.get(local.id ?? '') ?? [];
  }

  /** The places where a local variable is read. */
  usesOf(local: ClangNode): readonly ClangNode[] {
    return this.#uses.get(local.id ?? '') ?? [];
  }

  #visit(node: ClangNode, calls: Call[]): void {
    const inner = node.inner ?? [];
    switch (node.kind) {
      case 'ParmVarDecl':
        this.#parameters.set(node.id ?? '', this.#parameters.size);
        break;
      case 'VarDecl': {
        this.#locals.set(node.id ?? '', node);
        const value = inner.find(({ valueCategory }) => valueCategory !== undefined);
        if (value !== undefined) push(this.#values, node.id, value);
        break;
      }
      case 'BinaryOperator': {
        const [left, right] = inner;
        if (node.opcode === '=' && left && right) push(this.#values, withoutCasts(left).referencedDecl?.id, right);
        break;
      }
      case 'DeclRefExpr':
        push(this.#uses, node.referencedDecl?.id, node);
        break;
      case 'CallExpr': {
        const [callee, ...args] = inner;
        const name = callee && withoutCasts(callee).referencedDecl?.name;
        if (name !== undefined) calls.push({ callee: name, node, args });
        break;
      }
    }
    for (const child of inner) {
      this.#parents.set(child, node);
      this.#visit(child, calls);
    }
  }
}

function push(lists: Map<string, ClangNode[]>, id: string | undefined, node: ClangNode): void {
  if (id === undefined) return;
  const list = lists.get(id);
  if (list === undefined) lists.set(id, [node]);
  else list.push(node);
}

/** Expressions that pass on the value of their only operand. */
export function isTransparent({ kind, opcode }: ClangNode): boolean {
  return (
    kind === 'ImplicitCastExpr' ||
    kind === 'CStyleCastExpr' ||
    kind === 'ParenExpr' ||
    kind === 'ConstantExpr' ||
    (kind === 'UnaryOperator' && opcode === '__extension__')
  );
}

export function withoutCasts(expression: ClangNode): ClangNode {
  let node = expression;
  while (isTransparent(node) && node.inner?.[0] !== undefined) node = node.inner[0];
  return node;
}
