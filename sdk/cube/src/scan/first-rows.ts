import {
  type ColumnBatch,
  compareValues,
  emptyBatch,
  type Schema,
  takeRows,
  type Value,
} from '@tessera/columnar';
import { expressionCompiler, type OrderItem } from '@tessera/sql';
import { type ScanPlan, scanRelation } from '../scan-plan.ts';

/**
 * Keeps the first rows of a scan's result by the plan's order, whose columns are those of `schema`.
 * @throws NotCompiled for an order that JavaScript cannot tell.
 */
export function firstRows(
  topK: ScanPlan['topK'],
  schema: Schema,
): (batch: ColumnBatch) => ColumnBatch {
  if (topK === undefined) return (batch) => batch;
  const compiler = expressionCompiler(({ relation, name }) => {
    const index = relation === scanRelation ? schema.findIndex((field) => field.name === name) : -1;
    return index < 0 ? undefined : { index, type: schema[index]!.type };
  });
  const items = topK.orderBy.map((item) => ({ ...item, value: compiler.compile(item.expr) }));
  return (batch) => {
    if (batch.rowCount === 0) return emptyBatch(schema);
    const frame = { columns: batch.columns, parameters: [] };
    const values = items.map(({ value }) =>
      Array.from({ length: batch.rowCount }, (_, row) => value(frame, row)),
    );
    const rows = Uint32Array.from({ length: batch.rowCount }, (_, row) => row);
    rows.sort((a, b) => {
      for (let i = 0; i < items.length; i++) {
        const order = compareNullable(values[i]![a]!, values[i]![b]!, items[i]!);
        if (order !== 0) return order;
      }
      return a - b;
    });
    return takeRows(batch, rows.subarray(0, topK.limit));
  };
}

function compareNullable(
  a: Value,
  b: Value,
  { descending, nullsFirst }: Pick<OrderItem, 'descending' | 'nullsFirst'>,
): number {
  if (a === null || b === null) {
    if (a === b) return 0;
    return (a === null) === nullsFirst ? -1 : 1;
  }
  const order = compareValues(a, b);
  return descending ? -order : order;
}
