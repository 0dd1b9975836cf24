import { type Clock, invariant, isTesseraError, messageOf } from '@tessera/base';
import { statusOf } from '@tessera/client';
import { asTesseraError, type Logger } from '@tessera/daemon';
import { type Any, metadata } from '@tessera/proto';
import { inSpanUnder } from '@tessera/telemetry';
import type { SchedulerClients } from '../clients.ts';
import { operationCancelled, startedTooOften } from '../errors.ts';
import { actingClients } from '../leader/acting-clients.ts';
import type { Authority } from '../leader/authority.ts';
import { Gate } from '../leader/gate.ts';
import type { Term } from '../leader/term.ts';
import { Journal } from './journal.ts';
import { allCubes, type OperationContext, type OperationKind } from './operation.ts';
import { Progress, timestamp } from './progress.ts';
import { RecordWriter } from './record-writer.ts';
import { Turns } from './turns.ts';

export interface RunnerOptions {
  readonly clients: SchedulerClients;
  /** Every kind of operation, acting by these clients and this authority, and no others. */
  readonly kindsOf: (clients: SchedulerClients, authority: Authority) => readonly OperationKind[];
  readonly clock: Clock;
  readonly log: Logger;
  readonly maxConcurrent: number;
}

interface Running {
  readonly target: string;
  readonly cancel: AbortController;
  readonly done: Promise<void>;
}

/** One start of an operation. */
interface Attempt {
  readonly kind: OperationKind | undefined;
  /** The same kind, acting also after the work was given up. */
  readonly cleaner: OperationKind | undefined;
  readonly context: OperationContext;
  readonly writer: RecordWriter;
  readonly gate: Gate;
}

type Outcome = { readonly response: Any } | { readonly error: unknown };

const { OperationState } = metadata;
const waitingStates = [
  OperationState.OPERATION_STATE_PENDING,
  OperationState.OPERATION_STATE_RUNNING,
];
const progressIntervalMs = 250;
/** Records are looked at this often even when nothing was heard of them. */
const lookIntervalMs = 2_000;
/** Tries of an operation whose failure may pass. */
const maxAttempts = 3;
/** Before the second try, and four times as long before the third: a daemon that is started again is back by then. */
const firstPauseMs = 1_000;
/** How long cancelled work may take to let go before its operation ends without it. */
const letGoMs = 5_000;
/** Starts of an operation in all, whatever ended them: one that takes the scheduler down must not do so for ever. */
const maxStarts = 10;

/**
 * Runs the operations that metadata holds, by turns of their projects, at most one per target at a time. An operation that was running when
 * a scheduler died is run again from its journal. Errors that a second try may mend are tried again, a bounded
 * number of times.
 */
export class OperationRunner {
  readonly #options: RunnerOptions;
  readonly #running = new Map<string, Running>();
  readonly #turns = new Turns();
  #wake: (() => void) | undefined;

  constructor(options: RunnerOptions) {
    this.#options = options;
  }

  /** Serves one term: until its signal is aborted, then lets go of everything (without ending it). */
  async run(term: Term): Promise<void> {
    const { signal } = term;
    const watching = this.#watchRecords(signal);
    try {
      while (!signal.aborted) {
        const woken = this.#woken(signal);
        await this.#startWhatWaits(term);
        await woken;
      }
    } finally {
      for (const { cancel } of this.#running.values()) cancel.abort(signal.reason);
      await Promise.allSettled([...this.#running.values()].map(({ done }) => done));
      await watching;
    }
  }

  async #startWhatWaits(term: Term): Promise<void> {
    const { maxConcurrent } = this.#options;
    for (const record of this.#turns.order(await this.#waiting(term.signal))) {
      const running = this.#running.get(record.name);
      if (running !== undefined) {
        if (record.cancelRequested) running.cancel.abort(operationCancelled(record.name));
        continue;
      }
      const free = this.#running.size < maxConcurrent && !this.#isBusy(record.target);
      // Whoever was cancelled before it began only has to be written down.
      if (free || record.cancelRequested) this.#start(record, term);
    }
  }

  /** Oldest first; none when they cannot be read now. */
  async #waiting(signal: AbortSignal): Promise<readonly metadata.OperationRecord[]> {
    const { clients, log } = this.#options;
    const waiting: metadata.OperationRecord[] = [];
    try {
      for (let pageToken = ''; ; ) {
        const request = { states: waitingStates, pageSize: 1000, pageToken };
        const page = await clients.operationRecords.listOperationRecords(request, { signal });
        waiting.push(...page.operationRecords);
        pageToken = page.nextPageToken;
        if (pageToken === '') return waiting.sort(byCreation);
      }
    } catch (error) {
      if (!signal.aborted) log.warn({ error: messageOf(error) }, 'operation.list-failed');
      return [];
    }
  }

  #isBusy(target: string): boolean {
    const targets = [...this.#running.values()].map((running) => running.target);
    if (target === allCubes) return targets.length > 0;
    return targets.some((other) => other === target || other === allCubes);
  }

  #start(record: metadata.OperationRecord, term: Term): void {
    const cancel = new AbortController();
    const done = this.#execute(record, AbortSignal.any([cancel.signal, term.signal]), term)
      .catch((error) => {
        if (term.signal.aborted) return;
        this.#options.log.error({ operation: record.name, error: String(error) }, 'operation.lost');
      })
      .finally(() => {
        this.#running.delete(record.name);
        this.#wake?.();
      });
    this.#running.set(record.name, { target: record.target, cancel, done });
    this.#turns.took(record.target);
  }

  async #execute(found: metadata.OperationRecord, signal: AbortSignal, term: Term): Promise<void> {
    const attempt = await this.#begin(found, signal, term);
    const { context, writer, gate } = attempt;
    const ended = new AbortController();
    void this.#reportNowAndThen(writer, context.progress, ended.signal);
    const outcome = await this.#outcomeOf(attempt);
    gate.close();
    ended.abort();
    if ('response' in outcome) {
      await this.#succeed(attempt, outcome.response);
    } else if (term.signal.aborted) {
      // The next leader takes it up from the journal; that it was stopped in good order is no failed start.
      await writer.write({ attempt: found.attempt }).catch(() => {});
    } else {
      await this.#fail(outcome.error, attempt);
    }
  }

  async #begin(found: metadata.OperationRecord, signal: AbortSignal, term: Term): Promise<Attempt> {
    const { clients, kindsOf, clock } = this.#options;
    const gate = new Gate(found.name, term);
    const [byGate, byTerm] = [actingClients(clients, gate), actingClients(clients, term)];
    const kindOf = (acting: SchedulerClients, authority: Authority) =>
      kindsOf(acting, authority).find((candidate) => candidate.kind === found.kind);
    const attempt = found.attempt + 1;
    const progress = new Progress(clock, { cube: found.target, kind: found.kind, attempt });
    const writer = new RecordWriter(byTerm.operationRecords, found);
    await writer.write({
      state: OperationState.OPERATION_STATE_RUNNING,
      attempt,
      metadata: progress.packed(),
    });
    const journal = await Journal.open(byGate.operationRecords, found.name);
    const context = { record: writer.record, journal, progress, signal };
    return { kind: kindOf(byGate, gate), cleaner: kindOf(byTerm, term), context, writer, gate };
  }

  async #outcomeOf({ kind, context, gate }: Attempt): Promise<Outcome> {
    const { name, attempt, cancelRequested } = context.record;
    try {
      if (cancelRequested) throw operationCancelled(name);
      if (attempt > maxStarts) throw startedTooOften(name, maxStarts);
      invariant(kind !== undefined, `no operation kind ${context.record.kind}`);
      return { response: await this.#orGivenUp(traced(kind, context), context, gate) };
    } catch (error) {
      return { error };
    }
  }

  async #reportNowAndThen(
    writer: RecordWriter,
    progress: Progress,
    ended: AbortSignal,
  ): Promise<void> {
    while (!ended.aborted) {
      await this.#options.clock.sleep(progressIntervalMs, ended).catch(() => {});
      if (!ended.aborted) await writer.report(progress);
    }
  }

  /** When this cannot be written, the operation is run again: its journal then leads here at once. */
  async #succeed({ cleaner, context, writer }: Attempt, value: Any): Promise<void> {
    const { clock, log } = this.#options;
    const { name, kind, target } = context.record;
    await this.#cleanUp(cleaner, context);
    await writer.write({
      state: OperationState.OPERATION_STATE_SUCCEEDED,
      result: { $case: 'response', value },
      metadata: context.progress.packed(true),
      endTime: timestamp(clock.now()),
    });
    log.info({ operation: name, kind, target }, 'operation.succeeded');
  }

  /** What is left over is collected as garbage later. */
  async #cleanUp(cleaner: OperationKind | undefined, context: OperationContext): Promise<void> {
    await cleaner?.cleanUp(context).catch((problem) => {
      const { name } = context.record;
      this.#options.log.warn(
        { operation: name, error: messageOf(problem) },
        'operation.clean-up-failed',
      );
    });
  }

  /** What is cancelled ends soon, even when a plugin does not listen: then nothing that it still does is written. */
  async #orGivenUp<T>(work: Promise<T>, { signal }: OperationContext, gate: Gate): Promise<T> {
    const over = new AbortController();
    const givenUp = new Promise<never>((_, reject) => {
      const wait = () =>
        this.#options.clock.sleep(letGoMs, over.signal).then(
          () => {
            gate.close();
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

  async #fail(error: unknown, { cleaner, context, writer }: Attempt): Promise<void> {
    const { clock, log } = this.#options;
    const { record, progress, signal } = context;
    const cancelled = signal.aborted || isTesseraError(error, 'CANCELLED');
    const failure = cancelled
      ? operationCancelled(record.name)
      : asTesseraError(error, signal, record.kind, log);
    if (!cancelled && passing.has(failure.reason) && writer.record.attempt < maxAttempts) {
      log.warn({ operation: record.name, reason: failure.reason }, 'operation.retried');
      const pauseMs = firstPauseMs * 4 ** (writer.record.attempt - 1);
      await clock.sleep(pauseMs, signal).catch(() => {});
      await writer.write({ state: OperationState.OPERATION_STATE_PENDING });
      return;
    }
    await this.#cleanUp(cleaner, context);
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
        const changes = this.#options.clients.operationRecords.watchOperationRecords(
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

  async #woken(signal: AbortSignal): Promise<void> {
    const woken = new AbortController();
    this.#wake = () => woken.abort();
    await this.#options.clock
      .sleep(lookIntervalMs, AbortSignal.any([woken.signal, signal]))
      .catch(() => {});
  }
}

/** Runs an operation as a part of the trace of whoever asked for it, if that was traced. */
function traced(kind: OperationKind, context: OperationContext): Promise<Any> {
  const { name, target, attempt, traceparent } = context.record;
  const attributes = {
    'tessera.operation': name,
    'tessera.target': target,
    'tessera.attempt': attempt,
  };
  return inSpanUnder(traceparent, `operation.${kind.kind}`, attributes, () => kind.run(context));
}

/** Transient conditions: trying again may mend them, where storage nodes are concerned also by others of them. */
const passing: ReadonlySet<string> = new Set([
  'BUILD_NODE_AWAY',
  'DAEMON_UNAVAILABLE',
  'INGEST_MISMATCH',
  'NO_REPLICA',
  'NO_STORAGE_ON_HOST',
  'PULL_FAILED',
  'SEGMENT_CHANGED',
  'STORE_BUSY',
  'UNAVAILABLE',
]);

function byCreation(a: metadata.OperationRecord, b: metadata.OperationRecord): number {
  const seconds = (a.createTime?.seconds ?? 0n) - (b.createTime?.seconds ?? 0n);
  if (seconds !== 0n) return seconds < 0n ? -1 : 1;
  return (a.createTime?.nanos ?? 0) - (b.createTime?.nanos ?? 0) || (a.name < b.name ? -1 : 1);
}
