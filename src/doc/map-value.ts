/** The type of a map's values, as its definition in the source says: `__type(value, struct event)`. */
import { extentOf, type TopNode } from './ast-node.ts';
import { type CType, cTypeOf } from './c-type.ts';
import type { SourceUnit } from './source-unit.ts';

/** `undefined` if there is no such map or its definition gives only a size. */
export function mapValueType({ nodes }: SourceUnit, map: string): CType | undefined {
  const variable = nodes.find(({ kind, name }) => kind === 'VarDecl' && name === map);
  const definition = variable && structOf(nodes, variable);
  const member = definition?.tree.inner?.find(({ kind, name }) => kind === 'FieldDecl' && name === 'value');
  const value = cTypeOf(member?.type);
  return value.kind === 'pointer' ? value.to : undefined;
}

/** The struct that a variable is of: one with its tag, or the one written in the same statement. */
function structOf(nodes: readonly TopNode[], variable: TopNode): TopNode | undefined {
  const type = cTypeOf(variable.head.type);
  const extent = extentOf(variable.head);
  if (type.kind !== 'struct' || extent === undefined) return undefined;
  return nodes.find(({ kind, file, head }) => {
    if (kind !== 'RecordDecl' || head.completeDefinition !== true) return false;
    if (type.name !== undefined) return head.name === type.name;
    const begin = extentOf(head)?.begin ?? -1;
    return file === variable.file && begin >= extent.begin && begin < extent.name;
  });
}
