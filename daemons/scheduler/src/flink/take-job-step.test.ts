import type { ResourceRequirements } from '@tessera/flink-rest';
import { expect, test } from 'vitest';
import type { SeenJobManager } from './job-manager.ts';
import { type JobActor, takeJobStep } from './take-job-step.ts';

test('a rescale that takes several looks is asked of Flink once, and a checkpoint is with each look', async () => {
  const calls: string[] = [];
  let asked: ResourceRequirements = new Map([['work', { lowerBound: 1, upperBound: 1 }]]);
  const rest = {
    resourceRequirements: async () => asked,
    setResourceRequirements: async (_: string, wanted: ResourceRequirements) => {
      asked = wanted;
      calls.push('set');
    },
    triggerCheckpoint: async () => {
      calls.push('checkpoint');
      return '';
    },
  } as Partial<SeenJobManager['rest']> as SeenJobManager['rest'];
  const actor = {
    jobManager: { rest } as SeenJobManager,
    signal: AbortSignal.timeout(10_000),
  } as JobActor;
  const size = { parallelism: { work: 3 }, slots: 3 };
  const step = { kind: 'rescale', key: 'rescale', jobId: 'job', parallelism: 1, size } as const;
  await takeJobStep(step, actor);
  await takeJobStep(step, actor);
  expect(calls).toEqual(['set', 'checkpoint', 'checkpoint']);
  expect(asked.get('work')).toEqual({ lowerBound: 1, upperBound: 3 });
});
