/** Work that one look has begun and that goes on while others are taken: a program that takes minutes to start holds up nothing else. */
export class UnderWay {
  readonly #begun = new Map<string, Promise<unknown>>();

  keys(): ReadonlySet<string> {
    return new Set(this.#begun.keys());
  }

  /** Resolves when it has ended, whatever its end. */
  async begin(key: string, work: () => Promise<unknown>): Promise<void> {
    const ended = work()
      .catch(() => {}) // Whoever begins it tells of its failure.
      .finally(() => this.#begun.delete(key));
    this.#begun.set(key, ended);
    await ended;
  }

  /** Resolves when nothing is under way any more. */
  async settled(): Promise<void> {
    await Promise.all(this.#begun.values());
  }
}
