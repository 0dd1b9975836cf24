import { mkdir, open, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { countingScanSql, lineBreaksSql, rejectedScanSql } from '@tessera/duckdb';
import type { NativeLocation } from '@tessera/plugin';
import { typeName } from '@tessera/sql';
import type { Row, Statements } from './database.ts';

/** One record that is outside the data. Lines count from 1, as an editor shows them. */
export interface Reject {
  readonly file: string;
  readonly line: number;
  readonly column: string | undefined;
  readonly reason: string;
  readonly raw: string;
}

/** Most rejects of one file that are listed; beyond that they are only counted. */
export const maxListedRejects = 100_000;

/**
 * Checks one text file as a whole: how many records do not parse, in structure or in a value, and which.
 * The rest is exactly what `nativeScanSql` reads.
 */
export async function findRejects(
  statements: Statements,
  location: NativeLocation,
): Promise<{ readonly count: bigint; readonly rejects: readonly Reject[] }> {
  await statements.execute('DROP TABLE IF EXISTS reject_errors; DROP TABLE IF EXISTS reject_scans');
  const [counts] = await statements.rows(countingScanSql(location));
  const converted = (counts?.['sound'] as bigint) - (counts?.['valid'] as bigint);
  const broken = await brokenRecords(statements, location);
  if (converted === 0n && broken.length === 0) return { count: 0n, rejects: [] };
  const brokenLines = broken.map((record) => record.record);
  const header = location.format === 'csv' && location.options['header'] === 'true' ? 1 : 0;
  const recordOf = recordNumbers(brokenLines, header);
  const breaks = await extraLines(statements, location, recordOf, broken);
  const unconverted = await statements.rows(
    `SELECT * FROM (${rejectedScanSql(location)}) ORDER BY record LIMIT ${maxListedRejects}`,
  );
  const file = location.paths[0]!;
  const rejects = [
    ...broken.slice(0, maxListedRejects).map(({ record, column, reason, raw }) => ({
      file,
      line: record + breaks(record),
      column,
      reason,
      raw,
    })),
    ...unconverted.map((row) => {
      const record = recordOf(Number(row['record']));
      return { file, line: record + breaks(record), ...describe(location, row) };
    }),
  ].sort((a, b) => a.line - b.line);
  return { count: converted + BigInt(broken.length), rejects };
}

interface BrokenRecord {
  /** Number of the record in the file, from 1, header included. */
  readonly record: number;
  readonly column: string | undefined;
  readonly reason: string;
  readonly raw: string;
}

/** Records that are no record of the dialect: too few or many values, an open quote, broken UTF-8, too long. */
async function brokenRecords(
  statements: Statements,
  location: NativeLocation,
): Promise<BrokenRecord[]> {
  const [table] = await statements.rows(
    `SELECT 1 FROM duckdb_tables() WHERE table_name = 'reject_errors' AND temporary`,
  );
  if (table === undefined) return [];
  const rows =
    await statements.rows(`SELECT line, arg_min(column_name, column_idx)::VARCHAR AS column_name, arg_min(error_type::VARCHAR, column_idx) AS error_type,
       arg_min(error_message, column_idx) AS message, any_value(csv_line) AS raw
     FROM reject_errors GROUP BY line, line_byte_position ORDER BY line`);
  return rows.map((row) => {
    const index = Number(String(row['column_name']).slice(1)); // Columns are called c0, c1, …
    return {
      record: Number(row['line']),
      column: location.format === 'csv' ? location.columns[index]?.name : undefined,
      reason: `${String(row['error_type']).toLowerCase()}: ${String(row['message']).split('\n', 1)[0]}`,
      raw: String(row['raw'] ?? '')
        .replace(/^\r?\n/, '')
        .replace(/\r?\n$/, ''),
    };
  });
}

/** From the index of a sound record to its number in the file, given the numbers of those that are not. */
function recordNumbers(broken: readonly number[], header: number): (index: number) => number {
  return (index) => {
    let record = index + header + 1;
    for (const line of broken) {
      if (line > record) break;
      record++;
    }
    return record;
  };
}

/** How many lines stand before a record beyond one for each record: line breaks inside values. */
async function extraLines(
  statements: Statements,
  location: NativeLocation,
  recordOf: (index: number) => number,
  broken: readonly BrokenRecord[],
): Promise<(record: number) => number> {
  if (location.format !== 'csv') return () => 0;
  const rows = await statements.rows(lineBreaksSql(location));
  const breaks = [
    ...rows.map((row) => ({
      record: recordOf(Number(row['record'])),
      count: Number(row['breaks']),
    })),
    ...broken.map((record) => ({
      record: record.record,
      count: record.raw.split('\n').length - 1,
    })),
  ].filter(({ count }) => count > 0);
  return (record) =>
    breaks.reduce((sum, entry) => (entry.record < record ? sum + entry.count : sum), 0);
}

function describe(location: NativeLocation, row: Row): Pick<Reject, 'column' | 'reason' | 'raw'> {
  const bad = Number(row['bad']);
  const values = JSON.parse(row['raw'] as string) as (string | null)[];
  const raw =
    location.format === 'json'
      ? (values[0] ?? '')
      : values.map(csvField).join(delimiterOf(location));
  if (bad === -3) return { column: undefined, reason: 'not valid JSON', raw };
  if (bad === -2) return { column: undefined, reason: 'not a JSON object', raw };
  const field = location.columns[bad]!;
  const reason = `${JSON.stringify(row['value'])} is no ${typeName(field.type)}`;
  return { column: field.name, reason, raw };
}

const delimiterOf = (location: NativeLocation) => location.options['delimiter'] ?? ',';

/** A value as a CSV has it, so that the record can be corrected and put back. */
function csvField(value: string | null | undefined): string {
  if (value === null || value === undefined) return '';
  return /["\r\n,;\t|]/.test(value) || value === '' ? `"${value.replaceAll('"', '""')}"` : value;
}

/** Writes the rejects of a table as CSV; the file appears complete or not at all. */
export async function writeRejects(path: string, rejects: readonly Reject[]): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const handle = await open(`${path}.partial`, 'w');
  try {
    await handle.write('file,line,column,reason,raw\n');
    for (const { file, line, column, reason, raw } of rejects) {
      const values = [file, String(line), column ?? null, reason, raw];
      await handle.write(`${values.map(csvField).join(',')}\n`);
    }
  } finally {
    await handle.close();
  }
  await rename(`${path}.partial`, path);
}
