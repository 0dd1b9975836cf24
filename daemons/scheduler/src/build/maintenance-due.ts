import { cubeSpecFromProto, listAll, segmentFromProto } from '@tessera/client';
import { mergesDue, parseRetention, type Segment, segmentsExpired } from '@tessera/cube';
import { metadata } from '@tessera/proto';
import type { BuildStore } from '../replicas/build-store.ts';
import { missingFiles } from './missing-layouts.ts';

/**
 * Retention counts back from the end of the newest segment that has rows: data that has stopped growing is not dropped.
 * Segments that begin after `now` only count when there are no others, so a date far ahead drops nothing.
 */
export function expiredSegments(
  segments: readonly Segment[],
  { retain, timeZone, now }: RetentionRule,
): string[] {
  const retention = retain === undefined ? undefined : parseRetention(retain);
  const ends = segments.flatMap(({ range, sourceRows }) =>
    range.kind === 'range' && sourceRows > 0n ? [range] : [],
  );
  const begun = ends.filter(({ start }) => start <= now);
  const newest = (begun.length > 0 ? begun : ends).reduce(
    (latest, { end }) => (end > latest ? end : latest),
    0n,
  );
  return segmentsExpired(segments, retention, newest, timeZone).map(({ id }) => id);
}

export interface RetentionRule {
  readonly retain: string | undefined;
  readonly timeZone: string;
  /** Microseconds since 1970. */
  readonly now: bigint;
}

export function isRetiredBefore(
  segment: Pick<metadata.Segment, 'state' | 'retireTime'>,
  micros: bigint,
): boolean {
  return (
    segment.state === metadata.SegmentState.SEGMENT_STATE_RETIRED &&
    microsOf(segment.retireTime) <= micros
  );
}

/** Microseconds since 1970; 0 when there is no time. */
export function microsOf(
  time: { readonly seconds: bigint; readonly nanos: number } | undefined,
): bigint {
  return time === undefined
    ? 0n
    : time.seconds * 1_000_000n + BigInt(Math.floor(time.nanos / 1000));
}

/**
 * Names of the cubes for which maintenance would do something now that deserves an operation: merges, retention,
 * damaged files.
 */
export async function cubesDue(store: BuildStore, now: bigint): Promise<string[]> {
  const { clients } = store;
  const [cubes, models] = await Promise.all([
    listAll(clients, 'cubes', { parent: 'projects/-' }),
    listAll(clients, 'models', { parent: 'projects/-' }),
  ]);
  const due: string[] = [];
  for (const cube of cubes.resources) {
    const { model, segments } = cubeSpecFromProto(cube.spec);
    const { autoMerge, retain } = segments;
    const modelName = `${cube.name.split('/cubes/')[0]}/models/${model}`;
    const timeZone =
      models.resources.find(({ name }) => name === modelName)?.spec?.timeZone || 'UTC';
    const { resources } = await listAll(clients, 'segments', { parent: cube.name });
    const ready = resources
      .filter(({ state }) => state === metadata.SegmentState.SEGMENT_STATE_READY)
      .map(segmentFromProto);
    const work =
      mergesDue(ready, autoMerge, timeZone).length > 0 ||
      expiredSegments(ready, { retain, timeZone, now }).length > 0 ||
      (await missingFiles(store, resources)).size > 0;
    if (work) due.push(cube.name);
  }
  return due;
}
