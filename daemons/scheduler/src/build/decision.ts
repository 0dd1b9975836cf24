import { resourceIdOf } from '@tessera/base';
import type { SourceVersion } from '@tessera/cube';
import { type Any, scheduler } from '@tessera/proto';
import type { Plain } from '../operations/plain.ts';
import type { BuildWish, SegmentWork } from './decide.ts';

/** What was decided before anything was built, kept in the journal: a resumed build builds exactly this. */
export interface BuildDecision {
  readonly work: readonly SegmentWork[];
  readonly versions: Readonly<Record<string, SourceVersion>>;
  readonly modelEtag: string;
  readonly cubeEtag: string;
  readonly readAt: bigint;
  /** As the source told before anything was read, for segments that need no reading. */
  readonly rejectedRows: bigint;
  /** Rows of the fact, when the build is of all of them and their number is that of `versions`. */
  readonly sourceRows?: bigint;
}

/** What a request to build or to refresh wishes. */
export function wishOf(request: Any | undefined): BuildWish {
  const bytes = request?.value ?? new Uint8Array();
  if (request?.typeUrl.endsWith('.RefreshSegmentsRequest')) {
    const { segments, force } = scheduler.RefreshSegmentsRequest.decode(bytes);
    const ids = segments.map(resourceIdOf);
    return { force, existingOnly: true, ...(ids.length > 0 ? { only: ids } : {}) };
  }
  const { startMicros, endMicros, force } = scheduler.BuildSegmentsRequest.decode(bytes);
  return {
    force,
    existingOnly: false,
    ...(startMicros === undefined ? {} : { start: startMicros }),
    ...(endMicros === undefined ? {} : { end: endMicros }),
  };
}

type Shared = Pick<SegmentWork, 'layouts' | 'keeps' | 'empty'>;

/** What is kept of a decision in one journal entry: segments with the same layouts share their list. */
export function journaledDecision({ work, ...decision }: BuildDecision): Plain {
  const alike = Map.groupBy(work, ({ layouts, keeps, empty }) =>
    JSON.stringify([layouts, keeps, empty]),
  );
  const groups = [...alike.values()].map((items) => ({
    layouts: items[0]!.layouts,
    keeps: items[0]!.keeps,
    empty: items[0]!.empty,
    segments: items.map(({ id, range, replaces }) => ({ id, range, replaces })),
  }));
  return { ...decision, groups } as unknown as Plain;
}

export function decisionOf(journaled: Plain): BuildDecision {
  const { groups, ...decision } = journaled as unknown as Omit<BuildDecision, 'work'> & {
    readonly groups: readonly (Shared & { readonly segments: readonly SegmentWork[] })[];
  };
  const work = groups.flatMap(({ segments, ...shared }) =>
    segments.map((segment) => ({ ...segment, ...shared })),
  );
  return { ...decision, work };
}
