/**
 * JSON with sorted keys and no blanks: how the reference compiler writes its artefacts, and what makes ours reproducible.
 */

/** Keys in code point order at every level; `undefined` members are left out. Cycles are a programming error. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(sorted(value));
}

/** The same value with all objects' keys in code point order. */
export function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  // fromEntries defines properties, so a key such as __proto__ stays a key
  const entries = Object.entries(value).filter(([, member]) => member !== undefined);
  entries.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return Object.fromEntries(entries.map(([key, member]) => [key, sorted(member)]));
}
