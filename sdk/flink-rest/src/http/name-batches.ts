/** Flink takes request lines of 4,096 bytes; the rest is for the path. */
const maxBytes = 3_000;

/** The names, encoded and joined by commas, in as few pieces as requests need. */
export function nameBatches(names: readonly string[]): readonly string[] {
  const batches: string[] = [];
  for (const name of names.map(encodeURIComponent)) {
    const last = batches.at(-1);
    if (last === undefined || last.length + 1 + name.length > maxBytes) batches.push(name);
    else batches[batches.length - 1] = `${last},${name}`;
  }
  return batches;
}
