import type { Model, Segment, SourceVersion } from '@tessera/cube';
import { compareRanges } from '@tessera/cube';
import { tablesOf } from './snapshot.ts';

/** Stands for a version that could not be asked: equal to nothing. */
export const unreadable: SourceVersion = { known: true, token: '\u0000unreadable' };

/**
 * Ids of the segments whose tables have changed since they were read. None for a model that answers as of the
 * build, and none by a table whose connector cannot tell.
 */
export function staleSegments(
  model: Model,
  segments: readonly Segment[],
  versions: Versions,
): ReadonlySet<string> {
  if (model.freshness === 'built') return new Set();
  const stale = segments.filter((segment) => changedTables(model, segment, versions).length > 0);
  return new Set(stale.map(({ id }) => id));
}

/** By table, as `source.table`. */
export type Versions = ReadonlyMap<string, SourceVersion>;

/** Tables of the model that have another version now than the segment was built from. */
export function changedTables(model: Model, segment: Segment, versions: Versions): string[] {
  return tablesOf(model).filter((table) => {
    const built = segment.sourceVersions[table];
    const now = versions.get(table);
    return built?.known === true && now?.known === true && built.token !== now.token;
  });
}

/** True when a change of any table would be noticed. */
export function knowsVersions(model: Model, segment: Segment, versions: Versions): boolean {
  const isKnown = (table: string) =>
    segment.sourceVersions[table]?.known === true && versions.get(table)?.known === true;
  return tablesOf(model).every(isKnown);
}

/**
 * READY segments without two that hold the same rows: of segments that overlap the later built one counts. They
 * only do while the change that retires the others is still on its way.
 */
export function disjointSegments(segments: readonly Segment[]): Segment[] {
  const newestFirst = [...segments].sort((a, b) => (a.builtAt > b.builtAt ? -1 : 1));
  const kept: Segment[] = [];
  for (const segment of newestFirst) {
    if (!kept.some((other) => overlap(segment, other))) kept.push(segment);
  }
  return kept.sort((a, b) => compareRanges(a.range, b.range));
}

function overlap({ range: a }: Segment, { range: b }: Segment): boolean {
  if (a.kind === 'all' || b.kind === 'all') return true;
  if (a.kind === 'null' || b.kind === 'null') return a.kind === b.kind;
  return a.start < b.end && b.start < a.end;
}
