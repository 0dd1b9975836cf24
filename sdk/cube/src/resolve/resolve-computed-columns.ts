import type { ModelTable } from '../model.ts';
import type { ComputedColumnSpec } from '../model-spec.ts';
import type { ExpressionBinder } from './expression-binder.ts';
import type { Violations } from './violations.ts';

/**
 * Binds the fact's computed columns and makes them known to the binder. They are over columns of the fact and
 * over each other in any order, without cycles.
 */
export function resolveComputedColumns(
  columns: readonly ComputedColumnSpec[],
  fact: ModelTable,
  binder: ExpressionBinder,
  violations: Violations,
): void {
  const own = new Set(fact.columns.map(({ name }) => name.toLowerCase()));
  const entries = columns.map(({ name }, i) => ({ field: `computedColumns[${i}].name`, name }));
  violations.unique(entries, 'computed columns');
  for (const { field, name } of entries) {
    if (own.has(name.toLowerCase())) {
      violations.add(field, `${fact.table.table} has a column ${name} already; rename this one.`);
    }
  }
  let left = columns.map((column, i) => ({ ...column, field: `computedColumns[${i}].expression` }));
  for (let before = -1; before !== left.length; ) {
    before = left.length;
    left = left.filter(({ name, expression }) => {
      const bound = binder.attempt(expression, new Set([fact.alias]));
      if (typeof bound === 'string') return true;
      binder.define(name, bound);
      return false;
    });
  }
  const unbound = left.map(({ name }) => name);
  for (const { name, expression, field } of left) {
    const problem = String(binder.attempt(expression, new Set([fact.alias])));
    const mentioned = unbound.find((other) => new RegExp(`\\b${other}\\b`).test(problem));
    const cycle = `${name} needs ${mentioned}, which cannot be computed before it: ${problem}`;
    violations.add(field, mentioned === undefined ? problem : cycle);
  }
}
