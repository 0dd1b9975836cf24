import type { ScanPlan } from '@tessera/cube';

/** What the scans of each plan took its daemons in all, microseconds: the least so far, as what others did meanwhile is in it. */
export class ScanCosts {
  readonly #micros = new WeakMap<ScanPlan, number>();

  of(plan: ScanPlan): number | undefined {
    return this.#micros.get(plan);
  }

  took(plan: ScanPlan, micros: number): void {
    const least = this.#micros.get(plan) ?? Number.POSITIVE_INFINITY;
    this.#micros.set(plan, Math.min(micros, least));
  }
}
