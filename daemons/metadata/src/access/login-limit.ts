import type { Clock } from '@tessera/base';

/** Failures in a row that a user may have, and for how long the next try then waits. */
const maxFailures = 5;
const pauseMs = 30_000;
/** Users whose failures are remembered; who is forgotten first failed longest ago. */
const maxUsers = 10_000;

/** Bounds how often passwords of one user can be tried. Passwords are checked one at a time for each user. */
export class LoginLimit {
  readonly #clock: Clock;
  readonly #failures = new Map<string, { readonly count: number; readonly atMs: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Milliseconds until the user may try again; 0: now. */
  waitMs(user: string): number {
    const known = this.#failures.get(user);
    if (known === undefined || known.count < maxFailures) return 0;
    return Math.max(0, known.atMs + pauseMs - this.#clock.monotonicMs());
  }

  failed(user: string): void {
    const known = this.#failures.get(user);
    this.#failures.delete(user);
    this.#failures.set(user, { count: (known?.count ?? 0) + 1, atMs: this.#clock.monotonicMs() });
    if (this.#failures.size <= maxUsers) return;
    this.#failures.delete(this.#failures.keys().next().value!);
  }

  succeeded(user: string): void {
    this.#failures.delete(user);
  }
}
