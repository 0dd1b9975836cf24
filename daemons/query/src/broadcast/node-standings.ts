import type { Clock } from '@tessera/base';
import type { Standing } from './assign.ts';

/** For so long a daemon that failed or was slow is only asked when nobody else has the file. */
const suspectMs = 2_000;

/** What the calls so far say about each daemon. */
export class NodeStandings {
  readonly #clock: Clock;
  readonly #pending = new Map<string, number>();
  readonly #suspectUntilMs = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  of(daemon: string): Standing {
    const until = this.#suspectUntilMs.get(daemon);
    return {
      pendingCount: this.#pending.get(daemon) ?? 0,
      suspect: until !== undefined && until > this.#clock.monotonicMs(),
    };
  }

  began(daemon: string): void {
    this.#pending.set(daemon, (this.#pending.get(daemon) ?? 0) + 1);
  }

  ended(daemon: string): void {
    this.#pending.set(daemon, (this.#pending.get(daemon) ?? 1) - 1);
  }

  answered(daemon: string): void {
    this.#suspectUntilMs.delete(daemon);
  }

  suspect(daemon: string): void {
    this.#suspectUntilMs.set(daemon, this.#clock.monotonicMs() + suspectMs);
  }
}
