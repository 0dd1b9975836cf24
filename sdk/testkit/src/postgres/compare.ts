import { DuckDBInstance } from '@duckdb/node-api';
import type { DataType } from '@tessera/columnar';
import { printStatement, quoteName, sessionSettings } from '@tessera/duckdb';
import { bind, parse, parseLiteral, type Statement, typeName } from '@tessera/sql';
import { dataCatalog, dataRows, postgresSetup } from './data.ts';
import type { PostgresResult } from './postgres.ts';

/** Runs SQL text as Tessera does: parsed, bound, printed for DuckDB, over the tables of `data.ts`. */
export interface Subject {
  run(sql: string): Promise<SubjectResult>;
  close(): void;
}

export interface SubjectResult {
  readonly statement?: Statement;
  readonly rows: readonly (readonly (string | null)[])[];
  readonly printed?: string;
  readonly error?: string;
}

export async function startSubject(): Promise<Subject> {
  const database = await DuckDBInstance.create(':memory:');
  const connection = await database.connect();
  for (const sql of [...sessionSettings(), ...postgresSetup, ...dataRows])
    await connection.run(sql);
  return {
    run: async (sql) => {
      let printed: string | undefined;
      try {
        const statement = bind(parse(sql), dataCatalog, {
          timeZone: 'UTC',
          now: 1_700_000_000_000_000n,
        });
        printed = printStatement(statement, {
          relation: (leaf) => (leaf.kind === 'table' ? quoteName(leaf.table.table) : ''),
        });
        const reader = await connection.runAndReadAll(asText(printed, statement.schema.length));
        return { statement, printed, rows: reader.getRows() as (string | null)[][] };
      } catch (error) {
        const reason = (error as { reason?: string }).reason;
        const text = `${reason === undefined ? '' : `${reason}: `}${(error as Error).message}`;
        return { rows: [], error: text, ...(printed === undefined ? {} : { printed }) };
      }
    },
    close: () => connection.closeSync(),
  };
}

/** The query with every column as text. */
function asText(sql: string, width: number): string {
  const names = Array.from({ length: width }, (_, i) => `c${i}`);
  return `SELECT ${names.map((n) => `CAST(${n} AS VARCHAR)`).join(', ')} FROM (${sql}) AS q(${names.join(', ')})`;
}

/** Where ours differs from PostgreSQL's answer, in words; `undefined` when it does not. */
export function difference(
  sql: string,
  ours: SubjectResult,
  theirs: PostgresResult,
): string | undefined {
  if (theirs.error !== undefined) {
    return ours.error === undefined
      ? `PostgreSQL fails: ${theirs.error}; ours gives ${JSON.stringify(ours.rows)}`
      : undefined;
  }
  if (ours.error !== undefined)
    return `ours fails: ${ours.error}; PostgreSQL gives ${JSON.stringify(theirs.rows)}`;
  const schema = ours.statement!.schema;
  const shape = schema.map((f) => `${f.name} ${typeName(f.type)}`).join(', ');
  const wanted = theirs.columns
    .map((c) => `${c.name} ${c.type.replace(/^interval .*/, 'interval')}`)
    .join(', ');
  if (shape !== wanted) return `columns are ${shape}; PostgreSQL has ${wanted}`;
  const types = schema.map((f) => f.type);
  const ordered = /\border by\b[^()]*$/i.test(sql);
  const [mine, wantedRows] = [
    canonical(ours.rows, types, ordered),
    canonical(theirs.rows, types, ordered),
  ];
  if (mine.length !== wantedRows.length)
    return `rows ${JSON.stringify(mine)}; PostgreSQL ${JSON.stringify(wantedRows)}`;
  const bad = mine.findIndex(
    (row, i) => !row.every((value, j) => close(value, wantedRows[i]![j]!, types[j]!)),
  );
  return bad < 0
    ? undefined
    : `row ${bad} is ${JSON.stringify(mine[bad])}; PostgreSQL has ${JSON.stringify(wantedRows[bad])}`;
}

function canonical(
  rows: readonly (readonly (string | null)[])[],
  types: readonly DataType[],
  ordered: boolean,
): string[][] {
  const values = rows.map((row) => row.map((value, i) => canonicalValue(value, types[i]!)));
  return ordered ? values : values.sort((a, b) => (a.join('\u0000') < b.join('\u0000') ? -1 : 1));
}

/** One spelling per value: numerics at the scale that they are held with, intervals by their parts. */
function canonicalValue(value: string | null, type: DataType): string {
  if (value === null) return 'NULL';
  switch (type.kind) {
    case 'numeric':
      return String(parseLiteral(value, { kind: 'numeric' }, 'UTC') ?? value);
    case 'boolean':
      return value.startsWith('t') ? 'true' : 'false';
    case 'interval': {
      const parts = parseLiteral(value, type, 'UTC') as {
        months: number;
        days: number;
        micros: bigint;
      };
      return `${parts.months} ${parts.days} ${parts.micros}`;
    }
    case 'real':
      return String(Math.fround(Number(floatText(value))));
    case 'double':
      return Number(floatText(value)).toPrecision(12);
    case 'timestamptz':
      return String(parseLiteral(value, type, 'UTC'));
    default:
      return value;
  }
}

const floatText = (text: string) => text.replace(/^(-?)inf$/i, '$1Infinity');

/** Binary floats may differ in their last bits; everything else is exact. */
function close(a: string, b: string, type: DataType): boolean {
  if (a === b) return true;
  if (type.kind !== 'double' && type.kind !== 'real') return false;
  const [x, y] = [Number(a), Number(b)];
  const bound = type.kind === 'double' ? 1e-11 : 1e-6;
  return Math.abs(x - y) <= bound * Math.max(Math.abs(x), Math.abs(y));
}
