import { cubeSpecFromProto, listAll, segmentFromProto } from '@tessera/client';
import { mergesDue, parseRetention, type Segment, segmentsExpired } from '@tessera/cube';
import { metadata } from '@tessera/proto';
import type { SchedulerClients } from '../clients.ts';
import { missingFiles } from './missing-layouts.ts';

/** Retention counts back from the end of the newest segment: data that has stopped growing is not dropped. */
export function expiredSegments(
  segments: readonly Segment[],
  retain: string | undefined,
  timeZone: string,
): string[] {
  const retention = retain === undefined ? undefined : parseRetention(retain);
  const newest = segments.reduce(
    (latest, { range }) => (range.kind === 'range' && range.end > latest ? range.end : latest),
    0n,
  );
  return segmentsExpired(segments, retention, newest, timeZone).map(({ id }) => id);
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
export async function cubesDue(clients: SchedulerClients): Promise<string[]> {
  const [cubes, models] = await Promise.all([
    listAll(clients, 'cubes', { parent: 'projects/-' }),
    listAll(clients, 'models', { parent: 'projects/-' }),
  ]);
  const due: string[] = [];
  for (const cube of cubes.resources) {
    const spec = cubeSpecFromProto(cube.spec);
    const modelName = `${cube.name.split('/cubes/')[0]}/models/${spec.model}`;
    const zone = models.resources.find(({ name }) => name === modelName)?.spec?.timeZone || 'UTC';
    const { resources } = await listAll(clients, 'segments', { parent: cube.name });
    const ready = resources
      .filter(({ state }) => state === metadata.SegmentState.SEGMENT_STATE_READY)
      .map(segmentFromProto);
    const work =
      mergesDue(ready, spec.segments.autoMerge, zone).length > 0 ||
      expiredSegments(ready, spec.segments.retain, zone).length > 0 ||
      (await missingFiles(clients, resources)).size > 0;
    if (work) due.push(cube.name);
  }
  return due;
}
