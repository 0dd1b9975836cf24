import type { ScalingDecision, ScalingInput, StrategyOutcome } from '@tessera/scaling';
import type { Strategies } from './strategy-pool.ts';

/** Says what a test wants said, and remembers what it was asked with. */
export class Scripted implements Strategies {
  readonly asked: { readonly input: ScalingInput; readonly learned: string | undefined }[] = [];
  /** Subtasks of the worker that are wanted; absent: as it is. */
  wanted: number | undefined;
  /** Likewise of jobs that use this strategy. */
  readonly wantedBy = new Map<string, number>();
  outcome: StrategyOutcome | undefined;

  async describe() {
    return { version: '1.2.3', options: '{}' };
  }

  async ask({ use }: { readonly use: string }, input: ScalingInput, learned: string | undefined) {
    this.asked.push({ input, learned });
    return this.outcome ?? { kind: 'decided' as const, decision: this.#decision(use, input) };
  }

  async review({ use }: { readonly use: string }) {
    return { veto: use, answer: { allowed: true as const } };
  }

  async keep() {}

  #decision(use: string, { parallelism }: ScalingInput): ScalingDecision {
    const work = this.wantedBy.get(use) ?? this.wanted ?? parallelism['work']!;
    const isThere = work === parallelism['work'];
    return {
      action: isThere ? { kind: 'hold' } : { kind: 'rescale', parallelism: { source: 1, work } },
      reasons: [{ code: 'SCRIPTED', message: 'As the test says.' }],
      options: [],
      learned: { asked: this.asked.length },
    };
  }
}

/** A thousand records a second come in and are worked off; the worker is half busy. */
export const steady = (vertex: string, nowMs: number) => ({
  in: nowMs,
  out: nowMs,
  accumulateBusyTimeMs: nowMs / 2,
  accumulateIdleTimeMs: nowMs / 2,
  ...(vertex === 'source' && { 'Source__s.numRecordsIn': nowMs, 'Source__s.pendingRecords': 5 }),
});
