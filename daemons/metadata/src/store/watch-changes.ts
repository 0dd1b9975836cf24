import type { Clock, KeyRange, WatchBatch, WatchEvent, WatchOptions } from '@tessera/base';
import type { Changes } from './backend.ts';
import { type ChangesRequest, type Row, toKeyValue } from './history.ts';
import type { RecentChanges } from './recent-changes.ts';

export const watchLimits = {
  /** Rows that one watcher reads ahead of its consumer. */
  aheadRows: 64,
  /** Unless the watcher asks otherwise. */
  progressIntervalMs: 10_000,
  /** Open watches of one store. */
  watches: 1_000,
} as const;

export interface WatchSource {
  readonly recent: RecentChanges;
  readonly clock: Clock;
  /** Reads what `recent` no longer holds. @throws OUT_OF_RANGE REVISION_COMPACTED. */
  readHistory(request: ChangesRequest): Promise<Changes>;
  /** Throws when the store is closed. */
  checkOpen(): void;
}

/**
 * Pulls: the watcher remembers the next revision it has to deliver and nothing else, so however slow its
 * consumer is, no change is queued for it and none is lost.
 */
export async function* watchChanges(
  source: WatchSource,
  range: KeyRange,
  { startRevision, signal, progressIntervalMs = watchLimits.progressIntervalMs }: WatchOptions,
): AsyncGenerator<WatchBatch> {
  const { recent } = source;
  let next = startRevision;
  let caughtUp = false;
  let told = 0n;
  let toldMs = 0;
  while (!signal?.aborted) {
    source.checkOpen();
    const through = recent.revision;
    if (next <= through) {
      const request = { range, from: next, through, limit: watchLimits.aheadRows };
      const changes = recent.read(request) ?? (await source.readHistory(request));
      for (const batch of batchesOf(changes.rows)) {
        if (signal?.aborted) return;
        yield batch;
        [told, toldMs] = [batch.revision, source.clock.monotonicMs()];
      }
      next = changes.through + 1n;
      continue;
    }
    const waitMs = toldMs + progressIntervalMs - source.clock.monotonicMs();
    if (!caughtUp || (told < through && waitMs <= 0)) {
      caughtUp = true;
      yield { revision: through, events: [] };
      [told, toldMs] = [through, source.clock.monotonicMs()];
    } else {
      await idle(source, { signal, after: through, ...(told < through ? { waitMs } : {}) });
    }
  }
}

interface Idle {
  readonly signal: AbortSignal | undefined;
  readonly after: bigint;
  readonly waitMs?: number;
}

/** Waits for a revision after `after`, and no longer than `waitMs`. */
async function idle({ recent, clock }: WatchSource, wait: Idle): Promise<void> {
  const ended = new AbortController();
  const signal = wait.signal ? AbortSignal.any([ended.signal, wait.signal]) : ended.signal;
  const changed = recent.changed(signal);
  const end = () => ended.abort();
  if (recent.revision > wait.after) end();
  if (wait.waitMs !== undefined) clock.sleep(wait.waitMs, signal).then(end, end);
  await changed;
  end();
}

/** One batch per revision. */
function* batchesOf(rows: readonly Row[]): Generator<WatchBatch> {
  let events: WatchEvent[] = [];
  for (const [i, row] of rows.entries()) {
    events.push(
      row.value === undefined
        ? { kind: 'delete', key: row.key }
        : { kind: 'put', entry: toKeyValue(row) },
    );
    if (rows[i + 1]?.modRevision === row.modRevision) continue;
    yield { revision: row.modRevision, events };
    events = [];
  }
}
