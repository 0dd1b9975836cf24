import type { ScalingVeto } from '@tessera/plugin';
import { describeScalingVeto } from './scaling-veto.ts';

/** Never more than four subtasks more at once. */
const smallSteps: ScalingVeto = {
  review: ({ input, parallelism }) => {
    const more = parallelism['work']! - input.parallelism['work']!;
    if (more <= 4) return { allowed: true };
    return { allowed: false, code: 'STEP_TOO_LARGE', message: `${more} more at once; 4 may be.` };
  },
};

const nowMs = Date.UTC(2026, 0, 5, 12);

describeScalingVeto('that is written as one', {
  create: () => smallSteps,
  allowed: { nowMs, from: { source: 2, work: 4 }, to: { source: 2, work: 8 } },
  forbidden: { nowMs, from: { source: 2, work: 4 }, to: { source: 2, work: 9 } },
});
