import { FairPlaces } from '@tessera/base';
import { queueFull, queueTimeout } from './errors.ts';

export interface AdmissionLimits {
  /** How many may work at once. */
  readonly maxConcurrent: number;
  /** How many may wait; one more is refused at once. */
  readonly maxQueued: number;
  /** How many of one flow may wait; absent: as many as of all. */
  readonly maxQueuedPerFlow?: number;
  /** How long one may wait. */
  readonly queueTimeoutMs: number;
}

/** Whom the work is for, such as a project: those who wait take turns by flows. Absent: all are one. */
export interface Turn {
  readonly flow?: string | undefined;
}

interface Waiting {
  readonly admit: () => void;
}

/** Lets a bounded number work at once; the others wait in a bounded queue that is fair between flows, until a deadline. */
export class AdmissionQueue {
  readonly #limits: AdmissionLimits;
  readonly #places: FairPlaces<Waiting>;

  constructor(limits: AdmissionLimits) {
    const { maxConcurrent: places, maxQueued: maxWaiting } = limits;
    this.#limits = limits;
    this.#places = new FairPlaces({
      ...{ places, maxWaiting },
      maxWaitingPerFlow: limits.maxQueuedPerFlow ?? maxWaiting,
    });
  }

  get working(): number {
    return this.#places.inside;
  }

  get waiting(): number {
    return this.#places.waiting;
  }

  /**
   * Resolves when it is the caller's turn; `release` must follow.
   * @throws QUERY_QUEUE_FULL, QUERY_QUEUE_TIMEOUT, or the signal's reason.
   */
  async admit(signal?: AbortSignal, { flow = '' }: Turn = {}): Promise<void> {
    signal?.throwIfAborted();
    const turn = Promise.withResolvers<void>();
    const waiting: Waiting = { admit: turn.resolve };
    const arrival = this.#places.arrive(flow, 1, waiting);
    if (arrival.kind === 'entered') return;
    if (arrival.kind === 'refused') throw queueFull(arrival.waiting);
    const giveUp = (reason: unknown) => {
      if (this.#places.withdraw(flow, waiting)) turn.reject(reason);
    };
    const abort = () => giveUp(signal!.reason);
    const { queueTimeoutMs } = this.#limits;
    const timer = setTimeout(() => giveUp(queueTimeout(queueTimeoutMs)), queueTimeoutMs);
    signal?.addEventListener('abort', abort, { once: true });
    try {
      await turn.promise;
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
    }
  }

  release(): void {
    this.#places.leave()?.admit(); // The place passes on.
  }
}
