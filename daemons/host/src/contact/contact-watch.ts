import type { Clock } from '@tessera/base';
import type { Contact } from './contact.ts';

const intervalMs = 250;

/** Sees to it that a cut-off is noticed while nothing is heard. */
export class ContactWatch implements AsyncDisposable {
  readonly #letGo = new AbortController();
  readonly #running: Promise<void>;

  constructor(contact: Contact, clock: Clock) {
    this.#running = this.#run(contact, clock);
  }

  async #run(contact: Contact, clock: Clock): Promise<void> {
    const { signal } = this.#letGo;
    while (!signal.aborted) {
      contact.check();
      await clock.sleep(intervalMs, signal).catch(() => {});
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#letGo.abort();
    await this.#running;
  }
}
