import type { TesseraClient } from '@tessera/client';
import { flink } from '@tessera/proto';
import { expect, test } from 'vitest';
import { lastDecision } from './job-size.ts';

interface Kept {
  readonly why: string;
  readonly to?: number;
  readonly held?: string;
}

/** Of a job that has these decisions, the oldest first. */
function clientOf(all: readonly Kept[]): TesseraClient {
  const decisions = all.map(({ why, to, held }, i) =>
    flink.FlinkScalingDecision.fromPartial({
      name: `${i}`,
      eventful: true,
      decision: {
        input: { nowMs: i },
        outcome: { $case: 'answer', value: { reasons: [{ message: why }] } },
        result: {
          parallelism: to === undefined ? {} : { work: to },
          effects: held === undefined ? [] : [{ held: true, message: held }],
        },
      },
    }),
  );
  const flinkScalings = {
    listScalingDecisions: async () => ({ scalingDecisions: decisions, nextPageToken: '' }),
    getScalingDecision: async ({ name }: { readonly name: string }) => decisions[Number(name)],
  };
  return { flinkScalings } as unknown as TesseraClient;
}

test.each([
  {
    kept: [
      { why: 'it grows', to: 2 },
      { why: 'it grows on', held: 'too soon' },
    ],
    told: { atMs: 0, words: 'it grows' },
    because: 'what was held back afterwards did not make it so large',
  },
  {
    kept: [
      { why: 'it grows', to: 2 },
      { why: 'it shrinks', to: 1 },
    ],
    told: { atMs: 1, words: 'it shrinks' },
    because: 'the last change counts',
  },
  {
    kept: [{ why: 'it grows', held: 'a veto' }],
    told: { atMs: 0, words: 'a change is held back: a veto' },
    because: 'nothing has changed it',
  },
  { kept: [], told: undefined, because: 'nothing is kept' },
])('why a job has its size: $because', async ({ kept, told }) => {
  expect(await lastDecision(clientOf(kept), 'sums')).toEqual(told);
});
