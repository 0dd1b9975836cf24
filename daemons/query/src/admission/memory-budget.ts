import { queryMemoryExceeded, queryMemoryFull } from '../errors.ts';

export interface MemoryLimits {
  /** Bytes that one statement may hold. */
  readonly maxBytesPerStatement: number;
  /** Bytes that all of them may hold. */
  readonly maxBytes: number;
}

/**
 * What statements hold of rows in this process: partial results, tables read through connectors, answers until their
 * last byte is sent. A statement that would pass a bound ends; none of them takes the process down.
 */
export class MemoryBudget {
  readonly #limits: MemoryLimits;
  #heldBytes = 0;

  constructor(limits: MemoryLimits) {
    this.#limits = limits;
  }

  get heldBytes(): number {
    return this.#heldBytes;
  }

  open(): StatementMemory {
    return new StatementMemory((bytes) => this.#change(bytes), this.#limits.maxBytesPerStatement);
  }

  #change(bytes: number): void {
    const { maxBytes } = this.#limits;
    if (bytes > 0 && this.#heldBytes + bytes > maxBytes) throw queryMemoryFull(maxBytes);
    this.#heldBytes += bytes;
  }
}

/** One statement's part of the budget, given back by disposal. */
export class StatementMemory implements Disposable {
  readonly #change: (bytes: number) => void;
  readonly #maxBytes: number;
  #heldBytes = 0;
  #closed = false;

  constructor(change: (bytes: number) => void, maxBytes: number) {
    this.#change = change;
    this.#maxBytes = maxBytes;
  }

  /** Counts bytes that were just taken in. @throws QUERY_MEMORY_EXCEEDED, QUERY_MEMORY_FULL */
  hold(bytes: number): void {
    if (this.#closed) return; // A part that ends after the statement did is let go with it.
    if (this.#heldBytes + bytes > this.#maxBytes) throw queryMemoryExceeded(this.#maxBytes);
    this.#change(bytes);
    this.#heldBytes += bytes;
  }

  /** Everything but so many bytes was let go. */
  keepOnly(bytes: number): void {
    if (this.#closed || bytes >= this.#heldBytes) return;
    this.#change(bytes - this.#heldBytes);
    this.#heldBytes = bytes;
  }

  [Symbol.dispose](): void {
    this.keepOnly(0);
    this.#closed = true;
  }
}
