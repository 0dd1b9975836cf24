import { stat } from 'node:fs/promises';
import { messageOf } from '@tessera/base';
import type { BuildInput, BuildJoin } from '@tessera/cube';
import { duckdbType, nativeScanSql, quoteName } from '@tessera/duckdb';
import type { EngineInput, NativeLocation } from '@tessera/plugin';
import { appendBatches } from './append-batches.ts';
import { lookupNotUnique, sourceChanged } from './errors.ts';
import type { Session } from './session.ts';

/** A table or parenthesised query that gives the wanted columns of an input under their own names. */
export async function inputRelation(
  session: Session,
  table: string,
  input: EngineInput,
  columns: BuildInput['columns'],
  signal: AbortSignal,
): Promise<string> {
  const names = columns.map((column) => column.name);
  if (input.kind === 'native') return `(${nativeScanSql(input.location, names)})`;
  const definitions = columns.map(
    (column) => `${quoteName(column.name)} ${duckdbType(column.type)}`,
  );
  await session.run(
    `CREATE TABLE ${quoteName(table)} (${definitions.join(', ') || 'one INTEGER'})`,
  );
  await session.attempt(() =>
    appendBatches(session.connection, table, input.open(names, signal), signal),
  );
  return quoteName(table);
}

/** Name of a lookup's landed table; `hit` is true in each of its rows, so a left join shows who found none. */
export const lookupTable = (alias: string) => `lookup ${alias}`;
export const hitColumn = 'tessera hit';

/** Copies a lookup into a table and checks that no key occurs twice (rows with a NULL in their key join nothing). */
export async function landLookup(
  session: Session,
  input: BuildInput,
  join: BuildJoin,
  source: EngineInput,
  signal: AbortSignal,
): Promise<void> {
  const table = lookupTable(input.alias);
  const relation = await inputRelation(session, `${table} raw`, source, input.columns, signal);
  await session.run(
    `CREATE TABLE ${quoteName(table)} AS SELECT true AS ${quoteName(hitColumn)}, * FROM ${relation}`,
  );
  if (source.kind === 'stream') await session.run(`DROP TABLE ${relation}`);
  await checkUnique(
    session,
    input.alias,
    quoteName(table),
    join.keys.map((key) => key.column),
  );
}

/** @throws LOOKUP_NOT_UNIQUE with an example key and how many rows have it. */
export async function checkUnique(
  session: Session,
  alias: string,
  relation: string,
  keys: readonly string[],
): Promise<void> {
  if (keys.length === 0) return;
  const list = keys.map(quoteName).join(', ');
  const present = keys.map((key) => `${quoteName(key)} IS NOT NULL`).join(' AND ');
  const example = keys
    .map((key) => `'${key.replaceAll("'", "''")} = ' || ${quoteName(key)}::VARCHAR`)
    .join(` || ', ' || `);
  const [duplicate] = await session.rows(
    `SELECT ${example} AS example, count(*) AS row_count FROM ${relation} WHERE ${present}
     GROUP BY ${list} HAVING count(*) > 1 ORDER BY count(*) DESC, ${list} LIMIT 1`,
  );
  if (duplicate !== undefined) {
    throw lookupNotUnique(alias, String(duplicate['example']), duplicate['row_count'] as bigint);
  }
}

/** What the files of an input look like, to tell whether they changed while they were read. */
export type FileMarks = ReadonlyMap<string, string>;

export async function markFiles(inputs: Readonly<Record<string, EngineInput>>): Promise<FileMarks> {
  const paths = Object.values(inputs).flatMap((input) =>
    input.kind === 'native' ? input.location.paths : [],
  );
  return new Map(await Promise.all(paths.map(async (path) => [path, await markOf(path)] as const)));
}

/** @throws SOURCE_CHANGED when a file is no longer what it was. */
export async function checkUnchanged(before: FileMarks): Promise<void> {
  for (const [path, mark] of before) {
    if ((await markOf(path)) !== mark) {
      throw sourceChanged(`${path} was written to during the build.`);
    }
  }
}

async function markOf(path: string): Promise<string> {
  try {
    const { size, mtimeNs, ino } = await stat(path, { bigint: true });
    return `${size}:${mtimeNs}:${ino}`;
  } catch (error) {
    throw sourceChanged(`${path} cannot be read (${messageOf(error)}).`, error);
  }
}

export function sourceBytes(marks: FileMarks): number {
  let bytes = 0;
  for (const mark of marks.values()) bytes += Number(mark.slice(0, mark.indexOf(':')));
  return bytes;
}

export function rejectedRowsOf(input: EngineInput): bigint {
  return input.kind === 'native' ? (input.location.rejectedRows ?? 0n) : 0n;
}

export function isColumnar(location: NativeLocation): boolean {
  return location.format === 'parquet';
}
