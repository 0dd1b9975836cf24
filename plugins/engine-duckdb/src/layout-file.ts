import { createHash } from 'node:crypto';
import { mkdir, open, rename, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { DataType, Value } from '@tessera/columnar';
import type { LayoutColumn, LayoutStep } from '@tessera/cube';
import { checksumSql, duckdbType, quoteName, quoteText } from '@tessera/duckdb';
import type { BuiltFile } from '@tessera/plugin';
import type { Encodings } from './encoding.ts';
import { segmentColumn } from './flat.ts';
import type { Row, Session } from './session.ts';

/** Rows per row group: small enough that minimum and maximum of a sorted column prune well. */
const rowGroupRows = 61_440;

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
    `${checksumOf(step, encodings)} AS checksum`,
    ...statistics,
  ];
  const rows = await session.rows(
    `SELECT ${items.join(', ')} FROM ${hashedTable(step, table, encodings)} GROUP BY ${segment}`,
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

const hashName = (column: string) => `hash of ${column}`;

function checksumOf(step: LayoutStep, encodings: Encodings): string {
  return checksumSql(
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
  await copyParquet(session, writtenSql(step, rows, request.encodings), path);
  const finished = finishFile(session, path).then((written) => ({
    file: request.file,
    rowCount: (facts?.['row_count'] as bigint | undefined) ?? 0n,
    checksum: (facts?.['checksum'] as string | undefined) ?? '0',
    ...written,
    columns: withStatistics(step.columns, facts),
  }));
  finished.catch(() => undefined);
  return { finished };
}

/**
 * How many leading sort columns are written as texts, so that each row group has their true minimum and maximum.
 * The others cannot prune: their codes go out as they are, with the dictionary of the whole column.
 */
const pruningColumns = 2;
/** Larger dictionaries would outweigh the rows of a row group. */
const maxWrittenDictionary = 4096;

/** Columns of the layout in their order and types. */
function writtenSql(step: LayoutStep, rows: string, encodings: Encodings): string {
  const pruning = new Set(sortKeys(step).slice(0, pruningColumns));
  const items = step.columns.map((column) => {
    const name = quoteName(column.name);
    const values = encodings.get(column.name)?.valueCount ?? Number.POSITIVE_INFINITY;
    const asCode = values <= maxWrittenDictionary && !pruning.has(column.name);
    return asCode ? name : `${name}::${duckdbType(column.type)} AS ${name}`;
  });
  return `SELECT ${items.join(', ')} FROM ${rows}`;
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

/** Runs a SELECT into a Parquet file that appears under its name only when it is complete and synced. */
export async function writeParquet(
  session: Session,
  select: string,
  path: string,
): Promise<{ sizeBytes: bigint; fileDigest: string }> {
  await copyParquet(session, select, path);
  return finishFile(session, path);
}

const partialOf = (path: string) => `${path}.partial`;

async function copyParquet(session: Session, select: string, path: string): Promise<void> {
  await session.attempt(() => mkdir(dirname(path), { recursive: true }));
  await session.run(
    `COPY (${select}) TO ${quoteText(partialOf(path))} (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, ROW_GROUP_SIZE ${rowGroupRows})`,
  );
}

function finishFile(
  session: Session,
  path: string,
): Promise<{ sizeBytes: bigint; fileDigest: string }> {
  return session.attempt(async () => {
    const fileDigest = await digestAndSync(partialOf(path));
    await rename(partialOf(path), path);
    await syncDirectory(dirname(path));
    return { sizeBytes: BigInt((await stat(path)).size), fileDigest };
  });
}

async function digestAndSync(path: string): Promise<string> {
  const file = await open(path, 'r+');
  try {
    await file.sync();
    const hash = createHash('sha256');
    const buffer = Buffer.allocUnsafe(1 << 20);
    for (;;) {
      const { bytesRead } = await file.read(buffer, 0, buffer.length);
      if (bytesRead === 0) return hash.digest('hex');
      hash.update(buffer.subarray(0, bytesRead));
    }
  } finally {
    await file.close();
  }
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
