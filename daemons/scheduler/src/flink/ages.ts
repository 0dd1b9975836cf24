import { AskedFor } from './asked-for.ts';

/** How long things have been seen, by the clock of this process alone: clocks of hosts may differ. */
export class Ages {
  readonly #since = new AskedFor<number>();

  /** Milliseconds since the first look at which it was asked for. */
  of(key: string, nowMs: number): number {
    const since = this.#since.get(key) ?? nowMs;
    this.#since.set(key, since);
    return nowMs - since;
  }

  /** Forgets what was not asked for since this was called last. */
  forgetUnseen(): void {
    this.#since.forgetUnasked();
  }
}
