import { pages, type TesseraClient } from '@tessera/client';
import { query } from '@tessera/proto';

export type Freshness = 'current' | 'stale' | 'unknown';

/** What the query daemon knows of a segment's data. */
export interface KnownFreshness {
  readonly freshness: Freshness;
  /** As `source.table`. */
  readonly changedTables: readonly string[];
}

const words: Readonly<Record<number, Freshness>> = {
  [query.Freshness.FRESHNESS_CURRENT]: 'current',
  [query.Freshness.FRESHNESS_STALE]: 'stale',
};

/** By segment name, of the READY segments of `parent`: a cube, or `projects/{project}/cubes/-`. */
export async function freshnessOf(
  { queries }: TesseraClient,
  parent: string,
): Promise<ReadonlyMap<string, KnownFreshness>> {
  const found = pages(async (pageToken) => {
    const response = await queries.listSegmentFreshness({ parent, pageSize: 1_000, pageToken });
    return { items: response.segments, nextPageToken: response.nextPageToken };
  });
  const known = new Map<string, KnownFreshness>();
  for await (const { segment, freshness, changedTables } of found) {
    known.set(segment, { freshness: words[freshness] ?? 'unknown', changedTables });
  }
  return known;
}
