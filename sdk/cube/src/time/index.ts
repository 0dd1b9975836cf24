/** Time ranges of segments: calendars, zones, partition predicates, merging and retention. */
export { grains, nests } from './civil.ts';
export { type DateFormat, parseDateFormat } from './date-format.ts';
export { mergesDue, type SegmentMerge } from './merges-due.ts';
export { partitionMicros, partitionPredicate } from './partition-predicate.ts';
export { nextPeriod, type Period, periodAt } from './period.ts';
export { grainOf, rangeLabel } from './range-label.ts';
export { parseRetention, type Retention, retentionStart, segmentsExpired } from './retention.ts';
export { compareRanges, type RunBorders, segmentRanges } from './segment-ranges.ts';
export { holdsNoRows, joinStretches, type Stretch, stretchGroups } from './stretches.ts';
export { checkTimeZone, instantOf, localOf } from './zone.ts';
