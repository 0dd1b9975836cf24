import type { Value } from '@tessera/columnar';
import { duckdbType, quoteName } from '@tessera/duckdb';
import type { ExtentRequest, ExtentResult } from '@tessera/plugin';
import { columnsOf, expressionSql } from './expression-sql.ts';
import { inputRelation } from './landing.ts';
import { statisticSql } from './layout-facts.ts';
import { Session, type SessionOptions } from './session.ts';

/** Where the values of one expression over one input begin and end, as a whole and in each wanted group: one pass. */
export async function extent(
  request: ExtentRequest,
  options: Omit<SessionOptions, 'memoryLimitBytes'>,
  signal: AbortSignal,
): Promise<ExtentResult> {
  const bounds = { ...options, memoryLimitBytes: request.memoryLimitBytes };
  await using session = await Session.open(bounds, signal);
  session.readingSource = true;
  const { column, groups } = request;
  const relation = await inputRelation(session, 'raw', request.input, columnsOf(column), signal);
  const value = `(${expressionSql(column)})::${duckdbType(column.type)}`;
  const by = groups === undefined ? '' : `GROUP BY ${expressionSql(groups.by)}`;
  await session.run(
    `CREATE TABLE extents AS SELECT count(*) AS row_count, count(${value}) AS value_count, min(${value}) AS low, max(${value}) AS high
     FROM ${relation} AS ${quoteName(request.alias)} ${by}`,
  );
  const low = (text: string) => `${statisticSql(text, column)} AS minimum`;
  const high = (text: string) => `${statisticSql(text, column)} AS maximum`;
  const [row] = await session.rows(
    `SELECT coalesce(sum(row_count), 0)::BIGINT AS row_count, coalesce(sum(row_count - value_count), 0)::BIGINT AS null_rows,
       ${low('min(low)')}, ${high('max(high)')} FROM extents`,
  );
  const found =
    groups === undefined
      ? []
      : await session.rows(
          `SELECT ${low('low')}, ${high('high')} FROM extents WHERE value_count > 0 ORDER BY low LIMIT ${groups.most + 1}`,
        );
  return {
    rowCount: row?.['row_count'] as bigint,
    nullRows: row?.['null_rows'] as bigint,
    ...boundsOf(row ?? {}),
    ...(groups === undefined || found.length > groups.most ? {} : { groups: found.map(boundsOf) }),
  };
}

function boundsOf(row: Readonly<Record<string, unknown>>): { minimum: Value; maximum: Value } {
  return { minimum: row['minimum'] as Value, maximum: row['maximum'] as Value };
}
