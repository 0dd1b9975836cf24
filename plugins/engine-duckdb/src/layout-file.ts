import { join } from 'node:path';
import type { Value } from '@tessera/columnar';
import type { LayoutColumn, LayoutStep } from '@tessera/cube';
import { duckdbType, quoteName } from '@tessera/duckdb';
import type { BuiltFile } from '@tessera/plugin';
import type { Encodings } from './encoding.ts';
import { segmentColumn } from './flat.ts';
import { copyParquet, finishFile, rowGroupRows } from './parquet-file.ts';
import type { Row, Session } from './session.ts';

export interface LayoutFileRequest {
  readonly step: LayoutStep;
  readonly table: string;
  readonly encodings: Encodings;
  readonly segmentOrdinal: number;
  readonly facts: Row | undefined;
  readonly outputDirectory: string;
  readonly file: string;
}

/**
 * Writes one segment of a layout whose table is in `layoutOrder`, and describes the file. What it returns at once is
 * a promise of the file complete and synced: the database is free for the next one meanwhile.
 */
export async function writeLayoutFile(
  session: Session,
  request: LayoutFileRequest,
): Promise<{ readonly finished: Promise<BuiltFile> }> {
  const { step, facts } = request;
  const rows = `${request.table} WHERE ${quoteName(segmentColumn)} = ${request.segmentOrdinal}`;
  const path = join(request.outputDirectory, request.file);
  const rowCount = (facts?.['row_count'] as bigint | undefined) ?? 0n;
  await copyParquet(session, writtenSql(step, rows, request.encodings, rowCount), path);
  const finished = finishFile(session, path).then((written) => ({
    file: request.file,
    rowCount,
    checksum: (facts?.['checksum'] as string | undefined) ?? '0',
    ...written,
    columns: withStatistics(step.columns, facts),
  }));
  finished.catch(() => undefined);
  return { finished };
}

/** Larger dictionaries would outweigh the rows of a row group. */
const maxWrittenDictionary = 4096;

/**
 * Columns of the layout in their order and types. Texts go out as their codes, with the dictionary of the whole column,
 * except those whose true minimum and maximum can tell row groups apart: writing texts takes twice as long.
 */
function writtenSql(
  step: LayoutStep,
  rows: string,
  encodings: Encodings,
  rowCount: bigint,
): string {
  const pruning = pruningColumns(step, encodings, Math.ceil(Number(rowCount) / rowGroupRows));
  const items = step.columns.map((column) => {
    const name = quoteName(column.name);
    const values = encodings.get(column.name)?.valueCount ?? Number.POSITIVE_INFINITY;
    const asCode = values <= maxWrittenDictionary && !pruning.has(column.name);
    return asCode ? name : `${name}::${duckdbType(column.type)} AS ${name}`;
  });
  return `SELECT ${items.join(', ')} FROM ${rows}`;
}

/** Leading sort columns, until those before have as many values as there are row groups: then each has all of the rest. */
function pruningColumns(step: LayoutStep, encodings: Encodings, rowGroups: number): Set<string> {
  const pruning = new Set<string>();
  let combinations = 1;
  for (const column of sortKeys(step)) {
    if (combinations >= rowGroups) break;
    pruning.add(column);
    combinations *= encodings.get(column)?.valueCount ?? rowGroups;
  }
  return pruning;
}

/**
 * ORDER BY of a layout's table: segment after segment, each in its file's order. Sorting all of them at once while
 * they are still codes costs a third of sorting one by one, and each file is then one stretch of the table.
 */
export function layoutOrder(step: LayoutStep): string {
  const keys = [segmentColumn, ...sortKeys(step)];
  return `ORDER BY ${keys.map((name) => `${quoteName(name)} NULLS LAST`).join(', ')}`;
}

/** Makes the table of a layout from a SELECT of its columns and the segment's. */
export async function makeLayoutTable(
  session: Session,
  step: LayoutStep,
  table: string,
  select: string,
): Promise<void> {
  await session.run(`CREATE TABLE ${table} AS ${select} ${layoutOrder(step)}`);
}

/** The wanted order, then the other keys, so that equal content gives equal files. */
function sortKeys(step: LayoutStep): string[] {
  const bucket = step.columns.filter((column) => column.role === 'bucket').map((c) => c.name);
  return [...new Set([...step.sortColumns, ...step.dimensions, ...bucket])];
}

function withStatistics(columns: readonly LayoutColumn[], facts: Row | undefined): LayoutColumn[] {
  let dimension = 0;
  return columns.map((column) => {
    if (column.role !== 'dimension') return column;
    const i = dimension++;
    const bounds = { minimum: facts?.[`min${i}`], maximum: facts?.[`max${i}`] };
    return {
      ...column,
      hasNulls: facts?.[`nulls${i}`] === true,
      ...(bounds.minimum === null || bounds.minimum === undefined
        ? {}
        : { minimum: bounds.minimum as Value, maximum: bounds.maximum as Value }),
    };
  });
}
