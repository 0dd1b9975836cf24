import type { Clock } from '@tessera/base';

/** Wrong passwords that may come at once, and the time after which one more may. */
interface Allowance {
  readonly failures: number;
  readonly eachMs: number;
}

const ofOneAddress: Allowance = { failures: 5, eachMs: 30_000 };
/**
 * Of all addresses together, against somebody who has many. One that fails as fast as it may stays below this for ever, so
 * that nobody keeps a user out from a single address.
 */
const ofAllAddresses: Allowance = { failures: 50, eachMs: 10_000 };
/** Whose failures are remembered; who is forgotten first failed longest ago. */
const maxRemembered = 10_000;

/** Bounds how often passwords of one user can be tried, from one address and from all. */
export class LoginLimit {
  readonly #clock: Clock;
  readonly #byAddress = new Failures(ofOneAddress);
  readonly #byUser = new Failures(ofAllAddresses);

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Milliseconds until the user may try again from there; 0: now. */
  waitMs(user: string, address: string): number {
    const nowMs = this.#clock.monotonicMs();
    return Math.max(
      this.#byAddress.waitMs(placeOf(user, address), nowMs),
      this.#byUser.waitMs(user, nowMs),
    );
  }

  failed(user: string, address: string): void {
    const nowMs = this.#clock.monotonicMs();
    this.#byAddress.add(placeOf(user, address), nowMs);
    this.#byUser.add(user, nowMs);
  }

  /** Forgives what he mistyped there. What others tried elsewhere still counts. */
  succeeded(user: string, address: string): void {
    this.#byAddress.forget(placeOf(user, address));
  }
}

/** Failures that are forgotten one by one: of each key no more is kept than when all of its are (GCRA). */
class Failures {
  readonly #allowance: Allowance;
  readonly #forgottenAtMs = new Map<string, number>();

  constructor(allowance: Allowance) {
    this.#allowance = allowance;
  }

  waitMs(key: string, nowMs: number): number {
    const { failures, eachMs } = this.#allowance;
    const forgottenAtMs = this.#forgottenAtMs.get(key) ?? nowMs;
    return Math.max(0, forgottenAtMs - nowMs - (failures - 1) * eachMs);
  }

  add(key: string, nowMs: number): void {
    const fromMs = Math.max(nowMs, this.#forgottenAtMs.get(key) ?? nowMs);
    this.#forgottenAtMs.delete(key);
    this.#forgottenAtMs.set(key, fromMs + this.#allowance.eachMs);
    if (this.#forgottenAtMs.size <= maxRemembered) return;
    this.#forgottenAtMs.delete(this.#forgottenAtMs.keys().next().value!);
  }

  forget(key: string): void {
    this.#forgottenAtMs.delete(key);
  }
}

/** Ids hold no blanks. */
function placeOf(user: string, address: string): string {
  return `${user} ${address}`;
}
