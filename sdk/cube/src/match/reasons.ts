import type { Reason } from '../matched.ts';

/**
 * Every reason that EXPLAIN CUBOID gives, with what it means. Codes are stable: they are documented, tested and never
 * renamed.
 */
export const reasons = {
  TAKEN: 'This layout or snapshot answers the block, at the lowest predicted cost.',
  MORE_EXPENSIVE: 'This layout could answer the block, but another one is predicted to be cheaper.',
  MISSING_DIMENSION: 'The layout does not keep a dimension that the block groups or filters by.',
  MISSING_MEASURE: 'The layout does not keep a measure that the block asks for.',
  NOT_IN_ANY_CUBOID:
    'The model has all that the block needs, but no cuboid that is built keeps it together.',
  NOT_IN_MODEL: 'The block uses a column or an aggregate that the model does not have.',
  JOIN_NOT_IN_MODEL: 'The block joins tables in a way that the model does not declare.',
  FACT_NOT_IN_MODEL: 'No model has the tables of the block as fact and lookups.',
  SELF_JOIN: 'The block joins the fact table with itself.',
  LOOKUP_ONLY: 'The block reads lookup tables alone, and no snapshot of them can be read.',
  SNAPSHOTS_DIFFER: 'The segments were not all built with the same snapshot of the lookup.',
  SNAPSHOT_OLDER: 'This snapshot could answer the block, but another cube was built later.',
  SNAPSHOT_MISSING: 'The snapshot of the lookup is not known, or was found damaged.',
  SNAPSHOT_COLUMNS: 'The snapshot of the lookup does not have all columns that the block reads.',
  SNAPSHOT_TOO_LARGE: 'The snapshot is so large that the lookup is read where it is.',
  NO_TABLES: 'The block reads no table.',
  NOT_AGGREGATED: 'The block asks for rows, and cuboids keep groups.',
  CORRELATED: 'The block refers to an outer query row by row.',
  AGGREGATE_NOT_SUPPORTED: 'Cuboids cannot compute this aggregate.',
  DISTINCT_NOT_MERGEABLE:
    'A distinct count needs one layout over all segments and no holes, because counts of parts do not add up.',
  UNALIGNED_TIME_FILTER: 'A time filter cuts through the grain that the dimension keeps.',
  TIME_ZONE: "The block cuts a timestamptz in a zone that is not the model's.",
  ZERO_SIGN:
    'The block tells 0 from -0, which are one value of a dimension of type real or double.',
  LOOKUP_UNMATCHED_ROWS:
    'Fact rows without a partner make the join of the block differ from the join of the model.',
  NO_READY_SEGMENT: 'The cube has no segment in state READY that the block needs.',
  STALE: 'The source has changed since the segment was built, and the model is strict.',
  PARTIAL_COVERAGE:
    'No segment covers all of the time range, and reading the rest from the source is off.',
  TOO_COMPLEX_TO_MATCH:
    'The statement has so many terms that looking for cuboids would hold up other queries. Write it with fewer terms, such as one IN list.',
  CUBOIDS_OFF: 'The query asked for an answer from the source.',
} as const;

export type ReasonCode = keyof typeof reasons;

/** A reason with its sentence, and after it what is special about this case. */
export function reason(code: ReasonCode, detail?: string, missing: readonly string[] = []): Reason {
  const named = missing.length > 0 ? ` Missing: ${missing.join(', ')}.` : '';
  const special = detail === undefined ? '' : ` ${detail}`;
  return { code, message: `${reasons[code]}${special}${named}`, missing };
}
