import type { ScalingProposal, VetoAnswer } from '@tessera/scaling';

/**
 * Says whether a job may be rescaled now: a policy of its users, such as none on the day of a launch.
 *
 * **Pure:** the answer depends on the proposal and the veto's own configuration, on nothing else: no clock (the
 * proposal says when it is), no randomness. What it says is recorded, so that the decision can be made again.
 *
 * **May assume:** the proposed size is within all other limits, and differs from the one that the job has. **May not
 * assume** that a proposal it forbade comes again, or that one that it allowed is carried out: other vetoes are
 * asked too, and each must allow it.
 *
 * **Not its business:** another size. It cannot change a proposal, only hold it back. One that throws, hangs or answers
 * what means nothing holds it back too.
 */
export interface ScalingVeto {
  review(proposal: ScalingProposal): VetoAnswer;
}
