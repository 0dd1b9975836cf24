import type { Caller } from '@tessera/access';
import { formatDaemonWork, type QuerySummary, type QueryTimings } from '@tessera/client';
import { type ColumnBatch, columnFromValues, type Schema } from '@tessera/columnar';
import { formatExplanation, formatSourceRanges } from '@tessera/cube';
import type { CatalogSnapshot } from '../catalog/snapshot.ts';
import { sourceFailuresFor } from '../plan/for-caller.ts';
import type { Plan } from '../plan/plan.ts';

/** The one column of what EXPLAIN answers. */
export const explainSchema: Schema = [
  { name: 'QUERY PLAN', type: { kind: 'text' }, nullable: false },
];

export interface Explainable {
  readonly plan: Plan;
  readonly snapshot: CatalogSnapshot;
}

/** What EXPLAIN answers, in the format that was asked for; with a summary also what running it took. */
export function explainLines(
  { plan, snapshot }: Explainable,
  caller: Caller | undefined,
  summary?: QuerySummary,
): readonly string[] {
  if (plan.explain?.format === 'json') return [explanationJson(plan, summary)];
  const lines = explanationText(plan, snapshot, caller).split('\n');
  return summary === undefined ? lines : [...lines, ...workLines(plan, summary)];
}

/** Lines as rows. */
export function explainBatch(lines: readonly string[]): ColumnBatch {
  return {
    schema: explainSchema,
    rowCount: lines.length,
    columns: [columnFromValues(explainSchema[0]!.type, [...lines])],
  };
}

export function explanationText(
  plan: Plan,
  snapshot: CatalogSnapshot,
  caller: Caller | undefined,
): string {
  // Models name tables and columns that a caller may not know of.
  const modelFailures = caller === undefined ? snapshot.modelFailures : [];
  const broken = modelFailures.map(
    ({ model, error }) => `Model ${model} is not used: ${error.message}`,
  );
  const away = sourceFailuresFor(caller, snapshot).map(
    ([source, error]) => `Source ${source} cannot be read: ${error.message}`,
  );
  const refused = plan.refusal === undefined ? [] : [`Refused: ${plan.refusal.message}`];
  const blocks = plan.explanations.length > 0 ? [formatExplanation(plan.explanations)] : [];
  const tables =
    plan.sourceTables.length > 0 ? [`Read from the source: ${plan.sourceTables.join(', ')}`] : [];
  const ranges = formatSourceRanges(plan.coverage);
  const lines = [...blocks, ...tables, ...ranges, ...refused, ...broken, ...away];
  return lines.length > 0 ? lines.join('\n') : 'No table is read.';
}

const workWithheld =
  'What storage daemons did is told to who may operate, as access policies narrow the statement.';

function workLines(plan: Plan, summary: QuerySummary): readonly string[] {
  const { rowCount, timings, daemonWork, notes } = summary;
  return [
    `Rows: ${rowCount} in ${formatTimings(timings)}`,
    ...(plan.tellsWork ? daemonWork.flatMap(formatDaemonWork) : [workWithheld]),
    ...notes.map((note) => `Note: ${note}`),
  ];
}

function formatTimings(timings: QueryTimings): string {
  const ms = (micros: bigint) => `${(Number(micros) / 1_000).toFixed(2)} ms`;
  const { totalMicros, queueMicros, planMicros, executeMicros } = timings;
  return `${ms(totalMicros)} (queued ${ms(queueMicros)}, planned ${ms(planMicros)}, executed ${ms(executeMicros)})`;
}

/** Field names as in the client's values; whole numbers of 64 bits are numbers where they are exact, else texts. */
function explanationJson(plan: Plan, summary: QuerySummary | undefined): string {
  const { kind, explanations, coverage, sourceTables, refusal, tellsWork } = plan;
  const { rowCount, timings, daemonWork, notes } = summary ?? {};
  const told = tellsWork ? { daemonWork } : { daemonWork: null, withheld: workWithheld };
  const value = {
    planKind: kind,
    blocks: explanations,
    coverage,
    sourceTables,
    refusal: refusal && { reason: refusal.reason, message: refusal.message },
    analyze: summary && { rowCount, timings, ...told, notes },
  };
  const replace = (_: string, item: unknown) => {
    if (typeof item !== 'bigint') return item;
    const number = Number(item);
    return Number.isSafeInteger(number) ? number : String(item);
  };
  return JSON.stringify(value, replace, 2);
}
