import { queueFull, queueTimeout } from './errors.ts';

export interface AdmissionLimits {
  /** How many may work at once. */
  readonly maxConcurrent: number;
  /** How many may wait; one more is refused at once. */
  readonly maxQueued: number;
  /** How long one may wait. */
  readonly queueTimeoutMs: number;
}

interface Waiting {
  readonly admit: () => void;
}

/** Lets a bounded number work at once, first come first served; the others wait in a bounded queue, until a deadline. */
export class AdmissionQueue {
  readonly #limits: AdmissionLimits;
  readonly #waiting: Waiting[] = [];
  #working = 0;

  constructor(limits: AdmissionLimits) {
    this.#limits = limits;
  }

  get working(): number {
    return this.#working;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /**
   * Resolves when it is the caller's turn; `release` must follow.
   * @throws QUERY_QUEUE_FULL, QUERY_QUEUE_TIMEOUT, or the signal's reason.
   */
  async admit(signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    if (this.#working < this.#limits.maxConcurrent) {
      this.#working++;
      return;
    }
    if (this.#waiting.length >= this.#limits.maxQueued) throw queueFull(this.#waiting.length);
    await this.#wait(signal);
  }

  release(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#working--;
    else next.admit(); // The place passes on.
  }

  #wait(signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const leave = () => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', giveUp);
      };
      const waiting: Waiting = {
        admit: () => {
          leave();
          resolve();
        },
      };
      const refuse = (reason: unknown) => {
        leave();
        this.#waiting.splice(this.#waiting.indexOf(waiting), 1);
        reject(reason);
      };
      const giveUp = () => refuse(signal!.reason);
      const { queueTimeoutMs } = this.#limits;
      const timer = setTimeout(() => refuse(queueTimeout(queueTimeoutMs)), queueTimeoutMs);
      signal?.addEventListener('abort', giveUp, { once: true });
      this.#waiting.push(waiting);
    });
  }
}
