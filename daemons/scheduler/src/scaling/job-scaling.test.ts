import { expect, test } from 'vitest';
import { type JobScaling, JobScalings, newScaling } from './job-scaling.ts';

const size = { parallelism: { work: 2 }, slots: 2 };
const startedMs = 1_000_000;

test.each<{ what: string; scaling: Partial<JobScaling>; afterMs: number; isChanging: boolean }>([
  { what: 'is as it is wanted', scaling: {}, afterMs: 1_000, isChanging: false },
  {
    what: 'has just been decided about',
    scaling: { pending: size, decidedMs: startedMs },
    afterMs: 500,
    isChanging: true,
  },
  {
    what: 'is on its way',
    scaling: { inFlight: { startedMs, to: size.parallelism } },
    afterMs: 30_000,
    isChanging: true,
  },
  {
    what: 'has been on its way for minutes',
    scaling: { inFlight: { startedMs, to: size.parallelism } },
    afterMs: 120_000,
    isChanging: false,
  },
])(
  'looks are hasty while they may bring a job further: one that $what',
  ({ scaling, afterMs, isChanging }) => {
    const scalings = new JobScalings();
    scalings.put('calm', newScaling);
    scalings.put('job', { ...newScaling, ...scaling });
    expect(scalings.isChanging(startedMs + afterMs)).toBe(isChanging);
  },
);
