import type { Clock, KeyValueStore } from '@tessera/base';
import { metadata } from '@tessera/proto';
import { Commit } from '../resources/commit.ts';
import { segmentKind } from '../resources/kinds.ts';
import { keyOf } from '../resources/resource-key.ts';
import { encodeResource, timestampOf } from '../resources/resource-kind.ts';
import { coverageKey, uncover } from '../rules/coverage.ts';
import { cubeOf } from '../rules/segment-rules.ts';
import { readCatalog } from './read-catalog.ts';
import { findProblems, type Problem, type Remedy } from './store-problems.ts';

/** Problems that are told one by one; beyond it only their number. */
const toldProblems = 1_000;

/** Passes of a repair: retiring one of two segments may leave it overlapping no third, or show another pair. */
const passes = 8;

/** Looks for what should not be there and, when asked, mends what can be mended without a loss. */
export async function checkStore(
  store: KeyValueStore,
  clock: Clock,
  { repair }: { readonly repair: boolean },
): Promise<metadata.CheckStoreResponse> {
  const repaired: Problem[] = [];
  for (let pass = 1; ; pass++) {
    const catalog = await readCatalog(store);
    const problems = findProblems(catalog);
    const mended = repair && pass <= passes ? await mendAll(store, clock, problems) : [];
    repaired.push(...mended);
    if (mended.length > 0) continue;
    const told = [
      ...repaired.map((problem) => toWire(problem, true)),
      ...problems.map((problem) => toWire(problem, false)),
    ];
    return {
      revision: catalog.revision,
      checkedCount: BigInt(catalog.checkedCount),
      problems: told.slice(0, toldProblems),
      problemCount: BigInt(told.length),
    };
  }
}

async function mendAll(
  store: KeyValueStore,
  clock: Clock,
  problems: readonly Problem[],
): Promise<Problem[]> {
  const mended: Problem[] = [];
  for (const problem of problems) {
    if (problem.remedy === undefined) continue;
    if (await mend(store, clock, problem.remedy)) mended.push(problem);
  }
  return mended;
}

/** False when it has changed since it was read. */
async function mend(store: KeyValueStore, clock: Clock, remedy: Remedy): Promise<boolean> {
  const commit = new Commit();
  if (remedy.kind === 'delete') {
    commit.requireUnchanged(remedy.key, remedy.modRevision).delete(remedy.key);
    return (await commit.run(store)) !== undefined;
  }
  if (remedy.kind === 'reindex') {
    // Whoever makes the next segment READY makes the entries first.
    const key = coverageKey(remedy.cube);
    commit.requireUnchanged(key, remedy.modRevision).put(key, new Uint8Array());
    return (await commit.run(store)) !== undefined;
  }
  const { segment } = remedy;
  const key = keyOf(segmentKind.pattern, segment.name);
  const now = timestampOf(clock.now());
  const state = metadata.SegmentState.SEGMENT_STATE_RETIRED;
  const retired = { ...segment, state, updateTime: now, retireTime: now };
  commit.requireUnchanged(key, segment.revision);
  uncover(commit, segment);
  // Whoever publishes meanwhile has read the segment as it was, and decides again.
  commit
    .put(key, encodeResource(segmentKind, retired))
    .put(coverageKey(cubeOf(segment.name)), new Uint8Array());
  return (await commit.run(store)) !== undefined;
}

function toWire({ reason, name, detail, remedy }: Problem, repaired: boolean) {
  return { reason, name, detail, remedy: remedy?.kind ?? '', repaired };
}
