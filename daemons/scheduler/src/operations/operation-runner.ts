import { type Clock, isTesseraError, messageOf } from '@tessera/base';
import { statusOf } from '@tessera/client';
import { asTesseraError, type Logger } from '@tessera/daemon';
import { metadata } from '@tessera/proto';
import type { SchedulerClients } from '../clients.ts';
import { operationCancelled, startedTooOften } from '../errors.ts';
import type { Leadership } from '../leader/leadership.ts';
import { Journal } from './journal.ts';
import { allCubes, type OperationContext, type OperationKind } from './operation.ts';
import { Progress, timestamp } from './progress.ts';

export interface RunnerOptions {
  readonly records: SchedulerClients['operationRecords'];
  readonly leadership: Leadership;
  readonly kinds: readonly OperationKind[];
  readonly clock: Clock;
  readonly log: Logger;
  readonly maxConcurrent: number;
}

interface Running {
  readonly target: string;
  readonly cancel: AbortController;
  readonly done: Promise<void>;
}

const { OperationState } = metadata;
const waitingStates = [
  OperationState.OPERATION_STATE_PENDING,
  OperationState.OPERATION_STATE_RUNNING,
];
const progressIntervalMs = 250;
/** Tries of an operation whose failure may pass. */
const maxAttempts = 3;
/** How long cancelled work may take to let go before its operation ends without it. */
const letGoMs = 5_000;
/** Starts of an operation in all, whatever ended them: one that takes the scheduler down must not do so for ever. */
const maxStarts = 10;

/**
 * Runs the operations that metadata holds, oldest first, at most one per target at a time. An operation that was running when
 * a scheduler died is run again from its journal. Errors that a second try may mend are tried again, a bounded
 * number of times.
 */
export class OperationRunner {
  readonly #options: RunnerOptions;
  readonly #running = new Map<string, Running>();
  #wake: (() => void) | undefined;

  constructor(options: RunnerOptions) {
    this.#options = options;
  }

  /** Serves one term: until `signal` is aborted, then lets go of everything (without ending it). */
  async run(signal: AbortSignal): Promise<void> {
    const watching = this.#watchRecords(signal);
    try {
      while (!signal.aborted) {
        const woken = this.#woken(signal);
        await this.#startWhatWaits(signal).catch((error) => {
          // Metadata is away or being restored: what waits is looked for again when the runner wakes.
          this.#options.log.warn({ error: String(error) }, 'operation.list-failed');
        });
        await woken;
      }
    } finally {
      for (const { cancel } of this.#running.values()) cancel.abort(signal.reason);
      await Promise.allSettled([...this.#running.values()].map(({ done }) => done));
      await watching;
    }
  }

  async #startWhatWaits(signal: AbortSignal): Promise<void> {
    const { records, maxConcurrent } = this.#options;
    const waiting: metadata.OperationRecord[] = [];
    for (let pageToken = ''; ; ) {
      const page = await records.listOperationRecords({
        states: waitingStates,
        pageSize: 1000,
        pageToken,
      });
      waiting.push(...page.operationRecords);
      pageToken = page.nextPageToken;
      if (pageToken === '') break;
    }
    waiting.sort(byCreation);
    for (const record of waiting) {
      const running = this.#running.get(record.name);
      if (running !== undefined) {
        if (record.cancelRequested) running.cancel.abort(operationCancelled(record.name));
        continue;
      }
      const free = this.#running.size < maxConcurrent && !this.#isBusy(record.target);
      // Whoever was cancelled before it began only has to be written down.
      if (free || record.cancelRequested) this.#start(record, signal);
    }
  }

  #isBusy(target: string): boolean {
    const targets = [...this.#running.values()].map((running) => running.target);
    if (target === allCubes) return targets.length > 0;
    return targets.some((other) => other === target || other === allCubes);
  }

  #start(record: metadata.OperationRecord, term: AbortSignal): void {
    const cancel = new AbortController();
    const done = this.#execute(record, AbortSignal.any([cancel.signal, term]), term)
      .catch((error) => {
        this.#options.log.error({ operation: record.name, error: String(error) }, 'operation.lost');
      })
      .finally(() => {
        this.#running.delete(record.name);
        this.#wake?.();
      });
    this.#running.set(record.name, { target: record.target, cancel, done });
  }

  async #execute(
    found: metadata.OperationRecord,
    signal: AbortSignal,
    term: AbortSignal,
  ): Promise<void> {
    const { records, leadership, clock, log } = this.#options;
    const attempt = found.attempt + 1;
    const progress = new Progress(clock, { cube: found.target, kind: found.kind, attempt });
    const writer = new RecordWriter(found, this.#options);
    await writer.write({
      state: OperationState.OPERATION_STATE_RUNNING,
      attempt,
      metadata: progress.packed(),
    });
    const journal = await Journal.open(records, leadership, found.name);
    const context: OperationContext = { record: writer.record, journal, progress, signal };
    const kind = this.#options.kinds.find((candidate) => candidate.kind === found.kind);
    const ticker = setInterval(() => void writer.report(progress), progressIntervalMs);
    try {
      if (found.cancelRequested) throw operationCancelled(found.name);
      if (attempt > maxStarts) throw startedTooOften(found.name, maxStarts);
      if (kind === undefined) throw new Error(`no operation kind ${found.kind}`);
      const response = await this.#orGivenUp(kind.run(context), context);
      clearInterval(ticker);
      await this.#cleanUp(kind, context);
      await writer.write({
        state: OperationState.OPERATION_STATE_SUCCEEDED,
        result: { $case: 'response', value: response },
        metadata: progress.packed(true),
        endTime: timestamp(clock.now()),
      });
      log.info(
        { operation: found.name, kind: found.kind, target: found.target },
        'operation.succeeded',
      );
    } catch (error) {
      clearInterval(ticker);
      if (term.aborted) {
        // The next leader takes it up from the journal; that it was stopped in good order is no failed start.
        await writer.write({ attempt: found.attempt }).catch(() => {});
        return;
      }
      await this.#fail(error, kind, context, writer);
    } finally {
      clearInterval(ticker);
    }
  }

  /** What is left over is collected as garbage later. */
  async #cleanUp(kind: OperationKind, context: OperationContext): Promise<void> {
    await kind.cleanUp(context).catch((problem) => {
      const { name } = context.record;
      this.#options.log.warn(
        { operation: name, error: messageOf(problem) },
        'operation.clean-up-failed',
      );
    });
  }

  /** What is cancelled ends soon, even when a plugin does not listen: then nothing that it still does is written. */
  async #orGivenUp<T>(work: Promise<T>, { signal, journal }: OperationContext): Promise<T> {
    const over = new AbortController();
    const givenUp = new Promise<never>((_, reject) => {
      const wait = () =>
        this.#options.clock.sleep(letGoMs, over.signal).then(
          () => {
            journal.close();
            reject(signal.reason);
          },
          () => {},
        );
      if (signal.aborted) void wait();
      else signal.addEventListener('abort', wait, { once: true, signal: over.signal });
    });
    try {
      return await Promise.race([work, givenUp]);
    } finally {
      over.abort();
    }
  }

  async #fail(
    error: unknown,
    kind: OperationKind | undefined,
    context: OperationContext,
    writer: RecordWriter,
  ): Promise<void> {
    const { clock, log } = this.#options;
    const { record, progress, signal } = context;
    const cancelled = signal.aborted || isTesseraError(error, 'CANCELLED');
    const failure = cancelled
      ? operationCancelled(record.name)
      : asTesseraError(error, signal, record.kind, log);
    if (!cancelled && mayPass(failure.reason) && writer.record.attempt < maxAttempts) {
      log.warn({ operation: record.name, reason: failure.reason }, 'operation.retried');
      await writer.write({ state: OperationState.OPERATION_STATE_PENDING });
      return;
    }
    if (kind !== undefined) await this.#cleanUp(kind, context);
    await writer.write({
      state: cancelled
        ? OperationState.OPERATION_STATE_CANCELLED
        : OperationState.OPERATION_STATE_FAILED,
      result: { $case: 'error', value: statusOf(failure) },
      metadata: progress.packed(true),
      endTime: timestamp(clock.now()),
    });
    log.warn(
      { operation: record.name, reason: failure.reason, message: failure.message },
      'operation.failed',
    );
  }

  /** Wakes the runner at every change of an operation record, and now and then in case a change was missed. */
  async #watchRecords(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        const changes = this.#options.records.watchOperationRecords(
          { startRevision: 0n },
          { signal },
        );
        this.#wake?.();
        for await (const change of changes) if (change.event !== undefined) this.#wake?.();
      } catch (error) {
        if (signal.aborted) return;
        this.#options.log.warn({ error: String(error) }, 'operation.watch-lost');
        await this.#options.clock.sleep(500, signal).catch(() => {});
      }
    }
  }

  #woken(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(done, 2_000);
      const wake = done;
      function done() {
        clearTimeout(timer);
        signal.removeEventListener('abort', done);
        resolve();
      }
      signal.addEventListener('abort', done, { once: true });
      this.#wake = wake;
    });
  }
}

/** Transient conditions: trying again may mend them. */
function mayPass(reason: string): boolean {
  return ['UNAVAILABLE', 'SEGMENT_CHANGED', 'STORE_BUSY', 'INGEST_MISMATCH'].includes(reason);
}

function byCreation(a: metadata.OperationRecord, b: metadata.OperationRecord): number {
  const seconds = (a.createTime?.seconds ?? 0n) - (b.createTime?.seconds ?? 0n);
  if (seconds !== 0n) return seconds < 0n ? -1 : 1;
  return (a.createTime?.nanos ?? 0) - (b.createTime?.nanos ?? 0) || (a.name < b.name ? -1 : 1);
}

/** Writes one record, with the newest etag and the fence; reports of progress never stand in the way. */
class RecordWriter {
  record: metadata.OperationRecord;
  readonly #options: RunnerOptions;
  #queue: Promise<unknown> = Promise.resolve();
  #reporting = false;

  constructor(record: metadata.OperationRecord, options: RunnerOptions) {
    this.record = record;
    this.#options = options;
  }

  async write(change: Partial<metadata.OperationRecord>): Promise<void> {
    const written = this.#queue.then(() => this.#update(change));
    this.#queue = written.catch(() => {});
    await written;
  }

  async report(progress: Progress): Promise<void> {
    if (this.#reporting) return;
    this.#reporting = true;
    await this.write({ metadata: progress.packed() }).catch(() => {});
    this.#reporting = false;
  }

  async #update(change: Partial<metadata.OperationRecord>): Promise<void> {
    const { records, leadership } = this.#options;
    this.record = await records.updateOperationRecord({
      operationRecord: { name: this.record.name, ...change },
      updateMask: Object.entries(change).map(([field, value]) => maskPath(field, value)),
      fence: leadership.fence(),
    });
  }
}

/** `endTime` → `end_time`; of the oneof, the member that is set. */
function maskPath(field: string, value: unknown): string {
  if (field === 'result') return (value as { readonly $case: string }).$case;
  return field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
