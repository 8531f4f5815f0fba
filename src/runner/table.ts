/** Events as the lines of a table, in the reference loader's layout to the blank. */
import type { Field } from './render.ts';

const TIME_COLUMN = 'TIME     ';
const MIN_WIDTH = 6;

/** `TIME     PID    COMM   `: each name in upper case, at least six wide, and a blank. */
export function tableHeader(names: readonly string[]): string {
  return TIME_COLUMN + names.map((name) => `${name.toUpperCase().padEnd(MIN_WIDTH)} `).join('');
}

/** Where the columns of {@link tableHeader} begin. */
function columns(names: readonly string[]): number[] {
  let at = TIME_COLUMN.length;
  return names.map((name) => {
    const start = at;
    at += Math.max(MIN_WIDTH, name.length) + 1;
    return start;
  });
}

/** Prints one row. */
export type Row = (time: string, view: DataView, at: number, end: number) => string;

/**
 * A value begins at its column, or one blank after the value before it where that reaches further. The first begins one right of
 * its column, as the reference has it.
 */
export function tableRow(fields: readonly Field[]): Row {
  const starts = columns(fields.map(({ name }) => name));
  return (time, view, at, end) => {
    let line = `${time} `;
    for (let i = 0; i < fields.length; i++) {
      const start = starts[i]!;
      line = line.length < start ? line.padEnd(start) : `${line} `;
      line += fields[i]!.text(view, at, end);
    }
    return line;
  };
}

/** `HH:MM:SS`, local. */
export function clock(date: Date): string {
  const two = (value: number) => String(value).padStart(2, '0');
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}
