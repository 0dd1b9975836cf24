import type { ConditionReport } from './cluster-status.ts';

interface FailedStep {
  readonly key: string;
  /** In a row. */
  readonly failures: number;
  readonly atMs: number;
  readonly condition: ConditionReport;
}

/** From a failure to the next try: twice as long each time, up to the most. */
const pauses = { firstMs: 1_000, mostMs: 30_000 } as const;

/**
 * Steps that could not be taken, by job: they are tried again, later and later, and what they failed by is told until they are taken. Forgotten with the term: then they are tried at once.
 */
export class FailedSteps {
  readonly #nowMs: () => number;
  readonly #known = new Map<string, FailedStep>();

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  add(job: string, key: string, condition: ConditionReport): void {
    const failures = (this.#of(job, key)?.failures ?? 0) + 1;
    this.#known.set(job, { key, failures, atMs: this.#nowMs(), condition });
  }

  /** It was taken, or another one is due: what was before it is over. */
  forget(job: string): void {
    this.#known.delete(job);
  }

  /** Why it failed last; `undefined`: it has not failed. */
  conditionOf(job: string, key: string): ConditionReport | undefined {
    return this.#of(job, key)?.condition;
  }

  /** Whether it may be tried now. */
  isDue(job: string, key: string): boolean {
    const failed = this.#of(job, key);
    if (failed === undefined) return true;
    const pauseMs = Math.min(pauses.mostMs, pauses.firstMs * 2 ** (failed.failures - 1));
    return this.#nowMs() - failed.atMs >= pauseMs;
  }

  #of(job: string, key: string): FailedStep | undefined {
    const known = this.#known.get(job);
    return known?.key === key ? known : undefined;
  }
}
