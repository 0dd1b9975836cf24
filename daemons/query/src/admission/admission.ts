import type { Clock } from '@tessera/base';
import { queryCancelled, queryNotRunning, queryQueueFull, queryTimeout } from '../errors.ts';
import type { QueryLimits, RunningQuery } from './running-query.ts';

export interface AdmissionConfig {
  /** Statements that run at the same time. */
  readonly maxRunning: number;
  /** Statements that may wait for one of those places. */
  readonly maxQueued: number;
}

/** What a statement holds while it runs; given back by disposal. */
export interface Admitted extends Disposable {
  readonly query: RunningQuery;
  /** Aborts with the reason (QUERY_TIMEOUT, QUERY_CANCELLED, or the caller's own) that the query ends with. */
  readonly signal: AbortSignal;
}

/**
 * The door of the daemon: a bounded number of statements runs, a bounded number waits in order, and every
 * one of them has a deadline and can be cancelled by id.
 */
export class Admission {
  readonly #config: AdmissionConfig;
  readonly #clock: Clock;
  readonly #queries = new Map<string, { query: RunningQuery; abort: AbortController }>();
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(config: AdmissionConfig, clock: Clock) {
    this.#config = config;
    this.#clock = clock;
  }

  /** @throws QUERY_QUEUE_FULL, QUERY_TIMEOUT, QUERY_CANCELLED */
  async admit(
    request: { readonly id: string; readonly project: string; readonly sql: string },
    limits: QueryLimits,
    caller?: AbortSignal,
  ): Promise<Admitted> {
    const abort = new AbortController();
    const query: RunningQuery = {
      ...request,
      startedAt: this.#clock.now(),
      state: 'QUEUED',
      rowCount: 0n,
    };
    const cancel = () => abort.abort(queryCancelled(request.id));
    if (caller?.aborted) cancel();
    caller?.addEventListener('abort', cancel, { once: true });
    const timer = setTimeout(
      () => abort.abort(queryTimeout(limits.timeoutMs)),
      Math.min(limits.timeoutMs, 2 ** 31 - 1),
    );
    const forget = () => {
      clearTimeout(timer);
      caller?.removeEventListener('abort', cancel);
      this.#queries.delete(request.id);
    };
    this.#queries.set(request.id, { query, abort });
    try {
      await this.#enter(abort.signal);
    } catch (error) {
      forget();
      throw error;
    }
    query.state = 'PLANNING';
    let held = true;
    return {
      query,
      signal: abort.signal,
      [Symbol.dispose]: () => {
        if (!held) return;
        held = false;
        forget();
        this.#leave();
      },
    };
  }

  running(): readonly RunningQuery[] {
    return [...this.#queries.values()].map(({ query }) => query);
  }

  /** @throws QUERY_NOT_RUNNING when it has ended already or never was. */
  cancel(id: string): void {
    const found = this.#queries.get(id);
    if (found === undefined) throw queryNotRunning(id);
    found.abort.abort(queryCancelled(id));
  }

  #enter(signal: AbortSignal): Promise<void> | undefined {
    signal.throwIfAborted();
    if (this.#running < this.#config.maxRunning) {
      this.#running++;
      return undefined;
    }
    if (this.#waiting.length >= this.#config.maxQueued) {
      throw queryQueueFull(this.#config.maxQueued);
    }
    return new Promise((resolve, reject) => {
      const enter = () => {
        signal.removeEventListener('abort', giveUp);
        resolve();
      };
      const giveUp = () => {
        const place = this.#waiting.indexOf(enter);
        if (place >= 0) this.#waiting.splice(place, 1);
        reject(signal.reason);
      };
      signal.addEventListener('abort', giveUp, { once: true });
      this.#waiting.push(enter);
    });
  }

  /** The place goes straight to the one who waits longest. */
  #leave(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#running--;
    else next();
  }
}
