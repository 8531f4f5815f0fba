/** Decoded values as source text: the initial values of global variables. */
import { literalKey, quote } from './names.ts';

/** Elements of an array in one line. */
const PER_LINE = 16;

/** A value that a codec made: numbers, bigints, booleans, strings, typed arrays, arrays and plain objects of such. */
export function literal(value: unknown, indent: string): string {
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value === 'string') return quote(value);
  if (typeof value === 'number') return Object.is(value, -0) ? '-0' : String(value);
  if (typeof value === 'boolean') return String(value);
  if (ArrayBuffer.isView(value)) return typedArrayLiteral(value as unknown as ArrayLike<number | bigint>, indent);
  if (Array.isArray(value)) return arrayLiteral(value, indent);
  const entries = Object.entries(value as Record<string, unknown>);
  if (entries.length === 0) return '{}';
  const inner = `${indent}  `;
  const lines = entries.map(([key, item]) => `${inner}${literalKey(key)}: ${literal(item, inner)},\n`);
  return `{\n${lines.join('')}${indent}}`;
}

function typedArrayLiteral(array: ArrayLike<number | bigint>, indent: string): string {
  const name = array.constructor.name;
  let length = array.length;
  while (length > 0 && (array[length - 1] === 0 || array[length - 1] === 0n) && !Object.is(array[length - 1], -0))
    length--;
  if (length === 0) return `new ${name}(${array.length})`;
  return `${name}.from([${rows(Array.from(array), (item) => literal(item, ''), indent)}])`;
}

function arrayLiteral(array: readonly unknown[], indent: string): string {
  if (array.length === 0) return '[]';
  const inner = `${indent}  `;
  const items = array.map((item) => literal(item, inner));
  if (items.length > 1 && items.every((item) => item === items[0])) {
    return `Array.from({ length: ${items.length} }, () => ${parenthesised(literal(array[0], indent))})`;
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
