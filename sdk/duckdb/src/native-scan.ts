import type { DataType, Field } from '@tessera/columnar';
import type { NativeLocation } from '@tessera/plugin';
import { duckdbType } from './duckdb-type.ts';
import { quoteName, quoteText } from './quote.ts';

/**
 * SQL that reads native files: a SELECT that gives `columns` (all when absent) by name in their declared types,
 * and exactly the rows that parse.
 *
 * A text file whose location says `rejects: 'none'` was checked as a whole, so it is read straight into its
 * types. Otherwise every column of every row is checked, also those that are not wanted: DuckDB alone would
 * parse only the columns it needs, and which rows there are would then depend on the query.
 */
export function nativeScanSql(
  location: NativeLocation,
  columns: readonly string[] = location.columns.map((column) => column.name),
): string {
  const wanted = columns.map((name) => fieldOf(location, name));
  if (location.paths.length === 0) return emptySql(wanted);
  if (location.format === 'parquet') return parquetSql(location, wanted);
  if (location.format === 'csv' && location.options['rejects'] === 'none') {
    return `SELECT ${selectList(wanted.map((field) => quoteName(field.name)))} FROM ${csvTable(location, 'typed')}`;
  }
  return checkedSql(location, wanted);
}

/**
 * The other rows of one text file: `record` (from 0, among the structurally sound ones), `bad` (index of the first
 * column that does not convert; -2: no JSON object, -3: no JSON), its text `value`, and the whole `raw` record as a list.
 */
export function rejectedScanSql(location: NativeLocation): string {
  const faults = location.columns.map(
    (field, i) =>
      `WHEN NOT (${validSql(rawSql(location, i), field.type, location.options)}) THEN ${i}`,
  );
  const json = location.format === 'json';
  const notJson = json ? 'WHEN NOT json_valid(line) THEN -3 WHEN raw.v IS NULL THEN -2' : '';
  const bad = `CASE ${notJson} ${faults.join(' ')} ELSE -1 END`;
  const raws = json
    ? '[line]'
    : `[${location.columns.map((_, i) => rawSql(location, i)).join(', ')}]`;
  const values = json ? 'raw.v' : raws;
  return `SELECT record, bad::INTEGER AS bad, value, to_json(raw)::VARCHAR AS raw FROM (
    SELECT record, bad, CASE WHEN bad >= 0 THEN texts[bad + 1] END AS value, raw
    FROM (SELECT record, ${bad} AS bad, ${values} AS texts, ${raws} AS raw FROM ${rawRows(location, true)})
  ) WHERE bad <> -1`;
}

/** How many line breaks stand inside the values of each record of a CSV that has some: `record`, `breaks`. */
export function lineBreaksSql(location: NativeLocation): string {
  const breaks = location.columns.map((_, i) => {
    const raw = rawSql(location, i);
    return `coalesce(length(${raw}) - length(replace(${raw}, chr(10), '')), 0)`;
  });
  return `SELECT record, ${breaks.join(' + ')} AS breaks FROM ${rawRows(location, true)} WHERE ${breaks.join(' + ')} > 0 ORDER BY record`;
}

/** Number of structurally sound records, and of those that convert too, in one pass that stores structural rejects. */
export function countingScanSql(location: NativeLocation): string {
  const checks = location.columns.map(
    (field, i) => `(${validSql(rawSql(location, i), field.type, location.options)})`,
  );
  const valid = [...checks, ...wholeRowChecks(location)].join(' AND ');
  return `SELECT count(*) AS sound, count(*) FILTER (WHERE ${valid}) AS valid FROM ${rawRows(location, false, true)}`;
}

function fieldOf(location: NativeLocation, name: string): Field {
  const field = location.columns.find((column) => column.name === name);
  if (field === undefined) throw new Error(`Broken invariant: no column ${name} in the location`);
  return field;
}

function selectList(items: readonly string[]): string {
  return items.length === 0 ? '1 AS "one"' : items.join(', ');
}

function emptySql(wanted: readonly Field[]): string {
  const items = wanted.map(
    (field) => `NULL::${duckdbType(field.type)} AS ${quoteName(field.name)}`,
  );
  return `SELECT ${selectList(items)} WHERE false`;
}

function parquetSql(location: NativeLocation, wanted: readonly Field[]): string {
  const items = wanted.map(
    (field) => `${quoteName(field.name)}::${duckdbType(field.type)} AS ${quoteName(field.name)}`,
  );
  const union = location.paths.length > 1 ? ', union_by_name = true' : '';
  return `SELECT ${selectList(items)} FROM read_parquet(${pathList(location)}${union}, hive_partitioning = false)`;
}

function checkedSql(location: NativeLocation, wanted: readonly Field[]): string {
  const items = wanted.map((field) => {
    const raw = rawSql(location, location.columns.indexOf(field));
    return `${convertSql(raw, field.type, location.options)} AS ${quoteName(field.name)}`;
  });
  const checks = location.columns.map(
    (field, i) => `(${validSql(rawSql(location, i), field.type, location.options)})`,
  );
  return `SELECT ${selectList(items)} FROM ${rawRows(location, false)} WHERE ${[...checks, ...wholeRowChecks(location)].join(' AND ')}`;
}

/** Conditions that hold for each sound row and make DuckDB parse all of it. */
function wholeRowChecks(location: NativeLocation): string[] {
  if (location.format === 'json') return ['raw.v IS NOT NULL'];
  return [`hash(${location.columns.map((_, i) => rawSql(location, i)).join(', ')}) IS NOT NULL`];
}

/** Rows of text values: columns c0, c1, … of a CSV; of JSON the text `line`, and its values as a list `v`, NULL when it is no object. */
function rawRows(location: NativeLocation, numbered: boolean, storeRejects = false): string {
  const record = numbered ? 'row_number() OVER () - 1 AS record, ' : '';
  if (location.format === 'csv') {
    return `(SELECT ${record}* FROM ${csvTable(location, storeRejects ? 'rejects' : 'text')}) AS raw`;
  }
  const keys = location.columns.map((field) => quoteText(jsonPath(field.name))).join(', ');
  const values = `CASE WHEN json_valid(line) THEN CASE WHEN json_type(line) = 'OBJECT' THEN json_extract_string(line, [${keys}]) END END`;
  return `(SELECT *, ${values} AS v FROM (SELECT ${record}line FROM ${jsonLines(location, storeRejects)}) WHERE line IS NOT NULL AND trim(line) <> '') AS raw`;
}

function rawSql(location: NativeLocation, index: number): string {
  return location.format === 'csv' ? `raw.c${index}` : `raw.v[${index + 1}]`;
}

/** One row per JSON text, column `line`: the lines of the file as they are (NULL: blank), or the elements of an array. */
export function jsonLines(
  location: Pick<NativeLocation, 'paths' | 'options'>,
  storeRejects = false,
): string {
  if (location.options['layout'] === 'array') {
    return `(SELECT json::VARCHAR AS line FROM read_json_objects(${pathList(location)}, format = 'array'))`;
  }
  const onError = storeRejects ? 'store_rejects = true, rejects_limit = 0' : 'ignore_errors = true';
  return `read_csv(${pathList(location)}, auto_detect = false, header = false, delim = '\\0', quote = '', escape = '', columns = {'line': 'VARCHAR'}, ${onError})`;
}

/** The JSON path of a top-level key. */
export function jsonPath(key: string): string {
  return `$."${key.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}

/** `read_csv` with every option given, so nothing is guessed twice. `text`: columns c0, c1, … as they stand in the file. */
export function csvTable(location: NativeLocation, mode: 'typed' | 'text' | 'rejects'): string {
  const { options } = location;
  const columns = location.columns.map((field, i) =>
    mode === 'typed'
      ? `${quoteText(field.name)}: ${quoteText(duckdbType(field.type))}`
      : `${quoteText(`c${i}`)}: 'VARCHAR'`,
  );
  const quote = options['quote'] ?? '"';
  const settings = [
    'auto_detect = false',
    `header = ${options['header'] ?? 'true'}`,
    `delim = ${quoteText(options['delimiter'] ?? ',')}`,
    `quote = ${quoteText(quote)}`,
    `escape = ${quoteText(options['escape'] ?? quote)}`,
    `nullstr = ${quoteText(options['nullText'] ?? '')}`,
    'allow_quoted_nulls = false',
    `columns = {${columns.join(', ')}}`,
  ];
  if (mode === 'typed') {
    if (options['dateFormat']) settings.push(`dateformat = ${quoteText(options['dateFormat'])}`);
    if (options['timestampFormat']) {
      settings.push(`timestampformat = ${quoteText(options['timestampFormat'])}`);
    }
  }
  if (mode === 'text') settings.push('ignore_errors = true');
  if (mode === 'rejects') settings.push('store_rejects = true', 'rejects_limit = 0');
  return `read_csv(${pathList(location)}, ${settings.join(', ')})`;
}

function pathList(location: Pick<NativeLocation, 'paths'>): string {
  return `[${location.paths.map(quoteText).join(', ')}]`;
}

/** True for a text that converts to the type without losing anything but trailing digits of a numeric. NULL is valid. */
function validSql(raw: string, type: DataType, options: NativeLocation['options']): string {
  const converts = `${raw} IS NULL OR (${tryConvertSql(raw, type, options)}) IS NOT NULL`;
  const plain = (pattern: string) => `regexp_full_match(${raw}, ${quoteText(pattern)})`;
  switch (type.kind) {
    case 'smallint':
    case 'integer':
    case 'bigint':
      return `${raw} IS NULL OR (TRY_CAST(${raw} AS ${duckdbType(type)}) IS NOT NULL AND (TRY_CAST(${raw} AS BIGINT)::VARCHAR = ${raw} OR ${plain('\\s*[+-]?[0-9]+\\s*')}))`;
    case 'numeric':
      return `${raw} IS NULL OR (TRY_CAST(${raw} AS ${duckdbType(type)}) IS NOT NULL AND ${plain('\\s*[+-]?([0-9]+\\.?[0-9]*|\\.[0-9]+)\\s*')})`;
    case 'real':
    case 'double':
      return `${raw} IS NULL OR (TRY_CAST(${raw} AS ${duckdbType(type)}) IS NOT NULL AND NOT contains(${raw}, '_'))`;
    case 'date':
      if (options['dateFormat']) return converts;
      return `${raw} IS NULL OR (TRY_CAST(${raw} AS DATE) IS NOT NULL AND (TRY_CAST(${raw} AS DATE)::VARCHAR = ${raw} OR ${plain('\\s*[0-9]{1,6}[-/ ][0-9]{1,2}[-/ ][0-9]{1,2}\\s*')}))`;
    case 'timestamp':
    case 'timestamptz':
      return `${raw} IS NULL OR coalesce(isfinite(${tryConvertSql(raw, type, options)}), false)`;
    case 'text':
    case 'unknown':
    case 'bytes':
      return 'true';
    default:
      return converts;
  }
}

function tryConvertSql(raw: string, type: DataType, options: NativeLocation['options']): string {
  const format = formatOf(type, options);
  if (format === undefined) return `TRY_CAST(${raw} AS ${duckdbType(type)})`;
  return `try_strptime(${raw}, ${quoteText(format)})::${duckdbType(type)}`;
}

function convertSql(raw: string, type: DataType, options: NativeLocation['options']): string {
  return type.kind === 'text' || type.kind === 'unknown' ? raw : tryConvertSql(raw, type, options);
}

function formatOf(type: DataType, options: NativeLocation['options']): string | undefined {
  if (type.kind === 'date') return options['dateFormat'];
  if (type.kind === 'timestamp' || type.kind === 'timestamptz') return options['timestampFormat'];
  return undefined;
}
