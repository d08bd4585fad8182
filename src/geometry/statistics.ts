/** Middle value; of an even number of values the mean of the two middle ones. @param values (n), n ≥ 1 */
export const median = (values: readonly number[]): number => {
  const sorted = Float64Array.from(values).sort();
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
};

/** At most `limit` entries, evenly spread. */
export const spread = <Item>(items: readonly Item[], limit: number): Item[] =>
  items.length <= limit
    ? [...items]
    : Array.from({ length: limit }, (_, index) => items[Math.floor((index * items.length) / limit)]);
