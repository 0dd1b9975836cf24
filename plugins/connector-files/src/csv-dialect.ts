import type { DuckDBConnection } from '@duckdb/node-api';
import { quoteText } from '@tessera/duckdb';
import type { TableConfig } from './config.ts';
import { rowsOf } from './database.ts';

export interface CsvDialect {
  /** As `NativeLocation.options` has them. */
  readonly options: Readonly<Record<string, string>>;
  /** Names in the file, or column0, column1, … without a header. */
  readonly names: readonly string[];
}

/** What was configured, and for the rest what DuckDB's sniffer finds in the first file that has content. */
export async function csvDialect(
  connection: DuckDBConnection,
  path: string,
  config: TableConfig,
): Promise<CsvDialect> {
  const sniffed = await sniff(connection, path, config);
  const found = (key: string) => {
    const value = sniffed[key] as string;
    return value === '(empty)' ? undefined : value;
  };
  const quote = config.quote ?? found('Quote') ?? '"';
  const columns = sniffed['Columns'] as { items: { entries: { name: string } }[] };
  return {
    options: {
      delimiter: config.delimiter ?? found('Delimiter') ?? ',',
      quote,
      escape: config.escape ?? found('Escape') ?? quote,
      header: String(config.header ?? sniffed['HasHeader']),
      nullText: config.nullText,
      ...(config.dateFormat ? { dateFormat: config.dateFormat } : {}),
      ...(config.timestampFormat ? { timestampFormat: config.timestampFormat } : {}),
    },
    names: columns.items.map((column) => column.entries.name),
  };
}

/** Strictly first; a file with broken records has no strict dialect, so then as well as it goes. */
async function sniff(connection: DuckDBConnection, path: string, config: TableConfig) {
  const given = [
    ...(config.delimiter === undefined ? [] : [`delim = ${quoteText(config.delimiter)}`]),
    ...(config.quote === undefined ? [] : [`quote = ${quoteText(config.quote)}`]),
    ...(config.escape === undefined ? [] : [`escape = ${quoteText(config.escape)}`]),
    ...(config.header === undefined ? [] : [`header = ${config.header}`]),
  ];
  const attempts = [
    given,
    [...given, 'ignore_errors = true', 'strict_mode = false', 'null_padding = true'],
  ];
  let failure: unknown;
  for (const options of attempts) {
    try {
      const settings = ['all_varchar = true', ...options].join(', ');
      const [row] = await rowsOf(
        connection,
        `SELECT * FROM sniff_csv(${quoteText(path)}, ${settings})`,
      );
      return row!;
    } catch (error) {
      failure = error;
    }
  }
  throw failure;
}
