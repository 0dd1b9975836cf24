import type { Clock } from '@tessera/base';

/** A JobManager writes one down a moment after it has told of it, and a shared file system shows it later still. */
const settledMs = 60_000;
/** So many are remembered, the newest ones; what is forgotten stays in the archive. */
const maxDue = 10_000;

/**
 * Ends of attempts in the archives of clusters that nobody asks for again, until they are deleted there: the job is gone, or a later
 * attempt of it was written down. Forgotten with the term; those of a job that goes on come back with its next attempt.
 */
export class UnaskedEnds {
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  /** By id of the attempt, the oldest first. */
  readonly #due = new Map<string, { readonly stateDirectory: string; readonly atMs: number }>();

  constructor(clock: Pick<Clock, 'monotonicMs'>) {
    this.#clock = clock;
  }

  add(stateDirectory: string, jobIds: readonly string[]): void {
    const atMs = this.#clock.monotonicMs() + settledMs;
    for (const jobId of jobIds) this.#due.set(jobId, { stateDirectory, atMs });
    for (const oldest of [...this.#due.keys()].slice(0, -maxDue)) this.#due.delete(oldest);
  }

  /** Those that may be deleted now, by state directory; they are given once. */
  take(): ReadonlyMap<string, ReadonlySet<string>> {
    const nowMs = this.#clock.monotonicMs();
    const due = [...this.#due].filter(([, { atMs }]) => atMs <= nowMs);
    for (const [jobId] of due) this.#due.delete(jobId);
    const byDirectory = Map.groupBy(due, ([, { stateDirectory }]) => stateDirectory);
    return new Map([...byDirectory].map(([at, all]) => [at, new Set(all.map(([id]) => id))]));
  }
}
