import type { Value } from '@tessera/columnar';
import { duckdbType, quoteName } from '@tessera/duckdb';
import type { ExtentRequest, ExtentResult } from '@tessera/plugin';
import { columnsOf, expressionSql } from './expression-sql.ts';
import { inputRelation } from './landing.ts';
import { statisticSql } from './layout-facts.ts';
import { Session, type SessionOptions } from './session.ts';

/** Where the values of one expression over one input begin and end. */
export async function extent(
  request: ExtentRequest,
  options: Omit<SessionOptions, 'memoryLimitBytes'>,
  signal: AbortSignal,
): Promise<ExtentResult> {
  const bounds = { ...options, memoryLimitBytes: request.memoryLimitBytes };
  await using session = await Session.open(bounds, signal);
  session.readingSource = true;
  const columns = columnsOf(request.column);
  const relation = await inputRelation(session, 'raw', request.input, columns, signal);
  const value = `(${expressionSql(request.column)})::${duckdbType(request.column.type)}`;
  const [row] = await session.rows(
    `SELECT count(*) AS row_count, count(*) - count(value) AS null_rows,
       ${statisticSql('min(value)', request.column)} AS minimum, ${statisticSql('max(value)', request.column)} AS maximum
     FROM (SELECT ${value} AS value FROM ${relation} AS ${quoteName(request.alias)})`,
  );
  return {
    rowCount: row?.['row_count'] as bigint,
    nullRows: row?.['null_rows'] as bigint,
    minimum: row?.['minimum'] as Value,
    maximum: row?.['maximum'] as Value,
  };
}
