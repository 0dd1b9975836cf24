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
 * look at its text columns costs little.
 */
export async function encodeTexts(
  session: Session,
  plan: BuildPlan,
  fact: { readonly alias: string; readonly relation: string; readonly columnar: boolean },
): Promise<Encodings> {
  const encodings = new Map<string, Encoding>();
  for (const [alias, texts] of textsByAlias(plan)) {
    if (alias !== fact.alias) {
      const columns = texts.filter(({ isColumn }) => isColumn);
      await encodeLookup(session, alias, columns, encodings);
    } else if (fact.columnar) {
      const from = `${fact.relation} AS ${quoteName(alias)}`;
      await encode(session, texts, from, maxFactValues, encodings);
    }
  }
  return encodings;
}

/** A flat text column of one input: its name, and its value as SQL over that input. */
interface Text {
  readonly name: string;
  readonly value: string;
  readonly isColumn: boolean;
}

/** Text columns that some layout groups by, by the one input that each is read from. */
function textsByAlias(plan: BuildPlan): Map<string, Text[]> {
  const grouped = new Set(plan.layouts.flatMap((layout) => layout.dimensions));
  const texts = new Map<string, Text[]>();
  for (const { name, type, expr } of plan.flat) {
    const [alias, second] = aliasesOf(expr);
    if (type.kind !== 'text' || !grouped.has(name)) continue;
    if (alias === undefined || second !== undefined) continue;
    const text = { name, value: expressionSql(expr), isColumn: expr.kind === 'column' };
    texts.set(alias, [...(texts.get(alias) ?? []), text]);
  }
  return texts;
}

/** The landed table of the lookup gets the codes of its texts as further columns. */
async function encodeLookup(
  session: Session,
  alias: string,
  texts: readonly Text[],
  encodings: Map<string, Encoding>,
): Promise<void> {
  const table = quoteName(lookupTable(alias));
  const from = `${table} AS ${quoteName(alias)}`;
  const encoded = await encode(session, texts, from, maxLookupValues, encodings);
  if (encoded.length === 0) return;
  const codes = encoded.map(({ name, value }) => {
    const encoding = encodings.get(name)!;
    const column = `code ${name}`;
    encodings.set(name, { ...encoding, lookupColumn: { alias, column } });
    return `${value}::${quoteName(encoding.typeName)} AS ${quoteName(column)}`;
  });
  await session.run(
    `CREATE OR REPLACE TABLE ${table} AS SELECT *, ${codes.join(', ')} FROM ${from}`,
  );
}

/** Makes the ENUMs of those texts that have few values, and says which these are. */
async function encode(
  session: Session,
  texts: readonly Text[],
  from: string,
  limit: number,
  encodings: Map<string, Encoding>,
): Promise<readonly Text[]> {
  if (texts.length === 0) return [];
  const estimates = texts.map(({ value }, i) => `approx_count_distinct(${value}) AS estimate${i}`);
  const [found] = await session.rows(`SELECT ${estimates.join(', ')} FROM ${from}`);
  const countOf = (i: number) => Number(found?.[`estimate${i}`] as bigint);
  const few = texts.filter((_, i) => countOf(i) > 0 && countOf(i) <= limit);
  for (const text of few) {
    encodings.set(text.name, await makeEnum(session, text, from, countOf(texts.indexOf(text))));
  }
  return few;
}

async function makeEnum(
  session: Session,
  { name, value }: Text,
  from: string,
  valueCount: number,
): Promise<Encoding> {
  const encoding = { typeName: `enum ${name}`, hashTable: `hash ${name}`, valueCount };
  const type = quoteName(encoding.typeName);
  await session.run(
    `CREATE TYPE ${type} AS ENUM (SELECT value FROM (SELECT DISTINCT ${value} AS value FROM ${from}) WHERE value IS NOT NULL ORDER BY value)`,
  );
  await session.run(
    `CREATE TABLE ${quoteName(encoding.hashTable)} AS SELECT enum_code(value::${type})::INTEGER AS code, ${textHashSql('value')} AS hash
     FROM (SELECT unnest(enum_range(NULL::${type})) AS value)`,
  );
  return encoding;
}
