import type { BuildPlan } from '@tessera/cube';
import { quoteName, textHashSql } from '@tessera/duckdb';
import { aliasesOf, expressionSql } from './expression-sql.ts';
import { lookupTable } from './landing.ts';
import type { Session } from './session.ts';

/**
 * Text dimensions as ENUMs. A flat column of few different texts is held as small integers whose order is that
 * of the texts, so grouping and sorting compare numbers; a table `code → hash` spares the checksum an MD5 per row.
 */
export interface Encoding {
  /** ENUM type of a flat column. */
  readonly typeName: string;
  readonly valueCount: number;
  /** Table (code, hash) of its values. */
  readonly hashTable: string;
  /** Column of the lookup's landed table that already holds the code, when the text comes from a lookup. */
  readonly lookupColumn?: { readonly alias: string; readonly column: string };
}

export type Encodings = ReadonlyMap<string, Encoding>;

/** More different values than this make an ENUM slower than the text itself. */
const maxLookupValues = 500_000;
const maxFactValues = 20_000;

/**
 * Chooses and makes the ENUMs: plain columns of lookups, and fact columns when the fact is columnar, so that one
 * look at a text column costs little.
 */
export async function encodeTexts(
  session: Session,
  plan: BuildPlan,
  fact: { readonly alias: string; readonly relation: string; readonly columnar: boolean },
): Promise<Encodings> {
  const encodings = new Map<string, Encoding>();
  for (const column of textColumns(plan)) {
    const [alias, second] = aliasesOf(column.expr);
    if (alias === undefined || second !== undefined) continue;
    if (alias !== fact.alias && column.expr.kind === 'column') {
      const encoding = await encodeLookupColumn(session, alias, column.name, column.expr.name);
      if (encoding) encodings.set(column.name, encoding);
    } else if (alias === fact.alias && fact.columnar) {
      const value = expressionSql(column.expr);
      const from = `${fact.relation} AS ${quoteName(alias)}`;
      const encoding = await encodeValues(session, column.name, value, from, maxFactValues);
      if (encoding) encodings.set(column.name, encoding);
    }
  }
  return encodings;
}

/** Text columns that some layout groups by. */
function textColumns(plan: BuildPlan): BuildPlan['flat'] {
  const grouped = new Set(plan.layouts.flatMap((layout) => layout.dimensions));
  return plan.flat.filter((column) => column.type.kind === 'text' && grouped.has(column.name));
}

async function encodeLookupColumn(
  session: Session,
  alias: string,
  name: string,
  column: string,
): Promise<Encoding | undefined> {
  const table = quoteName(lookupTable(alias));
  const encoding = await encodeValues(session, name, quoteName(column), table, maxLookupValues);
  if (encoding === undefined) return undefined;
  const coded = `code ${name}`;
  await session.run(
    `CREATE OR REPLACE TABLE ${table} AS SELECT *, ${quoteName(column)}::${quoteName(encoding.typeName)} AS ${quoteName(coded)} FROM ${table}`,
  );
  return { ...encoding, lookupColumn: { alias, column: coded } };
}

async function encodeValues(
  session: Session,
  name: string,
  value: string,
  from: string,
  limit: number,
): Promise<Encoding | undefined> {
  const [estimate] = await session.rows(
    `SELECT approx_count_distinct(${value}) AS estimate FROM ${from}`,
  );
  const values = estimate?.['estimate'] as bigint;
  if (values === 0n || values > BigInt(limit)) return undefined;
  const encoding = {
    typeName: `enum ${name}`,
    hashTable: `hash ${name}`,
    valueCount: Number(values),
  };
  const sorted = quoteName(`values ${name}`);
  await session.run(
    `CREATE TABLE ${sorted} AS SELECT value FROM (SELECT DISTINCT ${value} AS value FROM ${from}) WHERE value IS NOT NULL ORDER BY value`,
  );
  await session.run(
    `CREATE TYPE ${quoteName(encoding.typeName)} AS ENUM (SELECT value FROM ${sorted} ORDER BY value)`,
  );
  await session.run(
    `CREATE TABLE ${quoteName(encoding.hashTable)} AS SELECT (enum_code(value::${quoteName(encoding.typeName)}))::INTEGER AS code, ${textHashSql('value')} AS hash FROM ${sorted}`,
  );
  await session.run(`DROP TABLE ${sorted}`);
  return encoding;
}
