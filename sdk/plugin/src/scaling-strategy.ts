import type { ScalingDecision, ScalingInput } from '@tessera/scaling';

/**
 * Says how many subtasks each vertex of a job should have.
 *
 * **Pure:** the decision depends on the input and on what was learned, on nothing else: no clock, no
 * randomness, no state of its own. What it learns goes out with the decision and comes in with the next
 * input, through JSON, so any decision can be made again from its record. It may be called with nothing
 * learned at any time (`undefined`): the first time, or after another strategy.
 *
 * **May assume:** the topology is sorted, bounds are sound, samples are in order and of this job. **May
 * not assume** that a metric is there, plausible or fresh: what is missing is absent, never zero, and with
 * too little to go by it holds and says so.
 *
 * **Not its business:** quotas, cooldowns, maintenance windows, one rescale in flight, and rescaling
 * itself. It is not called while the job is being rescaled.
 */
export interface ScalingStrategy<Learned = unknown> {
  decide(input: ScalingInput, learned: Learned | undefined): ScalingDecision<Learned>;
}
