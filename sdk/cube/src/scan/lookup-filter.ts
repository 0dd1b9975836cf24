import { isTesseraError } from '@tessera/base';
import {
  type ColumnBatch,
  columnFromValues,
  compareValues,
  type DataType,
  type Value,
  valueAt,
} from '@tessera/columnar';
import {
  conjuncts,
  type Evaluate,
  type Expr,
  expressionCompiler,
  NotCompiled,
  type ParameterValues,
  walkExpr,
} from '@tessera/sql';
import { compareValues as compareTyped } from '../match/statistics.ts';
import {
  layoutRelation,
  type ScanPlan,
  type SegmentRead,
  type SnapshotJoin,
} from '../scan-plan.ts';

/** What the columns of one joined lookup ask of the rows of a scan. */
export interface LookupFilter {
  readonly join: SnapshotJoin;
  /** The layout's column that is joined. */
  readonly key: { readonly name: string; readonly type: DataType };
  /** What has to hold of the lookup's columns; none: there has to be a partner. */
  readonly conditions: readonly Expr[];
  /** Columns of the snapshot that tell, its key first. */
  readonly columns: readonly { readonly name: string; readonly type: DataType }[];
}

/** Filters of lookups that are joined by one column of the layout, by which rows may be told apart before any is read. */
export function lookupFiltersOf(plan: ScanPlan): readonly LookupFilter[] {
  const { lookups, filter, timeZone } = plan;
  if (timeZone !== undefined) return []; // Closures know UTC only.
  const wanted = conjuncts(filter);
  return lookups.flatMap((join): LookupFilter[] => {
    const [on, ...more] = join.on;
    if (on?.expr.kind !== 'column' || on.expr.relation !== layoutRelation) return [];
    const conditions = wanted.filter((condition) => isOnlyOf(condition, join.alias));
    if (more.length > 0 || (conditions.length === 0 && !join.inner)) return [];
    const { name, type } = on.expr;
    const used = join.columns.filter(
      (column) => column.name !== on.column && conditions.some((each) => names(each, column.name)),
    );
    return [
      { join, key: { name, type }, conditions, columns: [{ name: on.column, type }, ...used] },
    ];
  });
}

/**
 * The keys of a snapshot whose rows pass, ascending, each once; `undefined` where rows without a partner pass as well or
 * JavaScript cannot tell. The batch has the filter's columns.
 */
export function passingKeys(
  filter: LookupFilter,
  snapshot: ColumnBatch,
  parameters: ParameterValues,
): readonly NonNullable<Value>[] | undefined {
  const tests = compiled(filter);
  if (tests === undefined) return undefined;
  try {
    const passes = (columns: ColumnBatch['columns'], row: number) =>
      tests.every((test) => test({ columns, parameters }, row) === true);
    const noPartner = filter.columns.map(({ type }) => columnFromValues(type, [null]));
    if (!filter.join.inner && passes(noPartner, 0)) return undefined;
    const keys: NonNullable<Value>[] = [];
    for (let row = 0; row < snapshot.rowCount; row++) {
      const key = valueAt(snapshot.columns[0]!, row);
      if (key !== null && passes(snapshot.columns, row)) keys.push(key);
    }
    return keys.sort(compareValues);
  } catch (error) {
    // Whether a row that is read has the value that failed only a scan can tell.
    if (isTesseraError(error)) return undefined;
    throw error;
  }
}

/** The segments in which some row may have one of the keys, by their statistics. */
export function segmentsWithKeys(
  segments: readonly SegmentRead[],
  { key }: LookupFilter,
  keys: readonly NonNullable<Value>[],
): readonly SegmentRead[] {
  return segments.filter(({ columns = [] }) => {
    const column = columns.find(({ name }) => name === key.name);
    if (column?.minimum === undefined || column.maximum === undefined) return true;
    const { minimum, maximum, type } = column;
    if (minimum === null || maximum === null) return false; // NULL has no partner.
    const order = (value: Value, bound: Value) => compareTyped(value, key.type, bound, type);
    if (keys.length > 0 && order(keys[0]!, minimum) === undefined) return true;
    let [low, high] = [0, keys.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (order(keys[middle]!, minimum)! < 0) low = middle + 1;
      else high = middle;
    }
    return low < keys.length && order(keys[low]!, maximum)! <= 0;
  });
}

/** All columns of an expression are the lookup's, and there is one. */
function isOnlyOf(expr: Expr, alias: string): boolean {
  const relations = new Set<string>();
  let plain = true;
  walkExpr(expr, (part) => {
    if (part.kind === 'column') relations.add(part.relation);
    if (part.kind === 'subquery') plain = false;
    return true;
  });
  return plain && relations.size === 1 && relations.has(alias);
}

function names(expr: Expr, column: string): boolean {
  let found = false;
  walkExpr(expr, (part) => {
    if (part.kind === 'column' && part.name === column) found = true;
    return true;
  });
  return found;
}

function compiled({ conditions, columns, join }: LookupFilter): readonly Evaluate[] | undefined {
  const compiler = expressionCompiler(({ relation, name }) => {
    const index = relation === join.alias ? columns.findIndex((each) => each.name === name) : -1;
    return index < 0 ? undefined : { index, type: columns[index]!.type };
  });
  try {
    return conditions.map((condition) => compiler.compile(condition));
  } catch (error) {
    if (error instanceof NotCompiled) return undefined;
    throw error;
  }
}
