import type { ConditionReport } from './cluster-status.ts';

interface Refusal {
  readonly run: string;
  readonly condition: ConditionReport;
}

/** So many are remembered, the newest ones. */
const maxRefusals = 10_000;

/**
 * Submissions that a JobManager has refused: a program that fails in its main method, a statement that does not plan. Such an attempt has failed without ever running. Forgotten with the term: then it is submitted, and
 * refused, once more.
 */
export class Refusals {
  readonly #known = new Map<string, Refusal>();

  add(jobId: string, run: string, condition: ConditionReport): void {
    this.#known.set(jobId, { run, condition });
    if (this.#known.size <= maxRefusals) return;
    const [oldest] = this.#known.keys();
    this.#known.delete(oldest!);
  }

  /** Why an attempt was refused; `undefined`: it was not. */
  of(jobId: string | undefined): ConditionReport | undefined {
    return jobId === undefined ? undefined : this.#known.get(jobId)?.condition;
  }

  /** What this run of a JobManager has refused, and why, by ids of attempts. */
  onRun(run: string | undefined): ReadonlyMap<string, string> {
    const refused = [...this.#known].filter(([, refusal]) => refusal.run === run);
    return new Map(refused.map(([jobId, { condition }]) => [jobId, condition.message]));
  }
}
