import type { Measures } from '@tessera/flink-simulator';
import type { DrawnRun } from './course.ts';
import type { SimulationResults, TraceResult } from './results.ts';

export const measured = (slotHours: number, over120 = 0): Measures => ({
  slotHours,
  subtaskHours: slotHours,
  rescales: 9,
  over30: over120,
  over120,
  over300: 0,
  maxLagSeconds: 200,
  thrash: 3,
  settledMinutes: 0,
  finalSlots: 1,
  held: 0,
  failures: 0,
  rollbacks: 0,
  days: 3,
});

/** One seed; the oracle needs 100 slot-hours. */
export const traceOf = (
  name: string,
  runs: Readonly<Record<string, Measures>>,
  drawn?: DrawnRun,
): TraceResult => ({
  name,
  class: 'predictable',
  oracle: [{ slotHours: 100, rescales: 12 }],
  runs: Object.fromEntries(Object.entries(runs).map(([who, run]) => [who, [run]])),
  ...(drawn && { drawn }),
});

export const resultsOf = (
  traces: readonly TraceResult[],
  seeds: readonly number[] = [101],
): SimulationResults => ({ seeds, strategies: ['ours', 'theirs'], baseline: 'theirs', traces });

const course = {
  load: [[0, 1000] as const, [12, 2000] as const],
  slots: [[0, 4] as const, [6, 8] as const],
  capacity: [[0, 1500] as const, [6, 3000] as const],
  lagSeconds: [[0, 0] as const, [6, 130] as const],
};

export const drawnExample: DrawnRun = {
  seed: 101,
  hours: 12,
  oracleSlots: [[0, 4]],
  courses: { ours: course, theirs: course },
};
