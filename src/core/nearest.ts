/** Names that somebody may have meant. */

/**
 * The candidates that look most like `wanted`, best first; none when nothing comes close. Names that hold it, or begin alike, count
 * as close: kernel functions get prefixes and suffixes from one version to the next.
 */
export function nearest(wanted: string, candidates: Iterable<string>, limit = 3): string[] {
  const most = Math.max(2, Math.floor(wanted.length / 3));
  const found: { readonly name: string; readonly distance: number }[] = [];
  for (const name of candidates) {
    if (name === wanted) continue;
    const within = wanted.length >= 4 && name.includes(wanted);
    const distance = within ? (name.length - wanted.length) / 8 : editDistance(wanted, name, most);
    if (distance <= most || within) found.push({ name, distance });
  }
  return found
    .sort((a, b) => a.distance - b.distance || a.name.length - b.name.length || (a.name < b.name ? -1 : 1))
    .slice(0, limit)
    .map(({ name }) => name);
}

/** Insertions, deletions, changes and swaps of neighbours; more than `most` counts as `most + 1`. */
function editDistance(a: string, b: string, most: number): number {
  if (Math.abs(a.length - b.length) > most) return most + 1;
  let before: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    let best = i;
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let value = Math.min(previous[j]! + 1, row[j - 1]! + 1, previous[j - 1]! + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) value = Math.min(value, before[j - 2]! + 1);
      row.push(value);
      best = Math.min(best, value);
    }
    if (best > most) return most + 1;
    before = previous;
    previous = row;
  }
  return previous[b.length]!;
}
