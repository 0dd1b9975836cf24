import type { DataType, Field } from '@tessera/columnar';
import { csvTable, jsonLines } from '@tessera/duckdb';
import type { NativeLocation } from '@tessera/plugin';
import type { FileFormat, TableConfig } from './config.ts';
import { csvDialect } from './csv-dialect.ts';
import type { Statements } from './database.ts';
import { noSuchColumn } from './errors.ts';
import type { SourceFile } from './files.ts';
import { type InferredType, inferType } from './infer-type.ts';
import { parquetFields } from './parquet-schema.ts';

/** How the files of a table are read, and why each column has its type. */
export interface TableSchema {
  readonly location: NativeLocation;
  readonly reasons: readonly string[];
  /** First rows of a text file as they stand there, in the order of the columns. */
  readonly sample: readonly (readonly (string | null)[])[];
}

export interface SchemaRequest {
  readonly table: string;
  readonly config: TableConfig;
  readonly format: FileFormat;
  readonly files: readonly SourceFile[];
  readonly sampleRows: number;
}

export async function tableSchema(
  statements: Statements,
  request: SchemaRequest,
): Promise<TableSchema> {
  const schema = await schemaByFormat[request.format](statements, request);
  const names = schema.location.columns.map((column) => column.name);
  for (const name of Object.keys(request.config.columns)) {
    if (!names.includes(name)) throw noSuchColumn(request.table, name, names);
  }
  return schema;
}

const schemaByFormat = { csv: csvSchema, json: jsonSchema, parquet: parquetSchema };

async function parquetSchema(
  statements: Statements,
  { config, files }: SchemaRequest,
): Promise<TableSchema> {
  const found = await parquetFields(
    statements,
    files.map((file) => file.path),
  );
  const columns = found.map(({ field }) => ({
    ...field,
    type: config.columns[field.name] ?? field.type,
  }));
  return {
    location: locationOf('parquet', files, columns, {}),
    reasons: found.map(({ field, stored }) =>
      config.columns[field.name] ? 'configured' : `stored as ${stored}`,
    ),
    sample: [],
  };
}

/** Lines of a CSV from which its dialect is found. */
const dialectLines = 1000;

async function csvSchema(statements: Statements, request: SchemaRequest): Promise<TableSchema> {
  const { config, files, sampleRows } = request;
  const first = files.find((file) => file.sizeBytes > 0n);
  if (first === undefined) return emptySchema(request, 'csv');
  const lines = await statements.rows(
    `SELECT coalesce(line, '') AS line FROM ${jsonLines({ paths: [first.path], options: {} })} LIMIT ${dialectLines}`,
  );
  const { options, names } = csvDialect(
    lines.map((row) => row['line'] as string),
    config,
  );
  const texts = names.map((name): Field => ({ name, type: { kind: 'text' }, nullable: true }));
  const raw = csvTable({ ...locationOf('csv', [first], texts, options) }, 'text');
  const rows = await statements.rows(`SELECT * FROM ${raw} LIMIT ${sampleRows}`);
  const sample = rows.map((row) => names.map((_, i) => row[`c${i}`] as string | null));
  return inferred(request, { format: 'csv', options, names, sample });
}

async function jsonSchema(statements: Statements, request: SchemaRequest): Promise<TableSchema> {
  const { files, sampleRows } = request;
  const first = files.find((file) => file.sizeBytes > 0n);
  if (first === undefined) return emptySchema(request, 'json');
  const layout = await jsonLayout(statements, first.path);
  const lines = jsonLines({ paths: [first.path], options: { layout } });
  const rows = await statements.rows(
    `SELECT line FROM ${lines} WHERE line IS NOT NULL LIMIT ${sampleRows}`,
  );
  const objects = rows.map((row) => parseObject(row['line'] as string)).filter(isPresent);
  const names = [...new Set(objects.flatMap((object) => Object.keys(object)))];
  const sample = objects.map((object) => names.map((name) => textOf(object[name])));
  return inferred(request, { format: 'json', options: { layout }, names, sample });
}

/** `array` when the first character that is no space is `[`, else `lines`. */
async function jsonLayout(statements: Statements, path: string): Promise<string> {
  const [row] = await statements.rows(
    `SELECT ltrim(left(line, 64)) AS start FROM ${jsonLines({ paths: [path], options: {} })} WHERE trim(line) <> '' LIMIT 1`,
  );
  const start = String(row?.['start'] ?? '');
  return start.startsWith('[') && parseObject(start) === undefined ? 'array' : 'lines';
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    // Numbers stay as they are written: a 64-bit number would not survive a JavaScript number.
    const value: unknown = JSON.parse(text, ((
      _: string,
      v: unknown,
      context: { source: string },
    ) => (typeof v === 'number' ? { source: context.source } : v)) as never);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

function textOf(value: unknown): string | null {
  if (value === null || value === undefined) return null;
  if (typeof value !== 'object') return String(value);
  return 'source' in value ? String(value.source) : JSON.stringify(value);
}

const isPresent = <T>(value: T | undefined): value is T => value !== undefined;

function inferred(
  request: SchemaRequest,
  found: {
    readonly format: 'csv' | 'json';
    readonly options: Readonly<Record<string, string>>;
    readonly names: readonly string[];
    readonly sample: readonly (readonly (string | null)[])[];
  },
): TableSchema {
  const { config, files, sampleRows } = request;
  const complete = files.length === 1 && found.sample.length < sampleRows;
  const types = found.names.map((name, i): InferredType => {
    const configured = config.columns[name];
    if (configured !== undefined) return { type: configured, why: 'configured' };
    return withFormats(
      config,
      inferType(
        found.sample.map((row) => row[i] ?? null),
        complete,
      ),
    );
  });
  const columns = found.names.map((name, i) => ({ name, type: types[i]!.type, nullable: true }));
  return {
    location: locationOf(found.format, files, columns, found.options),
    reasons: types.map((type) => type.why),
    sample: found.sample.slice(0, 20),
  };
}

/** A configured format says how dates look, so what merely looks like one by another format is text. */
function withFormats(config: TableConfig, found: InferredType): InferredType {
  const format = found.type.kind === 'date' ? config.dateFormat : undefined;
  if (format === undefined || format === '%Y-%m-%d') return found;
  return { type: { kind: 'text' }, why: `does not look like dateFormat ${format}` };
}

/** Files without a byte: only configured columns are known. */
function emptySchema(request: SchemaRequest, format: 'csv' | 'json'): TableSchema {
  const columns = Object.entries(request.config.columns).map(
    ([name, type]: [string, DataType]): Field => ({ name, type, nullable: true }),
  );
  return {
    location: locationOf(format, [], columns, { rejects: 'none' }),
    reasons: columns.map(() => 'configured'),
    sample: [],
  };
}

function locationOf(
  format: FileFormat,
  files: readonly SourceFile[],
  columns: readonly Field[],
  options: Readonly<Record<string, string>>,
): NativeLocation {
  const paths = files.filter((file) => file.sizeBytes > 0n || format === 'parquet');
  return { format, paths: paths.map((file) => file.path), columns, options };
}
