import type { DataType } from '@tessera/columnar';
import type { LayoutStep } from '@tessera/cube';
import { checksumOfHashesSql, duckdbType, quoteName, rowHashSql } from '@tessera/duckdb';
import type { Encodings } from './encoding.ts';
import { segmentColumn } from './flat.ts';
import type { Row, Session } from './session.ts';

/** Rows, checksum and dimension statistics of each segment of a layout, in one look at its table. */
export async function layoutFacts(
  session: Session,
  step: LayoutStep,
  table: string,
  encodings: Encodings,
): Promise<ReadonlyMap<number, Row>> {
  const dimensions = step.columns.filter((column) => column.role === 'dimension');
  const statistics = dimensions.flatMap((column, i) => {
    const name = quoteName(column.name);
    const text = encodings.has(column.name) ? '::VARCHAR' : '';
    return [
      `${statisticSql(`min(${name})${text}`, column)} AS min${i}`,
      `${statisticSql(`max(${name})${text}`, column)} AS max${i}`,
      `count(*) > count(${name}) AS nulls${i}`,
    ];
  });
  const segment = quoteName(segmentColumn);
  const items = [
    `${segment} AS segment`,
    'count(*) AS row_count',
    `${checksumOfHashesSql(quoteName(rowHash))} AS checksum`,
    ...statistics,
  ];
  const kept = [segmentColumn, ...dimensions.map(({ name }) => name)].map(quoteName);
  const rows = await session.rows(
    `SELECT ${items.join(', ')} FROM (SELECT ${kept.join(', ')}, ${rowHashOf(step, encodings)} AS ${quoteName(rowHash)}
     FROM ${hashedTable(step, table, encodings)}) GROUP BY ${segment}`,
  );
  return new Map(rows.map((row) => [Number(row['segment']), row]));
}

/** A statistic as our plain value: days, microseconds, unscaled digits. */
export function statisticSql(value: string, column: { readonly type: DataType }): string {
  switch (column.type.kind) {
    case 'date':
      return `(${value} - DATE '1970-01-01')::INTEGER`;
    case 'time':
    case 'timestamp':
    case 'timestamptz':
      return `epoch_us(${value})::BIGINT`;
    case 'numeric':
      return `replace((${value})::${duckdbType(column.type)}::VARCHAR, '.', '')::HUGEINT`;
    case 'text':
    case 'bytes':
    case 'interval':
      return `(${value})::VARCHAR`;
    default:
      return value;
  }
}

/** Names that no column of a layout has, because theirs have no space. */
const rowHash = 'tessera hash';
const hashName = (column: string) => `hash of ${column}`;

function rowHashOf(step: LayoutStep, encodings: Encodings): string {
  return rowHashSql(
    step.columns.map((column) =>
      encodings.has(column.name)
        ? { ...column, textHash: quoteName(hashName(column.name)) }
        : column,
    ),
  );
}

function hashedTable(step: LayoutStep, table: string, encodings: Encodings): string {
  const encoded = step.columns.filter((column) => encodings.has(column.name));
  if (encoded.length === 0) return table;
  const joins = encoded.map((column, i) => {
    const hashes = quoteName(encodings.get(column.name)!.hashTable);
    return `LEFT JOIN ${hashes} AS h${i} ON enum_code(data.${quoteName(column.name)})::INTEGER = h${i}.code`;
  });
  const hashes = encoded.map((column, i) => `h${i}.hash AS ${quoteName(hashName(column.name))}`);
  return `(SELECT data.*, ${hashes.join(', ')} FROM ${table} AS data ${joins.join(' ')})`;
}
