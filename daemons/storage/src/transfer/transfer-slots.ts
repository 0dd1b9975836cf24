import { isTesseraError } from '@tessera/base';
import { type AdmissionLimits, AdmissionQueue } from '@tessera/duckdb';
import { transferQueueFull } from '../errors.ts';

/** Lets a bounded number of files be copied at once; the others wait in a bounded queue. */
export class TransferSlots {
  readonly #queue: AdmissionQueue;

  constructor(limits: AdmissionLimits) {
    this.#queue = new AdmissionQueue(limits);
  }

  get working(): number {
    return this.#queue.working;
  }

  /** The slot is free again when it is disposed. @throws TRANSFER_QUEUE_FULL, or the signal's reason. */
  async take(signal: AbortSignal): Promise<Disposable> {
    try {
      await this.#queue.admit(signal);
    } catch (error) {
      const isFull =
        isTesseraError(error, 'QUERY_QUEUE_FULL') || isTesseraError(error, 'QUERY_QUEUE_TIMEOUT');
      throw isFull ? transferQueueFull(error) : error;
    }
    return { [Symbol.dispose]: () => this.#queue.release() };
  }
}
