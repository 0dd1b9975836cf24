import type { DataType, Field } from '@tessera/columnar';
import { quoteText } from '@tessera/duckdb';
import type { Statements } from './database.ts';

/** Columns of Parquet files (of all files together, by name) with what DuckDB calls their stored type. */
export async function parquetFields(
  statements: Statements,
  paths: readonly string[],
): Promise<{ readonly field: Field; readonly stored: string }[]> {
  const list = `[${paths.map(quoteText).join(', ')}]`;
  const described = await statements.rows(
    `DESCRIBE SELECT * FROM read_parquet(${list}, union_by_name = ${paths.length > 1}, hive_partitioning = false)`,
  );
  const required = await requiredColumns(statements, list);
  return described.map((row) => {
    const name = String(row['column_name']);
    const stored = String(row['column_type']);
    const nullable = paths.length > 1 || !required.has(name);
    return { field: { name, type: typeOfStored(stored), nullable }, stored };
  });
}

async function requiredColumns(statements: Statements, list: string): Promise<Set<string>> {
  const rows = await statements.rows(
    `SELECT name FROM parquet_schema(${list}) WHERE repetition_type = 'REQUIRED' AND type IS NOT NULL`,
  );
  return new Set(rows.map((row) => String(row['name'])));
}

/** Our type for a stored one: unsigned numbers widen, nanoseconds become microseconds, nested values become text. */
export function typeOfStored(stored: string): DataType {
  const decimal = /^DECIMAL\((\d+),\s*(\d+)\)$/.exec(stored);
  if (decimal) {
    return { kind: 'numeric', precision: Number(decimal[1]), scale: Number(decimal[2]) };
  }
  return storedTypes[stored] ?? { kind: 'text' };
}

const storedTypes: Readonly<Record<string, DataType>> = {
  BOOLEAN: { kind: 'boolean' },
  TINYINT: { kind: 'smallint' },
  UTINYINT: { kind: 'smallint' },
  SMALLINT: { kind: 'smallint' },
  USMALLINT: { kind: 'integer' },
  INTEGER: { kind: 'integer' },
  UINTEGER: { kind: 'bigint' },
  BIGINT: { kind: 'bigint' },
  UBIGINT: { kind: 'numeric', precision: 20, scale: 0 },
  HUGEINT: { kind: 'numeric', precision: 38, scale: 0 },
  FLOAT: { kind: 'real' },
  DOUBLE: { kind: 'double' },
  DATE: { kind: 'date' },
  TIME: { kind: 'time' },
  TIMESTAMP: { kind: 'timestamp' },
  TIMESTAMP_S: { kind: 'timestamp' },
  TIMESTAMP_MS: { kind: 'timestamp' },
  TIMESTAMP_NS: { kind: 'timestamp' },
  'TIMESTAMP WITH TIME ZONE': { kind: 'timestamptz' },
  INTERVAL: { kind: 'interval' },
  BLOB: { kind: 'bytes' },
};
