import { loginsBusy } from '../errors.ts';

/** Logins under way, the waiting ones among them: each costs a derivation that is slow on purpose. */
const maxUnderWay = 64;
/** Of one address, so that it leaves room for others. */
const maxOfOneAddress = 16;
/** By then those that are under way are through. */
const retryAfterMs = 1_000;

/** Lets logins in one at a time for each user, so that many at once are no way round their limit, and a bounded number in all. */
export class LoginTurns {
  readonly #lastOf = new Map<string, Promise<unknown>>();
  readonly #ofAddress = new Map<string, number>();
  #underWay = 0;

  /** @throws LOGINS_BUSY; what `login` throws */
  async run<T>(user: string, address: string, login: () => Promise<T>): Promise<T> {
    this.#enter(address);
    const mine = (this.#lastOf.get(user) ?? Promise.resolve()).then(login, login);
    this.#lastOf.set(user, mine);
    try {
      return await mine;
    } finally {
      if (this.#lastOf.get(user) === mine) this.#lastOf.delete(user);
      this.#leave(address);
    }
  }

  #enter(address: string): void {
    const own = this.#ofAddress.get(address) ?? 0;
    if (own >= maxOfOneAddress) throw loginsBusy(maxOfOneAddress, retryAfterMs);
    if (this.#underWay >= maxUnderWay) throw loginsBusy(maxUnderWay, retryAfterMs);
    this.#ofAddress.set(address, own + 1);
    this.#underWay++;
  }

  #leave(address: string): void {
    const own = this.#ofAddress.get(address)! - 1;
    if (own === 0) this.#ofAddress.delete(address);
    else this.#ofAddress.set(address, own);
    this.#underWay--;
  }
}
