import type { JobCondition, JobDecision } from './decision.ts';
import { specDigest } from './identity.ts';
import type { JobJournal, StatePoint } from './journal.ts';
import type { ObservedJob, ObservedRun } from './observed-job.ts';
import { maxFailures } from './stability.ts';

/** Rejected specs that are remembered. */
const maxRejected = 10;

/** The present attempt is over. What comes next goes on from its newest state; where that cannot be known, nothing is decided. */
export function ended(
  { newestState }: ObservedJob,
  journal: JobJournal,
  condition?: JobCondition,
): JobDecision {
  const deployed = journal.deployed!;
  if (newestState === 'unknown') {
    return {
      journal,
      waitsFor: 'the state directory to be readable',
      conditions: [
        {
          reason: 'STATE_DIRECTORY_UNREADABLE',
          message:
            'The job has ended, and its newest state cannot be read. It is not started before that.',
        },
      ],
    };
  }
  if (newestState === 'none' && deployed.hasState) {
    return {
      journal,
      waitsFor: 'somebody to say what to go on from',
      conditions: [
        {
          reason: 'STATE_UNKNOWN',
          message:
            'The job has completed checkpoints, and none of them is in the state directory. It is not started without state: bring them back.',
        },
      ],
    };
  }
  const restore = later(newestState === 'none' ? undefined : newestState, deployed.from);
  return {
    journal: {
      ...journal,
      phase: { kind: 'stopped' },
      ...(restore !== undefined && { restore }),
    },
    waitsFor: 'the next attempt to start it',
    conditions: condition === undefined ? [] : [condition],
  };
}

/** The attempt failed beyond what Flink restarts by itself. After too many of them its spec is given up. */
export function failed(
  observed: ObservedJob,
  journal: JobJournal,
  { failure }: ObservedRun,
): JobDecision {
  const failures = journal.failures + 1;
  const digest = specDigest(journal.deployed!.spec);
  const isRejected = failures >= maxFailures && !journal.rejected.includes(digest);
  const counted: JobJournal = {
    ...journal,
    failures,
    rejected: isRejected ? rejectedWith(journal, digest) : journal.rejected,
    ...(failure !== undefined && { failure }),
  };
  const decision = ended(observed, counted);
  // Counted once, with the step to the next phase.
  return decision.journal.phase.kind === 'stopped' ? decision : { ...decision, journal };
}

/** The rejected specs with one more of them; the oldest are forgotten. */
export function rejectedWith({ rejected }: JobJournal, digest: string): readonly string[] {
  return [...rejected, digest].slice(-maxRejected);
}

function later(one: StatePoint | undefined, other: StatePoint | undefined): StatePoint | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return one.id >= other.id ? one : other;
}
