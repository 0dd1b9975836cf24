import { type Connection, type CuboidUse, query } from '@tessera/client';
import { formatValue } from '@tessera/columnar';
import type { Question } from './questions.ts';

/** One question, answered both ways. */
export interface Comparison {
  readonly question: Question;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** What the first answer rests on. */
  readonly origin: string;
  /** Median of a few runs, as the client sees it. */
  readonly cuboidMs: number;
  readonly sourceMs: number;
  readonly same: boolean;
}

interface TimedAnswer {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
  readonly origin: string;
  readonly medianMs: number;
}

const cuboidRuns = 5;
const sourceRuns = 3;

/** Asks through cuboids only, then of the source only, and compares the rows as text, in order. */
export async function ask(client: Connection, question: Question): Promise<Comparison> {
  const cuboid = await timed(client, question.sql, 'always', cuboidRuns);
  const source = await timed(client, question.sql, 'never', sourceRuns);
  return {
    question,
    columns: cuboid.columns,
    rows: cuboid.rows,
    origin: cuboid.origin,
    cuboidMs: cuboid.medianMs,
    sourceMs: source.medianMs,
    same: JSON.stringify(cuboid.rows) === JSON.stringify(source.rows),
  };
}

async function timed(
  client: Connection,
  sql: string,
  useCuboids: CuboidUse,
  runs: number,
): Promise<TimedAnswer> {
  const times: number[] = [];
  for (let run = 0; ; run++) {
    const startedMs = performance.now();
    const answer = await query(client.queries, sql, { useCuboids });
    times.push(performance.now() - startedMs);
    if (run + 1 < runs) continue;
    const { schema, summary } = answer;
    return {
      columns: schema.map(({ name }) => name),
      rows: answer.rows.map((row) =>
        row.map((value, i) => (value === null ? '' : formatValue(schema[i]!.type, value))),
      ),
      origin: summary.planKind,
      medianMs: times.sort((a, b) => a - b)[times.length >> 1]!,
    };
  }
}
