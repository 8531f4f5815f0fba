/** Sorted addresses: which of them does another one follow? */

/** Index of the greatest place that is not above `wanted`, of equal ones the first; -1 when all are above. @param places  in rising order */
export function findPlace(places: Float64Array, wanted: number): number {
  let low = 0;
  let high = places.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (places[middle]! <= wanted) low = middle + 1;
    else high = middle;
  }
  let found = low - 1;
  while (found > 0 && places[found - 1] === places[found]) found--;
  return found;
}
