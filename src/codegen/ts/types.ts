/** How shapes are spelled as TypeScript types: of decoded values, of values to encode, of what views return. */
import { assertNever } from '../../core/errors.ts';
import { typedArrayOf } from './code.ts';
import type { Shape } from './shapes.ts';

/** @param input  the type for encoding, where unions have optional arms */
export function typeOfShape(shape: Shape, openEnums: boolean, input = false): string {
  switch (shape.kind) {
    case 'int':
      return shape.bigint ? 'bigint' : 'number';
    case 'bool':
      return 'boolean';
    case 'float':
      return 'number';
    case 'string':
      return 'string';
    case 'enum': {
      const wide = shape.bigint ? 'bigint' : 'number';
      if (shape.type.values.length === 0) return wide;
      return openEnums ? `${shape.type.name} | (${wide} & {})` : shape.type.name;
    }
    case 'struct':
      return input ? shape.type.inputName : shape.type.name;
    case 'array': {
      const typed = typedArrayOf(shape.element);
      if (typed !== undefined) return typed;
      const element = typeOfShape(shape.element, openEnums, input);
      return element.includes('|') ? `(${element})[]` : `${element}[]`;
    }
    default:
      return assertNever(shape);
  }
}

/** What a view's getter returns where that is another view: a struct, or an array of structs. */
export function viewTypeOf(shape: Shape): string | undefined {
  if (shape.kind === 'struct') return shape.type.viewName;
  if (shape.kind !== 'array') return undefined;
  const element = viewTypeOf(shape.element);
  return element === undefined ? undefined : `ViewArray<${element}>`;
}
