import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { DictionaryStep } from '@tessera/cube';
import { duckdbType, quoteName, quoteText } from '@tessera/duckdb';
import type { BuildProgress } from '@tessera/plugin';
import { flatTable } from './flat.ts';
import { writeParquet } from './parquet-file.ts';
import type { Session } from './session.ts';

/** Table (value, id) of a dictionary. */
export const dictionaryTable = (name: string) => quoteName(`dictionary ${name}`);

/**
 * Makes the next version of a dictionary: what the newest file holds keeps its ids, the sorted new values of the
 * flat column get the next ones. The file is named after its content's size, so versions never overwrite each other.
 */
export async function extendDictionary(
  session: Session,
  step: DictionaryStep,
  newestFile: string | undefined,
  outputDirectory: string,
): Promise<Extract<BuildProgress, { kind: 'dictionary' }>> {
  const table = dictionaryTable(step.name);
  const type = duckdbType(step.type);
  const known = newestFile
    ? `SELECT value::${type} AS value, id::BIGINT AS id FROM read_parquet(${quoteText(newestFile)})`
    : `SELECT NULL::${type} AS value, 0::BIGINT AS id WHERE false`;
  await session.run(`CREATE TABLE ${table} AS ${known}`);
  const column = `${quoteName(step.column)}::${type}`;
  await session.run(
    `INSERT INTO ${table} SELECT value, (SELECT coalesce(max(id), -1) FROM ${table}) + row_number() OVER (ORDER BY value)
     FROM (SELECT DISTINCT ${column} AS value FROM ${flatTable} WHERE ${column} IS NOT NULL) AS found
     WHERE NOT EXISTS (SELECT 1 FROM ${table} AS known WHERE known.value = found.value)`,
  );
  const [count] = await session.rows(`SELECT count(*) AS size FROM ${table}`);
  const size = count?.['size'] as bigint;
  const file = join('dictionaries', `${fileStem(step.name)}-${size}.parquet`);
  const written = await writeParquet(
    session,
    `SELECT value, id FROM ${table} ORDER BY id`,
    join(outputDirectory, file),
  );
  const { fileDigest, sizeBytes } = written;
  return { kind: 'dictionary', name: step.name, file, size, sizeBytes, fileDigest };
}

/** A file name for any dictionary name, never the same for two of them. */
function fileStem(name: string): string {
  const readable = name.replaceAll(/[^A-Za-z0-9_.-]/g, '_').slice(0, 80);
  return `${readable}-${createHash('sha256').update(name).digest('hex').slice(0, 8)}`;
}
