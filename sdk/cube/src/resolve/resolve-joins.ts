import { type BindCatalog, type ColumnExpr, conjuncts, type Expr } from '@tessera/sql';
import type { Lookup, ModelTable } from '../model.ts';
import type { JoinSpec, ModelSpec } from '../model-spec.ts';
import { ExpressionBinder } from './expression-binder.ts';
import type { Violations } from './violations.ts';

export interface ResolvedTables {
  readonly fact: ModelTable;
  readonly lookups: readonly Lookup[];
}

/**
 * Finds the tables of a model and reads how they are joined. Lookups come back in an order in which each one's
 * parent stands before it. `undefined` after violations without which nothing else could be bound.
 */
export function resolveTables(
  spec: ModelSpec,
  catalog: BindCatalog,
  violations: Violations,
): ResolvedTables | undefined {
  checkAliases(spec, violations);
  const before = violations.found.length;
  const fact = findTable({ ...spec.fact, field: 'fact' }, catalog, violations);
  const tables = spec.joins.map(({ source = spec.fact.source, table, alias }, i) =>
    findTable({ source, table, alias, field: `joins[${i}]` }, catalog, violations),
  );
  if (fact === undefined || violations.found.length > before) return undefined;
  const found = [fact, ...tables.filter((table) => table !== undefined)];
  const binder = new ExpressionBinder({ tables: found, timeZone: 'UTC', violations });
  const lookups = spec.joins.map((join, i) =>
    lookupOf(join, tables[i]!, binder, `joins[${i}].on`, violations),
  );
  if (lookups.includes(undefined)) return undefined;
  return { fact, lookups: inOrder(lookups as Lookup[], fact.alias, spec, violations) };
}

function checkAliases({ fact, joins }: ModelSpec, violations: Violations): void {
  const entries = [
    { field: 'fact.alias', name: fact.alias },
    ...joins.map(({ alias }, i) => ({ field: `joins[${i}].alias`, name: alias })),
  ];
  violations.unique(entries, 'tables');
}

function findTable(
  wanted: { source: string; table: string; alias: string; field: string },
  catalog: BindCatalog,
  violations: Violations,
): ModelTable | undefined {
  const { source, table, alias, field } = wanted;
  const definition = catalog.find(table, source);
  if (definition !== undefined) {
    const columns = definition.columns.map(({ name, type }) => ({ name, type }));
    return { alias, table: definition.name, columns };
  }
  const known = catalog.tables();
  if (known.some((name) => name.source === source)) {
    const tables = known.filter((name) => name.source === source).map((name) => name.table);
    violations.unknown(`${field}.table`, `table in source ${source} called`, table, tables);
  } else {
    const sources = new Set(known.map((name) => name.source));
    violations.unknown(`${field}.source`, 'source', source, sources);
  }
  return undefined;
}

function lookupOf(
  join: JoinSpec,
  table: ModelTable,
  binder: ExpressionBinder,
  field: string,
  violations: Violations,
): Lookup | undefined {
  const expr = binder.bind(join.on, field);
  if (expr === undefined) return undefined;
  const pairs = conjuncts(expr).map(equalColumns);
  const keys = pairs.map((pair) => pair && orientedKey(pair, join.alias));
  const parents = new Set(keys.map((key) => key?.parent));
  if (keys.includes(undefined)) {
    violations.add(
      field,
      `A join is equalities between a column of ${join.alias} and one of another table, joined by and: other.x = ${join.alias}.y.`,
    );
    return undefined;
  }
  if (parents.size > 1) {
    const list = [...parents].join(' and ');
    violations.add(field, `${join.alias} is joined to ${list}; join it to one of them.`);
    return undefined;
  }
  const [parent] = parents;
  const columns = keys.map((key) => ({ parentColumn: key!.parentColumn, column: key!.column }));
  return { ...table, parent: parent!, kind: join.kind, keys: columns };
}

/** The two columns of `a = b`; the cast that makes their types agree does not matter to a join. */
function equalColumns(expr: Expr): readonly [ColumnExpr, ColumnExpr] | undefined {
  if (expr.kind !== 'call' || expr.fn !== '=') return undefined;
  const [left, right] = expr.args.map(columnUnder);
  return left && right && [left, right];
}

function columnUnder(expr: Expr): ColumnExpr | undefined {
  if (expr.kind === 'column') return expr;
  return expr.kind === 'cast' ? columnUnder(expr.arg) : undefined;
}

function orientedKey(pair: readonly [ColumnExpr, ColumnExpr], alias: string) {
  const own = pair.find(({ relation }) => relation === alias);
  const other = pair.find(({ relation }) => relation !== alias);
  return own && other && { parent: other.relation, parentColumn: other.name, column: own.name };
}

/** Parents first, otherwise as written. */
function inOrder(
  lookups: readonly Lookup[],
  factAlias: string,
  spec: ModelSpec,
  violations: Violations,
): Lookup[] {
  const placed: Lookup[] = [];
  let left = [...lookups];
  while (left.length > 0) {
    const known = new Set([factAlias, ...placed.map(({ alias }) => alias)]);
    const next = left.find(({ parent }) => known.has(parent));
    if (next === undefined) break;
    placed.push(next);
    left = left.filter((lookup) => lookup !== next);
  }
  for (const { alias, parent } of left) {
    const position = spec.joins.findIndex((join) => join.alias === alias);
    const description = `${alias} is joined to ${parent}, and no chain of joins leads from there to the fact ${factAlias}: the joins form a cycle.`;
    violations.add(`joins[${position}].on`, description);
  }
  return placed;
}
