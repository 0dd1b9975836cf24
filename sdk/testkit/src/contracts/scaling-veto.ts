import type { ScalingVeto } from '@tessera/plugin';
import { checkedAnswer, type JobTopology, type ScalingProposal, slotsOf } from '@tessera/scaling';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

export interface ScalingVetoSuite {
  /** A new instance. */
  create(): ScalingVeto;
  /** A proposal that it allows and one that it forbids; vertices are `source` and `work`. */
  readonly allowed: VetoCase;
  readonly forbidden: VetoCase;
}

export interface VetoCase {
  readonly nowMs: number;
  readonly from: { readonly source: number; readonly work: number };
  readonly to: { readonly source: number; readonly work: number };
}

const vertex = { minParallelism: 1, maxParallelism: 100, slotSharingGroup: 'default' };
const topology: JobTopology = {
  vertices: [
    { id: 'source', ...vertex },
    { id: 'work', keyGroups: 128, ...vertex },
  ],
  edges: [{ from: 'source', to: 'work', ship: 'hash' }],
};

/** What every veto must do. */
export function describeScalingVeto(name: string, suite: ScalingVetoSuite): void {
  describe(`scaling veto ${name}`, () => {
    test('allows what it should', () => {
      expect(suite.create().review(proposalOf(suite.allowed))).toEqual({ allowed: true });
    });

    test('forbids what it should, with a stable code and words', () => {
      const answer = suite.create().review(proposalOf(suite.forbidden));
      expect(answer).toMatchObject({
        allowed: false,
        code: expect.stringMatching(/^[A-Z][A-Z0-9_]*$/),
        message: expect.stringMatching(/\S/),
      });
    });

    test('answers the same to the same proposal, whatever it was asked before, and changes nothing in it', () => {
      const asked = suite.create();
      for (const each of [suite.allowed, suite.forbidden, suite.allowed]) {
        const proposal = deepFrozen(proposalOf(each));
        expect(asked.review(proposal)).toEqual(suite.create().review(proposal));
      }
    });

    test('answers to any proposal, in a way that survives JSON', () => {
      fc.assert(
        fc.property(arbitraryCase, (each) => {
          const answer = suite.create().review(proposalOf(each));
          expect(checkedAnswer(answer)).toEqual(answer);
          expect(JSON.parse(JSON.stringify(answer))).toEqual(answer);
        }),
        { seed: 11, numRuns: 200 },
      );
    });
  });
}

function proposalOf({ nowMs, from, to }: VetoCase): ScalingProposal {
  return {
    input: {
      nowMs,
      topology,
      parallelism: from,
      runningSinceMs: nowMs - 3_600_000,
      samples: [],
      rescales: [],
      maxLagMs: 120_000,
    },
    parallelism: to,
    slots: slotsOf(topology, to),
    reasons: [{ code: 'LAG_AVERTED', message: 'Records would wait too long.' }],
  };
}

const size = fc.record({
  source: fc.integer({ min: 1, max: 100 }),
  work: fc.integer({ min: 1, max: 100 }),
});
const arbitraryCase: fc.Arbitrary<VetoCase> = fc.record({
  nowMs: fc.integer({ min: 0, max: 4_102_444_800_000 }),
  from: size,
  to: size,
});

function deepFrozen<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value;
  for (const each of Object.values(value)) deepFrozen(each);
  return Object.freeze(value);
}
