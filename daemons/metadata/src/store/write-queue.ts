import { storeBusy, storeClosed } from '../errors.ts';
import type { Write, WriteResult } from './apply-write.ts';
import type { Backend, WriteOutcome } from './backend.ts';
import { bytesOf } from './check-request.ts';

export const writeQueueLimits = {
  /** Writes that wait; one more is refused with STORE_BUSY. */
  waiting: 4096,
  /** Writes and bytes of one commit. */
  batchWrites: 256,
  batchBytes: 8 * 1024 * 1024,
} as const;

interface Waiting {
  readonly write: Write;
  readonly resolve: (result: WriteResult) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Groups commits: while one is on its way to the disk the next writes gather, then go together. Writes take
 * effect in the order they came.
 */
export class WriteQueue {
  readonly #backend: Backend;
  readonly #committed: (result: WriteResult) => void;
  #waiting: Waiting[] = [];
  #running: Promise<void> | undefined;
  #closed = false;

  /** `committed` hears of each write, in order, before the writer does. */
  constructor(backend: Backend, committed: (result: WriteResult) => void) {
    this.#backend = backend;
    this.#committed = committed;
  }

  run(write: Write): Promise<WriteResult> {
    if (this.#closed) return Promise.reject(storeClosed());
    if (this.#waiting.length >= writeQueueLimits.waiting) {
      return Promise.reject(storeBusy(writeQueueLimits.waiting));
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ write, resolve, reject });
      this.#running ??= this.#drain();
    });
  }

  /** Accepts no more, and resolves when what was accepted has its outcome. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#running;
  }

  async #drain(): Promise<void> {
    await Promise.resolve(); // What is asked for in the same turn goes together.
    while (this.#waiting.length > 0) await this.#commit(this.#takeBatch());
    this.#running = undefined;
  }

  async #commit(batch: readonly Waiting[]): Promise<void> {
    let outcomes: readonly WriteOutcome[];
    try {
      outcomes = await this.#backend.commit(batch.map(({ write }) => write));
    } catch (error) {
      for (const { reject } of batch) reject(error);
      return;
    }
    for (const outcome of outcomes) if (outcome.ok) this.#committed(outcome.result);
    for (const [i, { resolve, reject }] of batch.entries()) {
      const outcome = outcomes[i]!;
      if (outcome.ok) resolve(outcome.result);
      else reject(outcome.error);
    }
  }

  #takeBatch(): Waiting[] {
    let sizeBytes = 0;
    let count = 0;
    for (const { write } of this.#waiting) {
      sizeBytes += write.kind === 'transaction' ? bytesOf(write.request) : 0;
      if (count > 0 && sizeBytes > writeQueueLimits.batchBytes) break;
      if (++count === writeQueueLimits.batchWrites) break;
    }
    return this.#waiting.splice(0, count);
  }
}
