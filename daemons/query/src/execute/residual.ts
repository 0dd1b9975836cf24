import { Code, TesseraError } from '@tessera/base';
import {
  type Column,
  type ColumnBatch,
  columnFromValues,
  concatBatches,
  emptyBatch,
  type Field,
  heldScale,
  type Schema,
  takeColumn,
  takeRows,
  type Value,
  valueAt,
} from '@tessera/columnar';
import {
  type Compare,
  type Compiler,
  compareOf,
  type Evaluate,
  type Expr,
  expressionCompiler,
  type Frame,
  NotCompiled,
  notCompiled,
  type OrderItem,
  type ParameterValues,
  type Query,
  type Relation,
  type SelectBlock,
  type SetOperation,
} from '@tessera/sql';

/**
 * The fast path of residuals: what is left of a statement around its matched blocks, run in plain JavaScript
 * over the merged rows when it is no more than projection, filter, order, limit, DISTINCT and UNION ALL. Everything
 * else (`undefined`) is for DuckDB, and both give the same rows.
 */
export type CompiledResidual = (
  inputs: ReadonlyMap<string, ColumnBatch>,
  parameters: ParameterValues,
) => ColumnBatch;

export function compileResidual(query: Query): CompiledResidual | undefined {
  try {
    return compileQuery(query);
  } catch (error) {
    if (error instanceof NotCompiled) return undefined;
    throw error;
  }
}

function compileQuery(query: Query): CompiledResidual {
  switch (query.kind) {
    case 'select':
      return compileSelect(query);
    case 'set':
      return compileUnionAll(query);
    default:
      return notCompiled(query.kind);
  }
}

interface Input {
  readonly id: string;
  readonly columns: readonly Field[];
  readonly read: CompiledResidual;
}

const oneRow: ColumnBatch = { schema: [], rowCount: 1, columns: [] };

function compileInput(relations: readonly Relation[]): Input {
  const [relation] = relations;
  if (relation === undefined) return { id: '', columns: [], read: () => oneRow };
  if (relations.length > 1) return notCompiled('several relations');
  const { kind } = relation;
  if (kind === 'matched') {
    const { id, columns } = relation;
    return { id, columns, read: (inputs) => inputs.get(id)! };
  }
  if (kind === 'query') {
    const read = compileQuery(relation.query);
    return { id: relation.id, columns: relation.columns, read };
  }
  return notCompiled(kind);
}

function compileSelect(block: SelectBlock): CompiledResidual {
  if (block.aggregated || block.groupBy.length > 0) return notCompiled('aggregation');
  if (typeof block.distinct !== 'boolean') return notCompiled('DISTINCT ON');
  const input = compileInput(block.from);
  const compiler = compilerOver(input.id, input.columns);
  const where = block.where && compiler.compile(block.where);
  const having = block.having && compiler.compile(block.having);
  const order = compileOrder(block.orderBy, compiler);
  const range = compileRange(block.limit, block.offset);
  const outputs = block.outputs.map((output) => compileOutput(output.expr, input, compiler));
  const schema = block.outputs.map(({ name, expr }) => ({ name, type: expr.type, nullable: true }));
  const { distinct } = block;
  if (distinct) for (const { type } of schema) compareOf(type.kind);
  return (inputs, parameters) => {
    const [start, end] = range(parameters);
    if (end <= start) return emptyBatch(schema); // LIMIT 0 evaluates nothing, so nothing of it can fail.
    const batch = input.read(inputs, parameters);
    const frame: Frame = { columns: batch.columns, parameters };
    let rows = selectRows(frame, batch.rowCount, where, having);
    rows = order(frame, rows, batch.rowCount);
    if (!distinct) rows = rows?.subarray(start, end) ?? rangeOf(start, end, batch.rowCount);
    const count = rows?.length ?? batch.rowCount;
    const columns = outputs.map((output) => output(frame, rows, count));
    const result = { schema, rowCount: count, columns };
    return distinct ? distinctRows(result, start, end) : result;
  };
}

/** `undefined` stands for all rows in their order, which costs nothing. */
type Rows = Int32Array | undefined;

function selectRows(
  frame: Frame,
  rowCount: number,
  where: Evaluate | undefined,
  having: Evaluate | undefined,
): Rows {
  if (where === undefined && having === undefined) return undefined;
  const rows = new Int32Array(rowCount);
  let count = 0;
  for (let row = 0; row < rowCount; row++) {
    if (where !== undefined && where(frame, row) !== true) continue;
    if (having !== undefined && having(frame, row) !== true) continue;
    rows[count++] = row;
  }
  return rows.subarray(0, count);
}

function rangeOf(start: number, end: number, rowCount: number): Rows {
  if (start === 0 && end >= rowCount) return undefined;
  const last = Math.min(end, rowCount);
  return Int32Array.from({ length: Math.max(0, last - start) }, (_, i) => start + i);
}

function compilerOver(id: string, columns: readonly Field[]): Compiler {
  const indexes = new Map(columns.map((column, index) => [column.name, index]));
  return expressionCompiler(({ relation, name }) => {
    const index = relation === id ? indexes.get(name) : undefined;
    return index === undefined ? undefined : { index, type: columns[index]!.type };
  });
}

type OutputColumn = (frame: Frame, rows: Rows, count: number) => Column;

/** A plain column is handed through or gathered; anything else is evaluated row by row. */
function compileOutput(expr: Expr, input: Input, compiler: Compiler): OutputColumn {
  const evaluate = compiler.compile(expr);
  if (expr.kind === 'column') {
    const index = input.columns.findIndex(({ name }) => name === expr.name);
    if (heldScale(input.columns[index]!.type) === heldScale(expr.type)) {
      return ({ columns }, rows) => {
        const column = columns[index]!;
        const given = rows === undefined ? column : takeColumn(column, rows);
        return given.type === expr.type ? given : { ...given, type: expr.type };
      };
    }
  }
  return (frame, rows, count) => {
    const values = new Array<Value>(count);
    for (let i = 0; i < count; i++) values[i] = evaluate(frame, rows === undefined ? i : rows[i]!);
    return columnFromValues(expr.type, values);
  };
}

type Order = (frame: Frame, rows: Rows, rowCount: number) => Rows;

function compileOrder(items: readonly OrderItem[], compiler: Compiler): Order {
  if (items.length === 0) return (_, rows) => rows;
  const keys = items.map(({ expr, descending, nullsFirst }) => ({
    evaluate: compiler.compile(expr),
    compare: placingNulls(compareOf(expr.type.kind), descending, nullsFirst),
  }));
  return (frame, rows, rowCount) => {
    const sorted = rows ?? Int32Array.from({ length: rowCount }, (_, i) => i);
    const size = (sorted.at(-1) ?? -1) + 1;
    const values = keys.map(({ evaluate }) => {
      const held = new Array<Value>(size);
      for (const row of sorted) held[row] = evaluate(frame, row);
      return held;
    });
    return sorted.sort((a, b) => {
      for (let k = 0; k < keys.length; k++) {
        const order = keys[k]!.compare(values[k]![a]!, values[k]![b]!);
        if (order !== 0) return order;
      }
      return a - b;
    });
  };
}

function placingNulls(compare: Compare, descending: boolean, nullsFirst: boolean): Compare {
  const nullOrder = nullsFirst ? -1 : 1;
  return (a, b) => {
    if (a === null) return b === null ? 0 : nullOrder;
    if (b === null) return -nullOrder;
    return descending ? compare(b, a) : compare(a, b);
  };
}

/** OFFSET and LIMIT as [start, end); NULL is no limit. @throws INVALID_ROW_COUNT when negative. */
function compileRange(
  limit: Expr | undefined,
  offset: Expr | undefined,
): (parameters: ParameterValues) => readonly [number, number] {
  const constant = compilerOver('', []);
  const limitOf = limit && constant.compile(limit);
  const offsetOf = offset && constant.compile(offset);
  return (parameters) => {
    const frame = { columns: [], parameters };
    const start = rowNumber(offsetOf?.(frame, 0) ?? 0, 'OFFSET');
    const wanted = limitOf?.(frame, 0) ?? null;
    return [start, wanted === null ? Number.POSITIVE_INFINITY : start + rowNumber(wanted, 'LIMIT')];
  };
}

function rowNumber(value: Value, clause: string): number {
  const count = Number(value);
  if (count >= 0) return count;
  throw new TesseraError({
    code: Code.INVALID_ARGUMENT,
    reason: 'INVALID_ROW_COUNT',
    message: `${clause} must not be negative.`,
    metadata: { clause, value: String(value) },
  });
}

function distinctRows(batch: ColumnBatch, start: number, end: number): ColumnBatch {
  const seen = new Set<string>();
  const rows: number[] = [];
  for (let row = 0; row < batch.rowCount; row++) {
    const key = batch.columns.map((column) => keyText(valueAt(column, row))).join('\u0000');
    if (seen.has(key)) continue;
    seen.add(key);
    rows.push(row);
  }
  const kept = Int32Array.from(
    rows.slice(start, end === Number.POSITIVE_INFINITY ? undefined : end),
  );
  return takeRows(batch, kept);
}

/** Unambiguous also for texts that hold the separator; -0 and 0 are equal. */
function keyText(value: Value): string {
  if (value === null) return 'n';
  if (typeof value === 'string') return `${value.length}:${value}`;
  return value === 0 ? '0' : String(value);
}

function compileUnionAll(query: SetOperation): CompiledResidual {
  if (query.op !== 'union' || !query.all) return notCompiled(query.op);
  const left = compileQuery(query.left);
  const right = compileQuery(query.right);
  const compiler = compilerOver(query.id, query.schema);
  const order = compileOrder(query.orderBy, compiler);
  const range = compileRange(query.limit, query.offset);
  checkUnited(query);
  return (inputs, parameters) => {
    const [start, end] = range(parameters);
    if (end <= start) return emptyBatch(query.schema);
    const united = concatBatches(query.schema, [
      left(inputs, parameters),
      right(inputs, parameters),
    ]);
    const sorted = order({ columns: united.columns, parameters }, undefined, united.rowCount);
    const rows = sorted?.subarray(start, end) ?? rangeOf(start, end, united.rowCount);
    if (rows === undefined) return united;
    return takeRows(united, rows);
  };
}

function schemaOf(query: Query): Schema {
  if (query.kind !== 'select') return query.schema;
  return query.outputs.map(({ name, expr }) => ({ name, type: expr.type, nullable: true }));
}

function checkUnited(query: SetOperation): void {
  for (const side of [query.left, query.right]) {
    schemaOf(side).forEach(({ type }, i) => {
      const wanted = query.schema[i]!.type;
      if (type.kind !== wanted.kind || heldScale(type) !== heldScale(wanted)) {
        notCompiled('a union of types that differ');
      }
    });
  }
}
