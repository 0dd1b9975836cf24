import { Code, type FieldViolation, messageOf, nearestName, TesseraError } from '@tessera/base';

/** What can go wrong with files, each with the path and what to do. */

export function sourceFileMissing(table: string, path: string): TesseraError {
  return new TesseraError({
    code: Code.NOT_FOUND,
    reason: 'SOURCE_FILE_MISSING',
    message: `Table ${table}: no file matches ${path}. Put the file back, or correct the table's path.`,
    metadata: { table, path },
  });
}

export function sourceFileUnreadable(table: string, path: string, cause: unknown): TesseraError {
  return new TesseraError({
    code: Code.FAILED_PRECONDITION,
    reason: 'SOURCE_FILE_UNREADABLE',
    message: `Table ${table}: ${path} cannot be read (${firstLine(messageOf(cause))}). It may be cut off or still being written; replace it, or check the table's format options.`,
    metadata: { table, path },
    cause,
  });
}

export function unknownFormat(table: string, path: string): TesseraError {
  return new TesseraError({
    code: Code.INVALID_ARGUMENT,
    reason: 'SOURCE_FORMAT_UNKNOWN',
    message: `Table ${table}: the format of ${path} cannot be told from its name; add format: csv, json or parquet.`,
    metadata: { table, path },
  });
}

export function noSuchTable(table: string, known: readonly string[]): TesseraError {
  const nearest = nearestName(table, known);
  return new TesseraError({
    code: Code.NOT_FOUND,
    reason: 'TABLE_NOT_FOUND',
    message: `There is no table ${table}${nearest ? `; did you mean ${nearest}?` : '.'}`,
    metadata: { table },
  });
}

export function noSuchColumn(
  table: string,
  column: string,
  known: readonly string[],
): TesseraError {
  const nearest = nearestName(column, known);
  return new TesseraError({
    code: Code.INVALID_ARGUMENT,
    reason: 'COLUMN_NOT_FOUND',
    message: `Table ${table} has no column ${column}${nearest ? `; did you mean ${nearest}?` : `; it has ${known.join(', ')}.`}`,
    metadata: { table, column },
  });
}

/** One violation per table that cannot be read, so that all are seen at once. */
export function catalogUnreadable(failures: readonly (readonly [string, unknown])[]): TesseraError {
  const violations: FieldViolation[] = failures.map(([table, error]) => ({
    field: `tables.${table}`,
    description: messageOf(error),
  }));
  return new TesseraError({
    code: Code.FAILED_PRECONDITION,
    reason: 'CATALOG_UNREADABLE',
    message: violations.map((violation) => violation.description).join(' '),
    metadata: { tables: failures.map(([table]) => table).join(',') },
    violations,
    cause: failures[0]?.[1],
  });
}

export function readCancelled(): TesseraError {
  return new TesseraError({
    code: Code.CANCELLED,
    reason: 'READ_CANCELLED',
    message: 'Reading was cancelled.',
  });
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0]!.slice(0, 300);
}
