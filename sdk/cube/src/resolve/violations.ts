import type { FieldViolation } from '@tessera/base';
import { nearestName } from '@tessera/base';
import { limits } from '../limits.ts';

/** Collects what is wrong with one resource, so that all of it is told at once. */
export class Violations {
  readonly #found: FieldViolation[] = [];

  add(field: string, description: string): void {
    if (this.#found.length < limits.violations) this.#found.push({ field, description });
  }

  /** A name that does not exist, with the one that was probably meant. */
  unknown(field: string, what: string, name: string, known: Iterable<string>): void {
    const all = [...known];
    const nearest = nearestName(name, all);
    const hint =
      nearest !== undefined
        ? `; did you mean ${nearest}`
        : `; known are ${all.slice(0, 20).join(', ')}`;
    this.add(field, `There is no ${what} ${name}${all.length === 0 ? '' : hint}.`);
  }

  /** Names that are the same when upper and lower case are: SQL and Parquet readers would mix them up. */
  unique(
    entries: readonly { readonly field: string; readonly name: string }[],
    what: string,
  ): void {
    const seen = new Set<string>();
    for (const { field, name } of entries) {
      const folded = name.toLowerCase();
      if (seen.has(folded)) this.add(field, `Two ${what} are called ${name}; rename one.`);
      seen.add(folded);
    }
  }

  get found(): readonly FieldViolation[] {
    return this.#found;
  }
}
