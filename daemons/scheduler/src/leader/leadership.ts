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
 * At most one scheduler acts (P7). Whoever takes the lease serves a term, and renews it when half of it is over: earlier,
 * more of it would outlive a leader that dies; later, there would be no time for a second attempt. Whoever waits for it is
 * told when it is free, and asks six times within its length all the same, so another leads at most 7/6 of its length
 * after a leader has died.
 */
export class Leadership {
  readonly #options: LeadershipOptions;
  readonly #retryMs: number;
  /** Calls that take longer are given up. */
  readonly #callMs: number;
  readonly #renewalMs: number;

  constructor(options: LeadershipOptions) {
    this.#options = options;
    this.#retryMs = options.ttlMs / 6;
    this.#callMs = options.ttlMs / 3;
    this.#renewalMs = options.ttlMs / 4;
  }

  /** Serves one term after the other until `stopping` is aborted; `serve` returns soon after its term's signal is. */
  async run(serve: (term: Term) => Promise<void>, stopping: AbortSignal): Promise<void> {
    while (!stopping.aborted) {
      const term = await this.#acquire(stopping);
      if (term === 'held') await this.#untilFree(stopping);
      else {
        if (term !== undefined) await this.#serve(serve, term, stopping);
        await this.#options.clock.sleep(this.#retryMs, stopping).catch(() => {});
      }
    }
  }

  /** At most until it is time to ask by oneself: what tells that the lease is free may be cut off, or not know of it. */
  async #untilFree(stopping: AbortSignal): Promise<void> {
    const { leases, clock } = this.#options;
    const over = new AbortController();
    const signal = AbortSignal.any([over.signal, stopping]);
    const late = clock.sleep(this.#retryMs, signal).catch(() => {});
    const told = leases
      .waitLease({ name: leaseName, timeout: duration(this.#retryMs) }, { signal })
      .catch(() => late);
    await Promise.race([late, told]);
    over.abort();
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

  /** `held`: by somebody else. */
  async #acquire(stopping: AbortSignal): Promise<Term | 'held' | undefined> {
    const { leases, holder, ttlMs, clock, log } = this.#options;
    const askedMs = clock.monotonicMs();
    const request = { name: leaseName, holder, ttl: duration(ttlMs) };
    try {
      const lease = await this.#soon('acquiring', this.#callMs, stopping, (signal) =>
        leases.acquireLease(request, { signal }),
      );
      const fence = { lease: leaseName, token: lease.fencingToken, operation: '' };
      return this.#begin(new Term({ clock, fence, endsAtMs: askedMs + ttlMs, stopping }));
    } catch (error) {
      if (isTesseraError(error, 'LEASE_HELD')) return 'held';
      if (!stopping.aborted) log.warn({ error: String(error) }, 'leadership.refused');
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
    let nextMs = term.endsAtMs - ttlMs / 2;
    while (!served.aborted && !term.isLost) {
      await clock.sleep(Math.max(0, nextMs - clock.monotonicMs()), served).catch(() => {});
      if (served.aborted || term.isLost) return;
      const askedMs = clock.monotonicMs();
      try {
        await this.#soon('renewing', this.#renewalMs, served, (signal) =>
          leases.renewLease({ name: leaseName, fencingToken: token }, { signal }),
        );
        term.prolong(askedMs + ttlMs);
        nextMs = term.endsAtMs - ttlMs / 2;
      } catch (error) {
        if (served.aborted) return;
        nextMs = askedMs + this.#retryMs;
        log.warn({ error: String(error) }, 'leadership.renewal-failed');
        if (isTesseraError(error, 'LEASE_LOST')) term.lose();
      }
    }
  }

  /** The next leader need not wait. */
  async #release(term: Term, fencingToken: bigint): Promise<void> {
    const { leases, log } = this.#options;
    term.lose();
    await this.#soon('releasing', this.#callMs, undefined, (signal) =>
      leases.releaseLease({ name: leaseName, fencingToken }, { signal }),
    ).catch((error) => log.warn({ error: String(error) }, 'leadership.release-failed'));
  }

  /** A call that hangs is given up in time for another. */
  #soon<T>(
    what: string,
    limitMs: number,
    parent: AbortSignal | undefined,
    call: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const { clock } = this.#options;
    const on = { what: `${what} ${leaseName}`, reason: 'LEASE_TIMEOUT', clock };
    return withDeadline(limitMs, call, parent ? { ...on, parent } : on);
  }
}

function duration(ms: number): { seconds: bigint; nanos: number } {
  return { seconds: BigInt(Math.floor(ms / 1000)), nanos: (ms % 1000) * 1_000_000 };
}
