import type { LiteralExpr } from './expression.ts';
import type { Query, QueryRelation, Relation, SelectBlock } from './query.ts';
import { walkExpr, walkQuery } from './walk.ts';

/** Outputs that only pruned outputs used go in the next round; deeper chains keep what they have. */
const rounds = 3;

/**
 * The statement without the outputs of queries in FROM that nothing refers to, as PostgreSQL's planner drops them: so what
 * nobody asked for is neither computed nor able to fail. DISTINCT and set operations keep theirs, because rows are
 * compared by them. A query that nothing is taken from gives a NULL per row.
 */
export function pruneOutputs(query: Query): Query {
  let pruned = query;
  for (let round = 0; round < rounds; round++) {
    const pruner = new Pruner(pruned);
    const next = pruner.query(pruned);
    if (!pruner.changed) return pruned;
    pruned = next;
  }
  return pruned;
}

class Pruner {
  readonly #used = new Map<string, Set<string>>();
  changed = false;

  constructor(whole: Query) {
    walkQuery(whole, (top) => {
      walkExpr(
        top,
        (expr) => {
          if (expr.kind !== 'column') return;
          const names = this.#used.get(expr.relation);
          if (names === undefined) this.#used.set(expr.relation, new Set([expr.name]));
          else names.add(expr.name);
        },
        { queries: true },
      );
    });
  }

  query(query: Query): Query {
    switch (query.kind) {
      case 'values':
        return query;
      case 'set':
        return { ...query, left: this.query(query.left), right: this.query(query.right) };
      case 'select':
        return { ...query, from: query.from.map((relation) => this.#relation(relation)) };
    }
  }

  #relation(relation: Relation): Relation {
    switch (relation.kind) {
      case 'join':
        return {
          ...relation,
          left: this.#relation(relation.left),
          right: this.#relation(relation.right),
        };
      case 'query':
        return this.#derived({ ...relation, query: this.query(relation.query) });
      default:
        return relation;
    }
  }

  #derived(relation: QueryRelation): QueryRelation {
    const { query, columns } = relation;
    if (query.kind !== 'select' || query.distinct !== false) return relation;
    const used = this.#used.get(relation.id);
    const kept = columns.flatMap(({ name }, i) => (used?.has(name) ? [i] : []));
    if (kept.length === columns.length) return relation;
    if (kept.length === 0) return this.#withoutOutputs(relation, query);
    this.changed = true;
    return {
      ...relation,
      columns: kept.map((i) => columns[i]!),
      query: { ...query, outputs: kept.map((i) => query.outputs[i]!) },
    };
  }

  #withoutOutputs(relation: QueryRelation, query: SelectBlock): QueryRelation {
    const [column] = relation.columns;
    const [output] = query.outputs;
    if (relation.columns.length === 1 && output!.expr.kind === 'literal') return relation;
    this.changed = true;
    const expr: LiteralExpr = { kind: 'literal', type: column!.type, value: null };
    return {
      ...relation,
      columns: [column!],
      query: { ...query, outputs: [{ name: output!.name, expr }] },
    };
  }
}
