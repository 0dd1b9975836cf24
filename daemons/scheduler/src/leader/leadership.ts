import type { Clock } from '@tessera/base';
import { isTesseraError } from '@tessera/base';
import type { Logger } from '@tessera/daemon';
import type { coordination } from '@tessera/proto';
import type { SchedulerClients } from '../clients.ts';
import { notLeader } from '../errors.ts';

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
 * At most one scheduler acts (P7). A term begins when the lease was taken and ends as soon as it could not be
 * renewed; every write of a term carries its fencing token, so that a leader which has not noticed its end
 * cannot write.
 */
export class Leadership {
  readonly #options: LeadershipOptions;
  #lease: coordination.Lease | undefined;

  constructor(options: LeadershipOptions) {
    this.#options = options;
  }

  get isLeader(): boolean {
    return this.#lease !== undefined;
  }

  /** @throws NOT_LEADER outside of a term. */
  fence(): coordination.Fence {
    if (this.#lease === undefined) throw notLeader();
    return { lease: leaseName, token: this.#lease.fencingToken };
  }

  /** Serves one term after the other until `signal` is aborted. `term` is told by its signal when its term ends. */
  async run(term: (signal: AbortSignal) => Promise<void>, signal: AbortSignal): Promise<void> {
    const { clock, ttlMs, log } = this.#options;
    while (!signal.aborted) {
      this.#lease = await this.#acquire();
      if (this.#lease !== undefined) {
        log.info({ token: String(this.#lease.fencingToken) }, 'leadership.begins');
        await this.#serve(term, signal);
        log.info({}, 'leadership.ends');
      }
      await clock.sleep(ttlMs / 3, signal).catch(() => {});
    }
  }

  async #serve(term: (signal: AbortSignal) => Promise<void>, signal: AbortSignal): Promise<void> {
    const lost = new AbortController();
    const renewing = this.#renewUntilLost(lost, signal);
    try {
      await term(AbortSignal.any([lost.signal, signal]));
    } catch (error) {
      if (!lost.signal.aborted && !signal.aborted) {
        this.#options.log.error({ error: String(error) }, 'leadership.term-failed');
      }
    } finally {
      lost.abort(notLeader());
      await renewing;
      await this.#release();
    }
  }

  async #acquire(): Promise<coordination.Lease | undefined> {
    const { leases, holder, ttlMs, log } = this.#options;
    try {
      return await leases.acquireLease({ name: leaseName, holder, ttl: duration(ttlMs) });
    } catch (error) {
      if (!isTesseraError(error, 'LEASE_HELD'))
        log.warn({ error: String(error) }, 'leadership.refused');
      return undefined;
    }
  }

  async #renewUntilLost(lost: AbortController, signal: AbortSignal): Promise<void> {
    const { leases, clock, ttlMs, log } = this.#options;
    const ended = AbortSignal.any([lost.signal, signal]);
    let renewedAt = clock.monotonicMs();
    while (!ended.aborted) {
      await clock.sleep(ttlMs / 3, ended).catch(() => {});
      if (ended.aborted) return;
      try {
        await leases.renewLease({ name: leaseName, fencingToken: this.#lease!.fencingToken });
        renewedAt = clock.monotonicMs();
      } catch (error) {
        const ranOut = clock.monotonicMs() - renewedAt > (ttlMs * 2) / 3;
        log.warn({ error: String(error) }, 'leadership.renewal-failed');
        if (ranOut || isTesseraError(error, 'LEASE_LOST')) lost.abort(notLeader());
      }
    }
  }

  async #release(): Promise<void> {
    const lease = this.#lease;
    this.#lease = undefined;
    if (lease === undefined) return;
    const { leases, log } = this.#options;
    await leases
      .releaseLease({ name: leaseName, fencingToken: lease.fencingToken })
      .catch((error) => log.warn({ error: String(error) }, 'leadership.release-failed'));
  }
}

function duration(ms: number): { seconds: bigint; nanos: number } {
  return { seconds: BigInt(Math.floor(ms / 1000)), nanos: (ms % 1000) * 1_000_000 };
}
