import {
  type ColumnExpr,
  type Expr,
  exprKey,
  mapOrder,
  mapQuery,
  type Output,
  type SelectBlock,
  transformExpr,
  walkExpr,
} from '@tessera/sql';

/**
 * The same block as two: the inner one groups and gives its keys and aggregates as columns, the outer one computes the
 * outputs from them. DuckDB does not find a group's key again inside an expression, nor takes aggregates in HAVING, where
 * lambdas are involved, and exact arithmetic is printed as lambdas.
 */
export function groupFirst(block: SelectBlock, id: string): SelectBlock {
  const inner = new Inner(block, id);
  const above = (expr: Expr): Expr => inner.above(expr);
  const { distinct, having } = block;
  const outputs = block.outputs.map(({ name, expr }) => ({ name, expr: above(expr) }));
  const orderBy = mapOrder(block.orderBy, above);
  const where = having && above(having);
  const { limit, offset } = block;
  return {
    kind: 'select',
    from: [inner.relation()],
    ...(where === undefined ? {} : { where }),
    groupBy: [],
    aggregated: false,
    outputs,
    distinct: typeof distinct === 'boolean' ? distinct : distinct.map(above),
    orderBy,
    ...(limit === undefined ? {} : { limit }),
    ...(offset === undefined ? {} : { offset }),
  };
}

/** True for what `groupFirst` makes inside: keys by position, then aggregates alone. */
export function isGroupedFirst({ groupBy, outputs, having }: SelectBlock): boolean {
  return (
    having === undefined &&
    outputs.every(({ expr }, i) =>
      i < groupBy.length ? exprKey(expr) === exprKey(groupBy[i]!) : isOfGroup(expr),
    )
  );
}

const isOfGroup = (expr: Expr): boolean =>
  expr.kind === 'aggregate' || (expr.kind === 'call' && expr.fn === 'grouping');

class Inner {
  readonly #block: SelectBlock;
  readonly #id: string;
  readonly #outputs: Output[];
  readonly #columns = new Map<string, ColumnExpr>();

  constructor(block: SelectBlock, id: string) {
    this.#block = block;
    this.#id = id;
    this.#outputs = block.groupBy.map((expr, i) => ({ name: `k${i}`, expr }));
    for (const { name, expr } of this.#outputs)
      this.#columns.set(exprKey(expr), this.#column(name, expr));
    const { outputs, having, orderBy, distinct } = block;
    const exprs = [
      ...outputs.map(({ expr }) => expr),
      ...orderBy.map(({ expr }) => expr),
      ...(having === undefined ? [] : [having]),
      ...(typeof distinct === 'boolean' ? [] : distinct),
    ];
    for (const expr of exprs) walkExpr(expr, (e) => this.#collect(e));
  }

  #column(name: string, { type }: Expr): ColumnExpr {
    return { kind: 'column', relation: this.#id, name, type };
  }

  #collect(expr: Expr): boolean {
    if (!isOfGroup(expr)) return true;
    const key = exprKey(expr);
    if (!this.#columns.has(key)) {
      const name = `a${this.#outputs.length}`;
      this.#outputs.push({ name, expr });
      this.#columns.set(key, this.#column(name, expr));
    }
    return false;
  }

  /** The expression over the inner block's columns. Aggregates in a subquery are its own; keys may be the outer ones. */
  above(expr: Expr): Expr {
    return transformExpr(expr, (e) => {
      if (e.kind !== 'subquery') return this.#columns.get(exprKey(e));
      const test = e.test && this.above(e.test);
      const query = mapQuery(e.query, (inner) =>
        transformExpr(inner, (i) => this.#key(i), { queries: true }),
      );
      return { ...e, query, ...(test === undefined ? {} : { test }) };
    });
  }

  #key(expr: Expr): Expr | undefined {
    return expr.kind === 'column' ? this.#columns.get(exprKey(expr)) : undefined;
  }

  relation() {
    const { from, where, groupBy, groupingSets } = this.#block;
    const query: SelectBlock = {
      kind: 'select',
      from,
      ...(where === undefined ? {} : { where }),
      groupBy,
      ...(groupingSets === undefined ? {} : { groupingSets }),
      aggregated: true,
      outputs: this.#outputs,
      distinct: false,
      orderBy: [],
    };
    const columns = this.#outputs.map(({ name, expr }) => ({
      name,
      type: expr.type,
      nullable: true,
    }));
    return { kind: 'query', id: this.#id, alias: this.#id, query, columns } as const;
  }
}
