import type { Clock } from '@tessera/base';
import { isTesseraError } from '@tessera/base';
import { type Logger, withDeadline } from '@tessera/daemon';
import type { SchedulerClients } from '../clients.ts';
import { Term } from './term.ts';

const leaseName = 'leases/scheduler';

export interface LeadershipOptions {
  readonly leases: SchedulerClients['leases'];
  readonly clock: Clock;
  readonly log: Logger;
  /** Names this life of this process. */
  readonly holder: string;
  readonly ttlMs: number;
}

/**
 * At most one scheduler acts (P7). Whoever takes the lease serves a term. It is renewed three times within its length,
 * and whoever waits for it asks six times, so another leads at most 7/6 of its length after a leader has died.
 */
export class Leadership {
  readonly #options: LeadershipOptions;
  readonly #renewMs: number;
  readonly #retryMs: number;

  constructor(options: LeadershipOptions) {
    this.#options = options;
    this.#renewMs = options.ttlMs / 3;
    this.#retryMs = options.ttlMs / 6;
  }

  /** Serves one term after the other until `stopping` is aborted; `serve` returns soon after its term's signal is. */
  async run(serve: (term: Term) => Promise<void>, stopping: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    while (!stopping.aborted) {
      const term = await this.#acquire(stopping);
      if (term !== undefined) await this.#serve(serve, term, stopping);
      await clock.sleep(this.#retryMs, stopping).catch(() => {});
    }
  }

  async #serve(
    serve: (term: Term) => Promise<void>,
    term: Term,
    stopping: AbortSignal,
  ): Promise<void> {
    const { log } = this.#options;
    const { token } = term.fence();
    log.info({ token: String(token) }, 'leadership.begins');
    const served = new AbortController();
    const expiring = term.expire(served.signal);
    const renewing = this.#renew(term, token, served.signal);
    try {
      await serve(term);
    } catch (error) {
      if (!term.signal.aborted) log.error({ error: String(error) }, 'leadership.term-failed');
    }
    served.abort();
    await Promise.all([expiring, renewing]);
    if (!term.isLost) await this.#release(term, token);
    log.info({ token: String(token), stopping: stopping.aborted }, 'leadership.ends');
  }

  async #acquire(stopping: AbortSignal): Promise<Term | undefined> {
    const { leases, holder, ttlMs, clock, log } = this.#options;
    const askedMs = clock.monotonicMs();
    const request = { name: leaseName, holder, ttl: duration(ttlMs) };
    try {
      const lease = await this.#soon('acquiring', stopping, (signal) =>
        leases.acquireLease(request, { signal }),
      );
      const fence = { lease: leaseName, token: lease.fencingToken, operation: '' };
      return this.#begin(new Term({ clock, fence, endsAtMs: askedMs + ttlMs, stopping }));
    } catch (error) {
      if (!isTesseraError(error, 'LEASE_HELD') && !stopping.aborted)
        log.warn({ error: String(error) }, 'leadership.refused');
      return undefined;
    }
  }

  /** An answer that came too late begins no term. */
  #begin(term: Term): Term | undefined {
    return term.isLost ? undefined : term;
  }

  /** Also while the scheduler stops: what it lets go is written by the same term. */
  async #renew(term: Term, token: bigint, served: AbortSignal): Promise<void> {
    const { leases, clock, ttlMs, log } = this.#options;
    let nextMs = clock.monotonicMs() + this.#renewMs;
    while (!served.aborted && !term.isLost) {
      await clock.sleep(Math.max(0, nextMs - clock.monotonicMs()), served).catch(() => {});
      if (served.aborted || term.isLost) return;
      const askedMs = clock.monotonicMs();
      nextMs = askedMs + this.#renewMs;
      try {
        await this.#soon('renewing', served, (signal) =>
          leases.renewLease({ name: leaseName, fencingToken: token }, { signal }),
        );
        term.prolong(askedMs + ttlMs);
      } catch (error) {
        if (served.aborted) return;
        log.warn({ error: String(error) }, 'leadership.renewal-failed');
        if (isTesseraError(error, 'LEASE_LOST')) term.lose();
      }
    }
  }

  /** The next leader need not wait. */
  async #release(term: Term, fencingToken: bigint): Promise<void> {
    const { leases, log } = this.#options;
    term.lose();
    await this.#soon('releasing', undefined, (signal) =>
      leases.releaseLease({ name: leaseName, fencingToken }, { signal }),
    ).catch((error) => log.warn({ error: String(error) }, 'leadership.release-failed'));
  }

  /** A call that hangs is given up in time for another. */
  #soon<T>(
    what: string,
    parent: AbortSignal | undefined,
    call: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const { clock } = this.#options;
    const on = { what: `${what} ${leaseName}`, reason: 'LEASE_TIMEOUT', clock };
    return withDeadline(this.#renewMs, call, parent ? { ...on, parent } : on);
  }
}

function duration(ms: number): { seconds: bigint; nanos: number } {
  return { seconds: BigInt(Math.floor(ms / 1000)), nanos: (ms % 1000) * 1_000_000 };
}
