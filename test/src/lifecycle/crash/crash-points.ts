import type { Moment } from '../between.ts';

/** The scheduler's calls that change something outside of it: a crash before and after each is another state. */
export const crashPoints: readonly string[] = [
  'operationRecords.writeJournalEntry',
  'segments.publishSegments',
  'segments.updateSegment',
  'cubes.updateCube',
  'snapshots.updateSnapshot',
  'storage.prepareIngest',
  'storage.commitIngest',
  'storage.warmUp',
  'storage.abortIngest',
];

/** Nothing lies between the answer to one call and the next one but computing, so one side of each is enough. */
export function isCrashPoint({ call, when }: Moment): boolean {
  return when === 'after' || call === 'segments.publishSegments';
}
