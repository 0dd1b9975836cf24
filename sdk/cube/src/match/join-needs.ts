import type { Expr } from '@tessera/sql';
import { rejectsMissing, type StarMatch } from './star.ts';

/** Where the joins of a block and those of the model differ, so that only the data can prove them equal. */
export interface JoinNeeds {
  /** Left lookups of the model that the block joins inner, with nothing else that drops rows without a partner. */
  readonly mustMatch: readonly string[];
  /** Inner lookups of the model whose dropped rows the block wants to see. */
  readonly mayNotDrop: readonly string[];
}

/** `conditions`: canonical, those that every row of the block fulfils. */
export function joinNeedsOf({ model, inner }: StarMatch, conditions: readonly Expr[]): JoinNeeds {
  const impliedByChild = (alias: string): boolean =>
    model.lookups.some(({ parent, alias: child }) => parent === alias && inner.has(child));
  const mustMatch = model.lookups.filter(
    ({ alias, kind }) =>
      kind === 'left' &&
      inner.has(alias) &&
      !impliedByChild(alias) &&
      !conditions.some((condition) => rejectsMissing(condition, alias)),
  );
  const mayNotDrop = model.lookups.filter(
    ({ alias, kind }) => kind === 'inner' && !inner.has(alias),
  );
  return {
    mustMatch: mustMatch.map(({ alias }) => alias),
    mayNotDrop: mayNotDrop.map(({ alias }) => alias),
  };
}
