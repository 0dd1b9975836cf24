import type { AggregatedMetric, JobVertex } from '@tessera/flink-rest';
import { expect, test } from 'vitest';
import { rawVertexOf } from './collect-metrics.ts';

const own = 'Source__orders.numRecordsIn';
const source = { recordsIn: own };

function read(recordsOut: number, counted: number | undefined) {
  const untold = { recordsIn: 0, busyMs: undefined, idleMs: undefined };
  const totals = { ...untold, recordsOut, backpressuredMs: undefined };
  const vertex = { totals, inputs: [], parallelism: 1 } as Partial<JobVertex>;
  const metrics = new Map<string, AggregatedMetric>();
  if (counted !== undefined) {
    metrics.set(own, { min: counted, max: counted, avg: counted, sum: counted });
  }
  return rawVertexOf(vertex as JobVertex, metrics, source).recordsIn;
}

test.each([
  { recordsOut: 40, counted: 100, recordsIn: 100, why: 'its own metric, as it may drop some' },
  { recordsOut: 40, counted: 0, recordsIn: 40, why: 'what it hands on, as its reader counts none' },
  { recordsOut: 40, counted: undefined, recordsIn: 40, why: 'what it hands on, without a metric' },
  { recordsOut: 0, counted: 0, recordsIn: 0, why: 'nothing, when it says so' },
  { recordsOut: 0, counted: undefined, recordsIn: undefined, why: 'unknown, when nothing is said' },
])('what a source reads is $why', ({ recordsOut, counted, recordsIn }) => {
  expect(read(recordsOut, counted)).toBe(recordsIn);
});
