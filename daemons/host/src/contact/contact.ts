import type { HeartbeatWitness } from '@tessera/daemon';
import { DeadlineFile, readDeadline, upMs } from './deadline-file.ts';

export interface ContactOptions {
  /** Where it is written down until when the host is in touch. */
  readonly file: string;
  readonly cutOffAfterMs: number;
  /** Since the machine was started. */
  readonly upMs?: () => number;
}

/**
 * Whether this host is in touch with metadata. It is cut off when the last heartbeat that metadata has confirmed was sent
 * too long ago, also if that was in an earlier life of the daemon. Whoever sees that its lease is free can count on that:
 * that heartbeat was sent before.
 */
export class Contact implements HeartbeatWitness, Disposable {
  readonly #file: DeadlineFile;
  readonly #cutOffAfterMs: number;
  readonly #upMs: () => number;
  #deadlineMs: number;
  #onCutOff: () => void = () => {};

  constructor({ file, cutOffAfterMs, upMs: now = upMs }: ContactOptions) {
    this.#file = new DeadlineFile(file);
    this.#cutOffAfterMs = cutOffAfterMs;
    this.#upMs = now;
    this.#deadlineMs = readDeadline(file) ?? Number.NEGATIVE_INFINITY;
  }

  get isCutOff(): boolean {
    return this.#upMs() > this.#deadlineMs;
  }

  /** @param act ends what must not outlive a cut-off; called once or more for each, before contact is made again */
  onCutOff(act: () => void): void {
    this.#onCutOff = act;
  }

  /** To be called often: nothing else tells that time has passed. */
  check(): void {
    if (this.isCutOff) this.#onCutOff();
  }

  sending(): number {
    return this.#upMs();
  }

  confirmed(sentMs: number): void {
    // Whatever kept this daemon from noticing: what was to end by then has ended before anybody is told of contact.
    if (sentMs > this.#deadlineMs) this.#onCutOff();
    this.#deadlineMs = sentMs + this.#cutOffAfterMs;
    this.#file.write(this.#deadlineMs);
  }

  [Symbol.dispose](): void {
    this.#file[Symbol.dispose]();
  }
}
