/** Histograms as the reference loader draws them: powers of two, and equal steps. */

/** From this slot on numbers need more room and the bars get shorter. */
const WIDE_FROM = 32;

/**
 * One line for each power of two up to the last slot that is not empty; `''` when all are.
 * @param slots  number of values in `[2^i, 2^(i+1))`, the first for 0 and 1
 */
export function log2Histogram(slots: readonly number[], unit: string): string {
  const last = slots.findLastIndex((count) => count > 0);
  if (last < 0) return '';
  const wide = last > WIDE_FROM;
  const cells = wide ? 20 : 40;
  const width = wide ? 20 : 10;
  const title = `${' '.repeat(wide ? 15 : 5)}${unit.padEnd(wide ? 29 : 19)} : count    distribution`;
  const max = Math.max(...slots);
  const lines = [title];
  for (let i = 0; i <= last; i++) {
    const low = i === 0 ? 0n : 1n << BigInt(i);
    const high = (1n << BigInt(i + 1)) - 1n;
    lines.push(
      `${String(low).padStart(width)} -> ${String(high).padEnd(width)} : ${String(slots[i]).padEnd(8)} |${bar(slots[i]!, max, cells)}|`,
    );
  }
  return `${lines.join('\n')}\n`;
}

/** One line for each step between the first and the last slot that is not empty; `''` when all are. */
export function linearHistogram(slots: readonly number[], unit: string, base = 0, step = 1): string {
  const first = slots.findIndex((count) => count > 0);
  if (first < 0) return '';
  const last = slots.findLastIndex((count) => count > 0);
  const max = Math.max(...slots);
  const lines = [`     ${unit.padEnd(13)} : count     distribution`];
  for (let i = first; i <= last; i++) {
    lines.push(
      `        ${String(base + i * step).padEnd(10)} : ${String(slots[i]).padEnd(8)} |${bar(slots[i]!, max, 40)}|`,
    );
  }
  return `${lines.join('\n')}\n`;
}

function bar(count: number, max: number, cells: number): string {
  return '*'.repeat(Math.floor((count * cells) / max)).padEnd(cells);
}
