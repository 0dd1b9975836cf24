import type { DataType } from '@tessera/columnar';
import { z } from 'zod';

/** A type as users write it: PostgreSQL's names and the usual short ones. */
export function parseTypeName(text: string): DataType | undefined {
  const name = text.trim().toLowerCase().replaceAll(/\s+/g, ' ');
  const numeric = /^(?:numeric|decimal) ?(?:\( ?(\d+) ?(?:, ?(\d+) ?)?\))?$/.exec(name);
  if (numeric === null) return typeNames.get(name);
  if (numeric[1] === undefined) return { kind: 'numeric' };
  const [precision, scale] = [Number(numeric[1]), Number(numeric[2] ?? 0)];
  return precision >= 1 && precision <= 38 && scale <= precision
    ? { kind: 'numeric', precision, scale }
    : undefined;
}

const typeNames = new Map<string, DataType>(
  Object.entries({
    boolean: 'boolean',
    bool: 'boolean',
    smallint: 'smallint',
    int2: 'smallint',
    integer: 'integer',
    int: 'integer',
    int4: 'integer',
    bigint: 'bigint',
    int8: 'bigint',
    real: 'real',
    float4: 'real',
    'double precision': 'double',
    double: 'double',
    float8: 'double',
    float: 'double',
    text: 'text',
    varchar: 'text',
    date: 'date',
    time: 'time',
    timestamp: 'timestamp',
    timestamptz: 'timestamptz',
    'timestamp with time zone': 'timestamptz',
  } as const).map(([name, kind]) => [name, { kind }]),
);

const columnType = z.string().transform((text, context) => {
  const type = parseTypeName(text);
  if (type !== undefined) return type;
  context.addIssue({
    code: 'custom',
    message: `unknown type ${JSON.stringify(text)}: use boolean, smallint, integer, bigint, numeric(p,s), real, double, text, date, time, timestamp or timestamptz`,
  });
  return z.NEVER;
});

const character = z.string().length(1, 'must be exactly one character');

export const tableConfig = z.strictObject({
  path: z
    .string()
    .min(1, 'must name a file or a glob')
    .describe("File or glob (`*`, `?`, `**`), relative to the configuration's folder."),
  format: z.enum(['csv', 'json', 'parquet']).optional().describe('Default: by file extension.'),
  columns: z
    .record(z.string(), columnType)
    .default({})
    .describe('Types of columns that shall not be inferred.'),
  delimiter: character.optional().describe('CSV: default found by looking.'),
  quote: character.optional().describe('CSV: default `"`.'),
  escape: character.optional().describe('CSV: default the quote, doubled.'),
  header: z.boolean().optional().describe('CSV: whether the first record names the columns.'),
  nullText: z.string().default('').describe('CSV: unquoted text that stands for NULL.'),
  dateFormat: z.string().min(1).optional().describe('Dates, as strptime has them: `%d.%m.%Y`.'),
  timestampFormat: z.string().min(1).optional().describe('Timestamps, as strptime has them.'),
});

export const filesConfig = z.strictObject({
  tables: z.record(z.string().min(1), tableConfig).describe('Tables by name.'),
  sampleRows: z
    .number()
    .int()
    .min(1)
    .max(1_000_000)
    .default(20_000)
    .describe('Rows of a text file from which types are inferred.'),
  memoryLimitBytes: z
    .number()
    .int()
    .min(32 << 20)
    .default(512 << 20)
    .describe('Most memory that reading may take.'),
});

export type TableConfig = z.output<typeof tableConfig>;
export type FilesConfig = z.output<typeof filesConfig>;
export type FileFormat = 'csv' | 'json' | 'parquet';
