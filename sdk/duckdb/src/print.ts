import type { DataType, Field } from '@tessera/columnar';
import {
  type CaseExpr,
  type Expr,
  exprKey,
  type MatchedRelation,
  type OrderItem,
  type Query,
  type Relation,
  type SelectBlock,
  type Statement,
  type SubqueryExpr,
  sameType,
  type TableRelation,
} from '@tessera/sql';
import { duckdbType } from './duckdb-type.ts';
import { groupFirst, isGroupedFirst } from './group-first.ts';
import { printAggregate, printOrder, printWindow } from './print-aggregate.ts';
import { printCall } from './print-call.ts';
import { printCast } from './print-cast.ts';
import type { Printer } from './print-context.ts';
import { printLiteral } from './print-literal.ts';
import { exactScale } from './print-numeric.ts';
import { quoteName } from './quote.ts';

/**
 * The bound form as DuckDB SQL that gives PostgreSQL's result. `relation` says what stands in FROM for a leaf:
 * a table name, a function call or a query in parentheses, with columns named as the leaf's.
 */
export interface PrintOptions {
  readonly relation: (leaf: TableRelation | MatchedRelation) => string;
}

/** What a session must have set for printed SQL to mean what it should; `timeZone` as the statement was bound. */
export function sessionSettings(timeZone = 'UTC'): readonly string[] {
  return [
    `SET TimeZone = '${timeZone.replaceAll("'", "''")}'`,
    "SET default_null_order = 'nulls_last_on_asc_first_on_desc'",
    'SET ieee_floating_point_ops = true',
    'SET scalar_subquery_error_on_multiple_rows = true',
    'SET max_expression_depth = 10000',
  ];
}

/** A whole statement: its columns have the types of its schema, in order. */
export function printStatement(statement: Statement, options: PrintOptions): string {
  return printQuery(statement.query, options, statement.schema);
}

/** A query; with `schema` each column is cast to it. */
export function printQuery(query: Query, options: PrintOptions, schema?: readonly Field[]): string {
  return new QueryPrinter(options).query(query, schema);
}

/** An expression whose columns are named by `column`; it may hold no subquery over tables. */
export function printExpr(
  expr: Expr,
  column: (relation: string, name: string) => string = qualified,
): string {
  const options: PrintOptions = {
    relation: (leaf) => {
      throw new Error(`Broken invariant: a ${leaf.kind} relation inside an expression`);
    },
  };
  return new QueryPrinter(options, column).print(expr);
}

const qualified = (relation: string, name: string) => `${quoteName(relation)}.${quoteName(name)}`;

/** DuckDB does not find an expression with a lambda again by its text. */
const isByPosition = (text: string) => text.includes('lambda ');

/** The one column of a subquery. */
function columnOf(query: Query): Field {
  if (query.kind !== 'select') return query.schema[0]!;
  const { name, expr } = query.outputs[0]!;
  return { name, type: expr.type, nullable: true };
}

class QueryPrinter implements Printer {
  readonly #options: PrintOptions;
  readonly #column: (relation: string, name: string) => string;
  #names = 0;
  #outlining = false;
  /** Texts of the GROUP BY keys of the block that is printed. */
  #groups: ReadonlyMap<string, string> = new Map();

  constructor(options: PrintOptions, column = qualified) {
    this.#options = options;
    this.#column = column;
  }

  fresh(): string {
    this.#names += 1;
    return `x${this.#names}`;
  }

  print(expr: Expr): string {
    return this.#groups.size === 0 ? this.#plain(expr) : (this.#ofGroup(expr) ?? this.#plain(expr));
  }

  /** A GROUP BY key again, in the very words of GROUP BY: DuckDB knows it by nothing else. */
  #ofGroup(expr: Expr): string | undefined {
    const known = expr.kind === 'literal' || expr.kind === 'column' || expr.kind === 'aggregate';
    return known ? undefined : this.#groups.get(exprKey(expr));
  }

  #plain(expr: Expr): string {
    switch (expr.kind) {
      case 'literal':
        return printLiteral(expr);
      case 'parameter':
        return `CAST($${expr.index + 1} AS ${duckdbType(expr.type)})`;
      case 'column':
        return this.#column(expr.relation, expr.name);
      case 'call':
        return printCall(this, expr);
      case 'cast':
        return printCast(this.print(expr.arg), expr.arg.type, expr.type);
      case 'case':
        return this.#case(expr);
      case 'aggregate':
        return printAggregate(this, expr);
      case 'window':
        return printWindow(this, expr);
      case 'subquery':
        return this.#subquery(expr);
    }
  }

  /** DuckDB's common type of the branches could round: numerics are cast one by one. */
  #case({ whens, otherwise, type }: CaseExpr): string {
    const branch = (expr: Expr) => this.#typed(expr, type);
    const parts = whens.map((w) => `WHEN ${this.print(w.when)} THEN ${branch(w.then)}`);
    const last = otherwise === undefined ? '' : ` ELSE ${branch(otherwise)}`;
    return `(CASE ${parts.join(' ')}${last} END)`;
  }

  #typed(expr: Expr, type: DataType): string {
    const text = this.print(expr);
    return type.kind === 'numeric' ? `CAST(${text} AS ${duckdbType(type)})` : text;
  }

  #subquery({ form, query, test, fn }: SubqueryExpr): string {
    if (this.#outlining) return test === undefined ? '(subquery)' : this.print(test);
    if (form === 'exists') return `(EXISTS (${this.query(query)}))`;
    if (form === 'scalar') return `(${this.query(query)})`;
    const column = columnOf(query);
    const [a, b] = [test!.type, column.type];
    if (a.kind !== 'numeric' || b.kind !== 'numeric') {
      return `(${this.print(test!)} ${fn ?? '='} ${form.toUpperCase()} (${this.query(query)}))`;
    }
    const common: DataType = { kind: 'numeric', scale: Math.max(exactScale(a), exactScale(b)) };
    const inner = this.query(query, [{ ...column, type: common }]);
    return `(${this.#typed(test!, common)} ${fn ?? '='} ${form.toUpperCase()} (${inner}))`;
  }

  query(query: Query, schema?: readonly Field[]): string {
    switch (query.kind) {
      case 'select':
        return this.#select(query, schema);
      case 'values':
        return this.#values(query, schema ?? query.schema);
      case 'set':
        return this.#set(query, schema);
    }
  }

  #select(block: SelectBlock, schema: readonly Field[] | undefined): string {
    if (this.#needsGroupFirst(block)) return this.#select(groupFirst(block, this.fresh()), schema);
    const around = this.#groups;
    this.#groups = new Map();
    const below = [
      block.from.length === 0 ? '' : `FROM ${block.from.map((r) => this.#relation(r)).join(', ')}`,
      block.where === undefined ? '' : `WHERE ${this.print(block.where)}`,
    ];
    const keys = block.groupBy.map((e) => this.#groupKey(e));
    this.#groups = new Map(block.groupBy.map((e, i) => [exprKey(e), keys[i]!]));
    const above = [
      this.#groupBy(block, keys),
      block.having === undefined ? '' : `HAVING ${this.print(block.having)}`,
      this.#orderBy(block),
      this.#limits(block),
    ];
    const list = `SELECT ${this.#distinct(block)}${this.#outputs(block, schema)}`;
    this.#groups = around;
    return [list, ...below, ...above].filter((part) => part !== '').join(' ');
  }

  /** A key with a lambda is grouped by its position in the select list, where it stands with its cast. */
  #groupKey(expr: Expr): string {
    const text = this.print(expr);
    return isByPosition(text) ? `CAST(${text} AS ${duckdbType(expr.type)})` : text;
  }

  #outputs({ outputs }: SelectBlock, schema: readonly Field[] | undefined): string {
    // PostgreSQL allows an empty select list, DuckDB does not.
    if (outputs.length === 0) return '1';
    const texts = outputs.map(({ name, expr }, i) => {
      const type = schema?.[i]?.type ?? expr.type;
      const text = this.print(expr);
      const isKey = this.#ofGroup(expr) === text && isByPosition(text) && sameType(type, expr.type);
      const cast = isKey ? text : `CAST(${text} AS ${duckdbType(type)})`;
      return `${cast} AS ${quoteName(schema?.[i]?.name ?? name)}`;
    });
    return texts.join(', ');
  }

  #distinct({ distinct }: SelectBlock): string {
    if (typeof distinct === 'boolean') return distinct ? 'DISTINCT ' : '';
    return `DISTINCT ON (${distinct.map((e) => this.print(e)).join(', ')}) `;
  }

  /** An expression without its subqueries: they are printed once only, however deep they nest. */
  #outline(expr: Expr): string {
    const before = this.#outlining;
    this.#outlining = true;
    const text = this.print(expr);
    this.#outlining = before;
    return text;
  }

  #needsGroupFirst(block: SelectBlock): boolean {
    const { groupBy, having, aggregated } = block;
    const withLambda = (expr: Expr) => isByPosition(this.#outline(expr));
    if (!aggregated) return false;
    return (having && withLambda(having)) || (groupBy.some(withLambda) && !isGroupedFirst(block));
  }

  /** Constants group nothing, and DuckDB would read some of them as positions. Lambdas are found only by position. */
  #groupBy({ groupingSets, aggregated, having }: SelectBlock, printed: readonly string[]): string {
    const texts = printed.map((text, i) => (isByPosition(text) ? `${i + 1}` : text));
    if (groupingSets !== undefined) {
      const sets = groupingSets.map((set) => `(${set.map((i) => texts[i]).join(', ')})`);
      return `GROUP BY GROUPING SETS (${sets.join(', ')})`;
    }
    if (texts.length > 0) return `GROUP BY ${texts.join(', ')}`;
    return aggregated && having !== undefined ? 'GROUP BY ()' : '';
  }

  /** By position where an output is meant, so that DISTINCT and casts hold. */
  #orderBy({ orderBy, outputs }: SelectBlock): string {
    const keys = outputs.map((o) => exprKey(o.expr));
    const items = orderBy.map((item) => {
      const position = keys.indexOf(exprKey(item.expr));
      return printOrder(position >= 0 ? `${position + 1}` : this.print(item.expr), item);
    });
    return items.length === 0 ? '' : `ORDER BY ${items.join(', ')}`;
  }

  #limits({ limit, offset }: { readonly limit?: Expr; readonly offset?: Expr }): string {
    const parts: string[] = [];
    if (limit !== undefined) parts.push(`LIMIT ${this.print(limit)}`);
    if (offset !== undefined) parts.push(`OFFSET ${this.print(offset)}`);
    return parts.join(' ');
  }

  #relation(relation: Relation): string {
    switch (relation.kind) {
      case 'table':
      case 'matched':
        return `${this.#options.relation(relation)} AS ${quoteName(relation.id)}`;
      case 'query': {
        const names = relation.columns.map((c) => quoteName(c.name)).join(', ');
        return `(${this.query(relation.query)}) AS ${quoteName(relation.id)}(${names})`;
      }
      case 'join': {
        const [left, right] = [this.#relation(relation.left), this.#relation(relation.right)];
        if (relation.type === 'cross') return `(${left} CROSS JOIN ${right})`;
        const on = relation.on === undefined ? 'true' : this.print(relation.on);
        return `(${left} ${relation.type.toUpperCase()} JOIN ${right} ON ${on})`;
      }
    }
  }

  #values(query: Extract<Query, { kind: 'values' }>, schema: readonly Field[]): string {
    const rows = query.rows.map(
      (row) => `(${row.map((e, i) => this.#typed(e, query.schema[i]!.type)).join(', ')})`,
    );
    const names = schema.map((_, i) => `c${i + 1}`);
    const outputs = schema.map(
      (f, i) => `CAST(v.c${i + 1} AS ${duckdbType(f.type)}) AS ${quoteName(f.name)}`,
    );
    return `SELECT ${outputs.join(', ')} FROM (VALUES ${rows.join(', ')}) AS v(${names.join(', ')})`;
  }

  #set(query: Extract<Query, { kind: 'set' }>, schema: readonly Field[] | undefined): string {
    const word = `${query.op.toUpperCase()}${query.all ? ' ALL' : ''}`;
    const branch = (q: Query) => `(${this.query(q, query.schema)})`;
    const text = `${branch(query.left)} ${word} ${branch(query.right)}`;
    const order = this.#setOrder(query.orderBy, query.schema);
    const limits = this.#limits(query);
    const whole = [text, order, limits].filter((part) => part !== '').join(' ');
    const renamed = schema?.some(
      (f, i) => f.name !== query.schema[i]?.name || !sameType(f.type, query.schema[i]!.type),
    );
    if (schema === undefined || !renamed) return whole;
    const outputs = schema.map(
      (f, i) => `CAST(${quoteName(`c${i + 1}`)} AS ${duckdbType(f.type)}) AS ${quoteName(f.name)}`,
    );
    const names = schema.map((_, i) => quoteName(`c${i + 1}`)).join(', ');
    return `SELECT ${outputs.join(', ')} FROM (${whole}) AS s(${names})`;
  }

  #setOrder(items: readonly OrderItem[], schema: readonly Field[]): string {
    const texts = items.map((item) => {
      const name = item.expr.kind === 'column' ? item.expr.name : '';
      return printOrder(`${schema.findIndex((f) => f.name === name) + 1}`, item);
    });
    return texts.length === 0 ? '' : `ORDER BY ${texts.join(', ')}`;
  }
}
