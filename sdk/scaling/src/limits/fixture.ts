import type { ScalingDecision, ScalingInput } from '../decision.ts';
import type { JobTopology, Parallelism } from '../topology.ts';
import type { Circumstances } from './limit-decision.ts';
import { noLimits, type ScalingLimits } from './limits.ts';
import { nothingRemembered } from './memory.ts';
import type { StrategyOutcome } from './strategy-outcome.ts';

/** A job for tests of limits: a source and what it feeds, in one slot sharing group. */
export const topology: JobTopology = {
  vertices: [
    { id: 'source', minParallelism: 1, maxParallelism: 12, slotSharingGroup: 'default' },
    {
      id: 'work',
      minParallelism: 2,
      maxParallelism: 40,
      keyGroups: 64,
      slotSharingGroup: 'default',
    },
  ],
  edges: [{ from: 'source', to: 'work', ship: 'hash' }],
};

export const size = (source: number, work: number): Parallelism => ({ source, work });

/** Monday, 5 January 2026, noon. */
export const noonMs = Date.UTC(2026, 0, 5, 12);

export const inputAt = (changes: Partial<ScalingInput> = {}): ScalingInput => ({
  nowMs: noonMs,
  topology,
  parallelism: size(4, 8),
  runningSinceMs: noonMs - 86_400_000,
  samples: [],
  rescales: [],
  maxLagMs: 120_000,
  ...changes,
});

export const circumstancesOf = (
  changes: Partial<Omit<Circumstances, 'limits'>> & {
    readonly limits?: Partial<ScalingLimits>;
  } = {},
): Circumstances => ({
  input: inputAt(),
  memory: nothingRemembered,
  ...changes,
  limits: { ...noLimits, ...changes.limits },
});

export const decisionOf = (parallelism?: Parallelism): ScalingDecision => ({
  action: parallelism === undefined ? { kind: 'hold' } : { kind: 'rescale', parallelism },
  reasons: [{ code: 'TEST', message: 'A test wants it.' }],
  options: [],
  learned: null,
});

export const wants = (parallelism?: Parallelism): StrategyOutcome => ({
  kind: 'decided',
  decision: decisionOf(parallelism),
});
