/** How long things have been seen, by the clock of this process alone: clocks of hosts may differ. */
export class Ages {
  #since = new Map<string, number>();
  #seen = new Set<string>();

  /** Milliseconds since the first look at which it was asked for. */
  of(key: string, nowMs: number): number {
    this.#seen.add(key);
    const since = this.#since.get(key) ?? nowMs;
    this.#since.set(key, since);
    return nowMs - since;
  }

  /** Forgets what was not asked for since this was called last. */
  forgetUnseen(): void {
    this.#since = new Map([...this.#since].filter(([key]) => this.#seen.has(key)));
    this.#seen = new Set();
  }
}
