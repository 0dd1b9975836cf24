import type { Clock } from '@tessera/base';

interface Sleeper {
  readonly dueMs: number;
  readonly wake: () => void;
}

/** A clock that stands still until it is moved. Sleepers wake in the order of their times. */
export class ManualClock implements Clock {
  #ms: number;
  readonly #sleepers = new Set<Sleeper>();

  constructor(startMs = 1_700_000_000_000) {
    this.#ms = startMs;
  }

  now(): bigint {
    return BigInt(this.#ms) * 1000n;
  }

  monotonicMs(): number {
    return this.#ms;
  }

  sleep(durationMs: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const abort = () => {
        this.#sleepers.delete(sleeper);
        reject(signal?.reason);
      };
      const wake = () => {
        signal?.removeEventListener('abort', abort);
        resolve();
      };
      const sleeper = { dueMs: this.#ms + Math.max(0, durationMs), wake };
      this.#sleepers.add(sleeper);
      signal?.addEventListener('abort', abort, { once: true });
    });
  }

  /** Moves on, waking whoever is due on the way and giving each a turn of the event loop. */
  async advance(durationMs: number): Promise<void> {
    const endMs = this.#ms + durationMs;
    for (;;) {
      await turn();
      const due = [...this.#sleepers].filter(({ dueMs }) => dueMs <= endMs);
      const first = due.sort((a, b) => a.dueMs - b.dueMs)[0];
      if (first === undefined) break;
      this.#sleepers.delete(first);
      this.#ms = Math.max(this.#ms, first.dueMs);
      first.wake();
    }
    this.#ms = endMs;
    await turn();
  }
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
