import type { Clock } from '@tessera/base';
import {
  createLocalJWKSet,
  errors,
  type FlattenedJWSInput,
  type JSONWebKeySet,
  type JWSHeaderParameters,
  type LocalJWKSet,
} from 'jose';

export interface KeySetOptions {
  /** Reads the keys as they are published now. */
  readonly fetch: () => Promise<JSONWebKeySet>;
  /** Keys this old are read again, while they go on to be used. */
  readonly refreshMs: number;
  /** Keys this old are not used any more: nobody knows whether they were withdrawn. */
  readonly maxAgeMs: number;
  /** Between reads, whatever tokens ask for: made-up key ids are no way to make us flood the provider. */
  readonly cooldownMs: number;
  readonly clock: Clock;
  /** Told when the keys could not be read. */
  readonly onFailure: (error: unknown) => void;
}

interface Known {
  readonly find: LocalJWKSet;
  readonly readAtMs: number;
}

/** The keys that a provider signs with. They change when it wants; it may be away. */
export class KeySet {
  readonly #options: KeySetOptions;
  #known: Known | undefined;
  #reading: Promise<void> | undefined;
  #triedAtMs = Number.NEGATIVE_INFINITY;
  #failure: unknown;

  constructor(options: KeySetOptions) {
    this.#options = options;
  }

  /**
   * The key that a token says it is signed with.
   * @throws KeysUnavailable when none are known; what `jose` throws when there is no such key
   */
  async find(header: JWSHeaderParameters, token: FlattenedJWSInput) {
    const known = await this.#current();
    try {
      return await known.find(header, token);
    } catch (error) {
      const isUnknown =
        (error as { readonly code?: string }).code === errors.JWKSNoMatchingKey.code;
      if (!isUnknown || !this.#mayRead()) throw error;
      await this.#read();
      return (this.#known ?? known).find(header, token);
    }
  }

  async #current(): Promise<Known> {
    if (this.#age() > this.#options.refreshMs && this.#mayRead()) {
      const reading = this.#read();
      if (this.#age() > this.#options.maxAgeMs) await reading;
    } else if (this.#age() > this.#options.maxAgeMs) {
      await this.#reading;
    }
    if (this.#known === undefined || this.#age() > this.#options.maxAgeMs) {
      throw new KeysUnavailable(this.#failure);
    }
    return this.#known;
  }

  #age(): number {
    const { clock } = this.#options;
    return this.#known === undefined
      ? Number.POSITIVE_INFINITY
      : clock.monotonicMs() - this.#known.readAtMs;
  }

  #mayRead(): boolean {
    if (this.#reading !== undefined) return true;
    return this.#options.clock.monotonicMs() - this.#triedAtMs >= this.#options.cooldownMs;
  }

  /** Joins a read that is under way; never fails. */
  #read(): Promise<void> {
    this.#reading ??= this.#readOnce().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  async #readOnce(): Promise<void> {
    const { fetch, clock, onFailure } = this.#options;
    this.#triedAtMs = clock.monotonicMs();
    try {
      this.#known = { find: createLocalJWKSet(await fetch()), readAtMs: this.#triedAtMs };
    } catch (error) {
      this.#failure = error;
      onFailure(error);
    }
  }
}

/** Nobody can tell whether a token is good. */
export class KeysUnavailable extends Error {
  constructor(cause: unknown) {
    super('no keys are known', { cause });
  }
}
