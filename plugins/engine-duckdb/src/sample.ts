import { quoteName } from '@tessera/duckdb';
import type { SampleRequest, SampleResult } from '@tessera/plugin';
import { flatSql, flatTable, innerMask, missingColumn } from './flat.ts';
import { inputRelation, landLookup } from './landing.ts';
import { Session, type SessionOptions } from './session.ts';

/** Draws the same rows each time it is asked of the same data. */
const seed = 20_260_101;

/** How often combinations of columns occur in a random sample of the flat relation. */
export async function sample(
  request: SampleRequest,
  options: Omit<SessionOptions, 'memoryLimitBytes'>,
  signal: AbortSignal,
): Promise<SampleResult> {
  const bounds = { ...options, memoryLimitBytes: request.memoryLimitBytes };
  await using session = await Session.open(bounds, signal);
  session.readingSource = true;
  const plan = {
    ...request.plan,
    segments: [{ id: 'sample', range: { kind: 'all' } as const }],
    dictionaries: [],
    layouts: [],
  };
  for (const join of plan.joins) {
    const input = plan.inputs.find((candidate) => candidate.alias === join.alias)!;
    await landLookup(session, input, join, request.inputs[join.alias]!, signal);
  }
  const fact = plan.inputs[0]!;
  const source = request.inputs[fact.alias]!;
  const relation = await inputRelation(session, 'fact raw', source, fact.columns, signal);
  const rowCount = await countRows(session, relation);
  const drawn = `(SELECT * FROM ${relation}${sampleClause(rowCount, request.maxRows)})`;
  await session.run('SET threads = 1'); // A seed repeats only on one thread.
  await session.run(`CREATE TABLE ${flatTable} AS ${flatSql(plan, drawn, new Map())}`);
  await session.run('RESET threads');
  await session.run(
    `DELETE FROM ${flatTable} WHERE (${quoteName(missingColumn)} & ${innerMask(plan)}) <> 0`,
  );
  const frequencies: (readonly (readonly [number, number])[])[] = [];
  for (const columns of request.columnSets) frequencies.push(await frequenciesOf(session, columns));
  return { rowCount, sampledRows: await countRows(session, flatTable), frequencies };
}

function sampleClause(rowCount: bigint, maxRows: number): string {
  if (rowCount <= BigInt(maxRows)) return '';
  const percent = (maxRows / Number(rowCount)) * 100;
  return ` USING SAMPLE ${percent.toFixed(6)} PERCENT (bernoulli, ${seed})`;
}

async function countRows(session: Session, relation: string): Promise<bigint> {
  const [row] = await session.rows(`SELECT count(*) AS row_count FROM ${relation}`);
  return row?.['row_count'] as bigint;
}

async function frequenciesOf(
  session: Session,
  columns: readonly string[],
): Promise<(readonly [number, number])[]> {
  const keys = columns.map(quoteName).join(', ');
  const groups = columns.length === 0 ? 'HAVING count(*) > 0' : `GROUP BY ${keys}`;
  const rows = await session.rows(
    `SELECT occurrences, count(*) AS combinations FROM (SELECT count(*) AS occurrences FROM ${flatTable} ${groups}) GROUP BY 1 ORDER BY 1`,
  );
  return rows.map((row) => [Number(row['occurrences']), Number(row['combinations'])] as const);
}
