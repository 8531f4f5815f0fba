import { describe, expect, test } from 'vitest';
import { linearHistogram, log2Histogram } from './histogram.ts';
import { clock, tableHeader, tableRow } from './table.ts';

const field = (name: string, value: string) => ({ name, json: () => value, text: () => value });
const nothing = new DataView(new ArrayBuffer(0));

describe('tables are the reference loader to the blank', () => {
  const fields = [
    field('pid', '4711'),
    field('comm', 'bash'),
    field('duration_ns', '1500'),
    field('exit_event', 'true'),
  ];

  test('header', () => {
    expect(tableHeader(fields.map(({ name }) => name))).toBe('TIME     PID    COMM   DURATION_NS EXIT_EVENT ');
  });

  test('row', () => {
    expect(tableRow(fields)('12:34:56', nothing, 0, 0)).toBe('12:34:56  4711  bash   1500        true');
  });

  test('a value that reaches beyond its column pushes the next by one blank', () => {
    const wide = [field('pid', '1'), field('comm', 'a-very-long-name'), field('x', '2')];
    expect(tableRow(wide)('12:34:56', nothing, 0, 0)).toBe('12:34:56  1     a-very-long-name 2');
  });

  test('time', () => {
    expect(clock(new Date(2024, 1, 3, 4, 5, 6))).toBe('04:05:06');
  });
});

describe('histograms', () => {
  test('powers of two', () => {
    expect(log2Histogram([1, 8, 138], '(unit)')).toBe(
      [
        '     (unit)              : count    distribution',
        '         0 -> 1          : 1        |                                        |',
        '         2 -> 3          : 8        |**                                      |',
        '         4 -> 7          : 138      |****************************************|',
        '',
      ].join('\n'),
    );
  });

  test('beyond 2^32 columns are wider and bars shorter', () => {
    const slots = new Array<number>(40).fill(0);
    slots[39] = 5;
    const lines = log2Histogram(slots, 'nsecs').split('\n');
    expect(lines[0]).toBe(`${' '.repeat(15)}${'nsecs'.padEnd(29)} : count    distribution`);
    expect(lines[40]).toBe(`        549755813888 -> 1099511627775        : 5        |${'*'.repeat(20)}|`);
  });

  test('nothing counted, nothing drawn', () => {
    expect(log2Histogram([0, 0], 'x')).toBe('');
    expect(linearHistogram([0, 0], 'x')).toBe('');
  });

  test('equal steps begin at the first that is not empty', () => {
    const lines = linearHistogram([0, 2, 4], 'ms').split('\n');
    expect(lines.slice(1, 3)).toEqual([
      `        1          : 2        |${'*'.repeat(20)}${' '.repeat(20)}|`,
      `        2          : 4        |${'*'.repeat(40)}|`,
    ]);
  });
});
