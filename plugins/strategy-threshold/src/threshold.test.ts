import type { JobSample } from '@tessera/scaling';
import { describeScalingStrategy } from '@tessera/testkit/contracts';
import { describe, expect, test } from 'vitest';
import { thresholdConfig } from './config.ts';
import { Threshold } from './threshold.ts';

describeScalingStrategy('threshold', { create: () => new Threshold(thresholdConfig.parse({})) });

describe('a threshold on the busy share', () => {
  const parallelism = { work: 10 };
  const topology = {
    vertices: [{ id: 'work', minParallelism: 1, maxParallelism: 40, slotSharingGroup: 'default' }],
    edges: [],
  };

  const wanted = (busy: number, runForMs: number) => {
    const samples: JobSample[] = [0, 30_000].map((timeMs) => ({
      timeMs: runForMs + timeMs,
      runningSinceMs: 0,
      parallelism,
      vertices: { work: { recordsIn: timeMs, busyMs: busy * 10 * timeMs } },
    }));
    const input = { topology, parallelism, samples, rescales: [], maxLagMs: 60_000 };
    const nowMs = runForMs + 30_000;
    return new Threshold(thresholdConfig.parse({})).decide(
      { ...input, nowMs, runningSinceMs: 0 },
      undefined,
    ).action;
  };

  test.each([
    { busy: 0.99, runForMs: 60_000, parallelism: 15, why: 'up at once' },
    { busy: 0.35, runForMs: 600_000, parallelism: 5, why: 'down when it has run for long' },
  ])('$why', ({ busy, runForMs, parallelism }) => {
    expect(wanted(busy, runForMs)).toEqual({ kind: 'rescale', parallelism: { work: parallelism } });
  });

  test.each([
    { busy: 0.74, runForMs: 600_000, why: 'it is near the target' },
    { busy: 0.35, runForMs: 60_000, why: 'it was just started' },
  ])('holds when $why', ({ busy, runForMs }) => {
    expect(wanted(busy, runForMs)).toEqual({ kind: 'hold' });
  });
});
