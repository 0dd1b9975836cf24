import { describeScalingStrategy } from '@tessera/testkit/contracts';
import { describe, expect, test } from 'vitest';
import { scheduleConfig } from './config.ts';
import { Schedule } from './schedule.ts';

const config = scheduleConfig.parse({
  plans: [
    { at: '07:30', days: ['mon', 'tue', 'wed', 'thu', 'fri'], parallelism: { work: 20 } },
    { at: '19:00', parallelism: 4 },
  ],
});

describeScalingStrategy('schedule', {
  create: () => new Schedule(scheduleConfig.parse({ plans: [{ at: '00:00', parallelism: 6 }] })),
});

describe('a schedule', () => {
  const topology = {
    vertices: [
      { id: 'read', minParallelism: 1, maxParallelism: 8, slotSharingGroup: 'default' },
      { id: 'work', minParallelism: 1, maxParallelism: 16, slotSharingGroup: 'default' },
    ],
    edges: [],
  };
  const wantedAt = (time: string, parallelism = { read: 2, work: 3 }) =>
    new Schedule(config).decide({
      nowMs: Date.parse(time),
      topology,
      parallelism,
      runningSinceMs: 0,
      samples: [],
      rescales: [],
      maxLagMs: 60_000,
    }).action;

  test.each([
    {
      time: '2026-11-25T07:30:00Z',
      parallelism: { read: 2, work: 16 },
      why: 'within bounds, unnamed vertices untouched',
    },
    {
      time: '2026-11-25T07:29:00Z',
      parallelism: { read: 4, work: 4 },
      why: 'of the evening before',
    },
    {
      time: '2026-11-28T12:00:00Z',
      parallelism: { read: 4, work: 4 },
      why: 'of Friday evening, on a Saturday',
    },
    {
      time: '2026-11-30T06:00:00Z',
      parallelism: { read: 4, work: 4 },
      why: 'of Sunday evening, on a Monday',
    },
  ])('holds the plan $why', ({ time, parallelism }) => {
    expect(wantedAt(time)).toEqual({ kind: 'rescale', parallelism });
  });

  test('holds when the job has that size', () => {
    expect(wantedAt('2026-11-28T12:00:00Z', { read: 4, work: 4 })).toEqual({ kind: 'hold' });
  });
});
