import type { Clock } from '@tessera/base';
import type { coordination } from '@tessera/proto';
import { notLeader } from '../errors.ts';
import type { Authority } from './authority.ts';

export interface TermOptions {
  readonly clock: Clock;
  readonly fence: coordination.Fence;
  /** By `clock.monotonicMs()`. */
  readonly endsAtMs: number;
  /** Aborted when the scheduler stops: then the term's work lets go, in good order. */
  readonly stopping: AbortSignal;
}

/**
 * One term of a leader: from taking the lease until it is given back, lost to another, or over by this process's own
 * clock. That clock starts before a request to prolong the lease is sent, so a leader gives up before metadata gives the
 * lease away; if it cannot (it was paused, or its clock is slow), its fence is refused wherever it writes.
 */
export class Term implements Authority {
  readonly #options: TermOptions;
  readonly #lost = new AbortController();
  #endsAtMs: number;

  constructor(options: TermOptions) {
    this.#options = options;
    this.#endsAtMs = options.endsAtMs;
    this.signal = AbortSignal.any([this.#lost.signal, options.stopping]);
  }

  /** Aborted when work must stop: the term is lost, or the scheduler stops. */
  readonly signal: AbortSignal;

  get over(): AbortSignal {
    return this.#lost.signal;
  }

  /** By `clock.monotonicMs()`. */
  get endsAtMs(): number {
    return this.#endsAtMs;
  }

  get isLost(): boolean {
    if (this.#endsAtMs <= this.#options.clock.monotonicMs()) this.lose();
    return this.#lost.signal.aborted;
  }

  /** What is let go in good order may still be written while the scheduler stops. @throws NOT_LEADER. */
  fence(): coordination.Fence {
    if (this.isLost) throw notLeader();
    return this.#options.fence;
  }

  lose(): void {
    if (!this.#lost.signal.aborted) this.#lost.abort(notLeader());
  }

  prolong(endsAtMs: number): void {
    this.#endsAtMs = Math.max(this.#endsAtMs, endsAtMs);
  }

  /** Resolves when the term is lost, or `signal` is aborted. */
  async expire(signal: AbortSignal): Promise<void> {
    const ended = AbortSignal.any([this.#lost.signal, signal]);
    const { clock } = this.#options;
    while (!ended.aborted && !this.isLost) {
      await clock.sleep(Math.max(0, this.#endsAtMs - clock.monotonicMs()), ended).catch(() => {});
    }
  }
}
