/** Decoded values as source text: the initial values of global variables. */
import { literalKey, quote } from './names.ts';
import type { EnumPlan, Shape } from './shapes.ts';

/** Elements of an array in one line. */
const PER_LINE = 16;

/**
 * A value that a codec made: numbers, bigints, booleans, strings, typed arrays, arrays and plain objects of such.
 * @param closedEnums  members of enum types have the type of their values: any other needs to be told tsc
 */
export function literal(value: unknown, indent: string, shape: Shape, closedEnums: boolean): string {
  if (typeof value === 'bigint' || typeof value === 'number') {
    const isStranger = closedEnums && shape.kind === 'enum' && !hasValue(shape.type, BigInt(value));
    return isStranger ? `${numeral(value)} as ${shape.type.name}` : numeral(value);
  }
  if (typeof value === 'string') return quote(value);
  if (typeof value === 'boolean') return String(value);
  if (ArrayBuffer.isView(value)) return typedArrayLiteral(value as unknown as ArrayLike<number | bigint>, indent);
  if (shape.kind === 'array') return arrayLiteral(value as readonly unknown[], indent, shape.element, closedEnums);
  if (shape.kind !== 'struct') throw new Error(`no literal of a ${shape.kind}`);
  if (shape.type.members.length === 0) return '{}';
  const inner = `${indent}  `;
  const lines = shape.type.members.map(({ name, shape: own }) => {
    const item = (value as Record<string, unknown>)[name];
    return `${inner}${literalKey(name)}: ${literal(item, inner, own, closedEnums)},\n`;
  });
  return `{\n${lines.join('')}${indent}}`;
}

/** An enum without values is a plain number. */
function hasValue({ values }: EnumPlan, value: bigint): boolean {
  return values.length === 0 || values.some((known) => known.value === value);
}

function numeral(value: number | bigint): string {
  if (typeof value === 'bigint') return `${value}n`;
  return Object.is(value, -0) ? '-0' : String(value);
}

function typedArrayLiteral(array: ArrayLike<number | bigint>, indent: string): string {
  const name = array.constructor.name;
  let length = array.length;
  while (length > 0 && (array[length - 1] === 0 || array[length - 1] === 0n) && !Object.is(array[length - 1], -0))
    length--;
  if (length === 0) return `new ${name}(${array.length})`;
  return `${name}.from([${rows(Array.from(array), numeral, indent)}])`;
}

function arrayLiteral(array: readonly unknown[], indent: string, element: Shape, closedEnums: boolean): string {
  if (array.length === 0) return '[]';
  const inner = `${indent}  `;
  const items = array.map((item) => literal(item, inner, element, closedEnums));
  if (items.length > 1 && items.every((item) => item === items[0])) {
    const item = literal(array[0], indent, element, closedEnums);
    return `Array.from({ length: ${items.length} }, () => ${parenthesised(item)})`;
  }
  if (items.every((item) => !item.includes('\n') && item.length < 24))
    return `[${rows(items, (item) => item, indent)}]`;
  return `[\n${items.map((item) => `${inner}${item},\n`).join('')}${indent}]`;
}

function parenthesised(text: string): string {
  return text.startsWith('{') ? `(${text})` : text;
}

function rows<T>(items: readonly T[], print: (item: T) => string, indent: string): string {
  if (items.length <= PER_LINE) return items.map(print).join(', ');
  const lines: string[] = [];
  for (let i = 0; i < items.length; i += PER_LINE) {
    lines.push(
      `${indent}  ${items
        .slice(i, i + PER_LINE)
        .map(print)
        .join(', ')},\n`,
    );
  }
  return `\n${lines.join('')}${indent}`;
}
