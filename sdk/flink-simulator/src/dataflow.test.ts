import { seededRandom } from '@tessera/base';
import { describe, expect, test } from 'vitest';
import { capacityOf } from './capacity.ts';
import { Dataflow } from './dataflow.ts';
import { drawJob } from './draw-job.ts';
import type { SimulatedJob } from './job.ts';
import * as jobs from './jobs.ts';
import { fewestSubtasks, sustainedLoad } from './sizing.ts';

const seconds = 5;

/** Runs a job at a steady load and says which share of what arrived was read by the end. */
function shareRead(job: SimulatedJob, load: number, at = fewestSubtasks(job, 1)): number {
  const flow = new Dataflow(job, seconds);
  flow.start(at);
  let arrived = 0;
  for (let tick = 1; tick <= 720; tick++) {
    job.vertices.forEach(({ nominalRate }, v) => {
      if (nominalRate === undefined) return;
      flow.waiting[v]! += nominalRate * load * seconds;
      arrived += nominalRate * load * seconds;
    });
    flow.step(tick, seconds);
  }
  const unread = job.vertices.reduce(
    (sum, { nominalRate }, v) => sum + (nominalRate === undefined ? 0 : flow.waiting[v]!),
    0,
  );
  return 1 - unread / arrived;
}

describe('the simulated dataflow', () => {
  test.each([jobs.pipeline, jobs.q3, jobs.q11, jobs.wordcount, jobs.hotKey])(
    '$name sustains the load that it is sized for, and no more',
    (job) => {
      const size = fewestSubtasks(job, 1);
      const most = sustainedLoad(job, size);
      expect(shareRead(job, most * 0.98, size)).toBeGreaterThan(0.995);
      const over = shareRead(job, most * 1.3, size);
      expect(over).toBeGreaterThan(0.9 / 1.3);
      expect(over).toBeLessThan(1.02 / 1.3);
    },
  );

  test('neither loses nor invents records between vertices, whatever the load does', () => {
    const random = seededRandom(5);
    const job = drawJob(jobs.pipeline, 3);
    const flow = new Dataflow(job, seconds);
    flow.start(fewestSubtasks(job, 1));
    for (let tick = 1; tick <= 2_000; tick++) {
      flow.waiting[0]! += 250_000 * random.next() * seconds;
      flow.step(tick, seconds);
      const taken = flow.recordsIn[1]! + flow.waiting[1]!;
      expect(Math.abs(flow.recordsOut[0]! - taken)).toBeLessThan(1e-6 * flow.recordsOut[0]! + 1);
    }
  });

  test('is held up by what is downstream, and says so', () => {
    const job = drawJob(jobs.pipeline, 3);
    const flow = new Dataflow(job, seconds);
    flow.start({ source: 8, map: 8, aggregate: 3, sink: 4 });
    for (let tick = 1; tick <= 100; tick++) {
      flow.waiting[0]! += 100_000 * seconds;
      flow.step(tick, seconds);
    }
    expect(flow.busy[2]).toBeGreaterThan(0.95);
    expect(flow.blocked[0]).toBeGreaterThan(0.5);
  });
});

describe('the capacity of a vertex', () => {
  const vertex = jobs.hotKey.vertices[1]!;

  test('ends where one key has all that a subtask can do', () => {
    const most = vertex.recordsPerSecond / vertex.hotShare!;
    for (let p = 1; p <= 96; p++) expect(capacityOf(vertex, p).hottest).toBeLessThanOrEqual(most);
  });

  test('rises only where the fullest subtask gets fewer key groups', () => {
    const even = { ...vertex, hotShare: 0, sigma: 0, kappa: 0 };
    expect(capacityOf(even, 43).hottest).toBeGreaterThan(capacityOf(even, 42).hottest);
    expect(capacityOf(even, 63).hottest).toBeCloseTo(capacityOf(even, 43).hottest);
  });
});
