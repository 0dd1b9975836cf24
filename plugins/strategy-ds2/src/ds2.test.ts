import type { JobSample, ScalingInput } from '@tessera/scaling';
import { describeScalingStrategy } from '@tessera/testkit/contracts';
import { describe, expect, test } from 'vitest';
import { ds2Config } from './config.ts';
import { Ds2 } from './ds2.ts';

describeScalingStrategy('ds2', { create: () => new Ds2(ds2Config.parse({})) });

describe('DS2', () => {
  const vertex = { minParallelism: 1, maxParallelism: 100, slotSharingGroup: 'default' };
  const topology = {
    vertices: [
      { ...vertex, id: 'source' },
      { ...vertex, id: 'split' },
      { ...vertex, id: 'count' },
    ],
    edges: [
      { from: 'source', to: 'split', ship: 'rebalance' },
      { from: 'split', to: 'count', ship: 'hash' },
    ],
  } as const;
  const parallelism = { source: 1, split: 2, count: 3 };

  /** Records and busy time so far of a job whose source reads half of the 2,000/s that arrive. */
  const sample = (second: number): JobSample => ({
    timeMs: second * 1000,
    runningSinceMs: 0,
    parallelism,
    vertices: {
      source: { recordsIn: 1_000 * second, busyMs: 500 * second, lagRecords: 1_000 * second },
      split: { recordsIn: 1_000 * second, busyMs: 2_000 * second },
      count: { recordsIn: 5_000 * second, busyMs: 1_500 * second },
    },
  });

  test('sizes every vertex in one pass for what arrives', () => {
    const input: ScalingInput = {
      nowMs: 180_000,
      topology,
      parallelism,
      runningSinceMs: 0,
      samples: [sample(120), sample(180)],
      rescales: [],
      maxLagMs: 120_000,
    };
    const { action } = new Ds2(ds2Config.parse({})).decide(input, undefined);
    expect(action).toEqual({ kind: 'rescale', parallelism: { source: 1, split: 4, count: 3 } });
  });
});
