import { basename, dirname, join } from 'node:path';
import { checksumSql, quoteName } from '@tessera/duckdb';
import type { SnapshotRequest, SnapshotResult } from '@tessera/plugin';
import {
  checkUnchanged,
  checkUnique,
  inputRelation,
  markFiles,
  rejectedRowsOf,
} from './landing.ts';
import { writeParquet } from './parquet-file.ts';
import { Session, type SessionOptions } from './session.ts';

/** A copy of a lookup as one Parquet file, sorted by its keys. */
export async function snapshot(
  request: SnapshotRequest,
  options: SessionOptions,
  signal: AbortSignal,
): Promise<SnapshotResult> {
  const marks = await markFiles({ [request.alias]: request.input });
  await using session = await Session.open(options, signal);
  session.readingSource = true;
  const relation = await inputRelation(session, 'raw', request.input, request.columns, signal);
  await session.run(`CREATE TABLE snapshot AS SELECT * FROM ${relation}`);
  await checkUnchanged(marks);
  session.readingSource = false;
  await checkUnique(session, request.alias, 'snapshot', request.keys);
  const columns = request.columns.map((column) => quoteName(column.name)).join(', ');
  const order = request.keys.map((key) => `${quoteName(key)} NULLS LAST`).join(', ');
  const path = join(dirname(request.outputFile), basename(request.outputFile));
  await using beside = await session.branch();
  const counting = beside.rows(
    `SELECT count(*) AS row_count, ${checksumSql(request.columns)} AS checksum FROM snapshot`,
  );
  const writing = writeParquet(
    session,
    `SELECT ${columns} FROM snapshot${order === '' ? '' : ` ORDER BY ${order}`}`,
    path,
  );
  await Promise.allSettled([counting, writing]);
  const [[facts], written] = await Promise.all([counting, writing]);
  return {
    rowCount: facts?.['row_count'] as bigint,
    checksum: facts?.['checksum'] as string,
    ...written,
    rejectedRows: rejectedRowsOf(request.input),
  };
}
