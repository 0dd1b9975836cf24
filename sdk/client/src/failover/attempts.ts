import { isTesseraError, systemClock } from '@tessera/base';
import { sleep } from '../calls/backoff.ts';
import type { Endpoint, EndpointPool } from './endpoint-pool.ts';
import { failureOf, isRepeatable, type Method } from './repeating.ts';

/** All attempts of one call together. */
const budgetMs = 10_000;
/** Between two rounds of all daemons; doubles. */
const pause = { firstMs: 50, longestMs: 500 } as const;

/**
 * The attempts of one call: one daemon after the other. When none of them can be reached the call has failed; as long as
 * one of them may be there but cannot answer yet, such as while etcd elects a leader or on a network that takes seconds to
 * connect over, they are asked again until time is up.
 */
export class Attempts {
  readonly #pool: EndpointPool;
  readonly #isRepeatable: boolean;
  readonly #takesStream: boolean;
  readonly #endMs = systemClock.monotonicMs() + budgetMs;
  readonly #tried = new Set<string>();
  #somebodyIsThere = false;
  #hasBegun = false;
  #pauseMs: number = pause.firstMs;

  constructor(pool: EndpointPool, method: Method) {
    this.#pool = pool;
    this.#isRepeatable = isRepeatable(method);
    this.#takesStream = method.requestStream;
  }

  next(): Endpoint {
    return this.#pool.pick(this.#tried)!;
  }

  /** Something was answered and handed on: from now on a failure is the caller's. */
  begun(): void {
    this.#hasBegun = true;
  }

  /** Returns when another attempt may be made. @throws the error when none may, or would help. */
  async failed(endpoint: Endpoint, error: unknown, signal: AbortSignal | undefined): Promise<void> {
    const failure = failureOf(error);
    if (signal?.aborted || failure === 'answered') throw error;
    this.#pool.distrust(endpoint);
    if (this.#hasBegun || this.#takesStream) throw error;
    if (failure === 'lost' && !this.#isRepeatable) throw error;
    this.#somebodyIsThere ||= failure === 'lost' || isConnecting(error);
    this.#tried.add(endpoint.address);
    if (this.#tried.size === this.#pool.size) await this.#nextRound(error, signal);
  }

  async #nextRound(error: unknown, signal: AbortSignal | undefined): Promise<void> {
    const isLate = systemClock.monotonicMs() + this.#pauseMs > this.#endMs;
    if (!this.#somebodyIsThere || isLate) throw error;
    await sleep(systemClock, this.#pauseMs, signal);
    this.#pauseMs = Math.min(2 * this.#pauseMs, pause.longestMs);
    this.#somebodyIsThere = false;
    this.#tried.clear();
  }
}

/** Nothing said that nobody is there: it only takes longer than is waited for one of several. The connection is still being made. */
function isConnecting(error: unknown): boolean {
  return isTesseraError(error) && error.reason === 'DAEMON_UNRESPONSIVE';
}
