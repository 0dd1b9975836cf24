import type { FlinkJobSpec } from '../spec/job-spec.ts';
import type { JobCondition, JobDecision } from './decision.ts';
import { specDigest } from './identity.ts';
import type { JobJournal } from './journal.ts';
import { because, maxFailures } from './stability.ts';

/** A decision with what holds as long as its journal says so: that attempts have failed, and that another spec runs than the wanted one. */
export function withLastingConditions(
  wanted: FlinkJobSpec | undefined,
  decision: JobDecision,
): JobDecision {
  const { journal, conditions } = decision;
  if (wanted === undefined || wanted.state === 'suspended') return decision;
  const lasting = rolledBack(wanted, journal) ?? failing(journal);
  if (lasting === undefined || conditions.some(({ reason }) => reason === 'GIVEN_UP')) {
    return decision;
  }
  return { ...decision, conditions: [...conditions, lasting] };
}

function rolledBack(
  wanted: FlinkJobSpec,
  { rejected, stable, failure }: JobJournal,
): JobCondition | undefined {
  if (stable === undefined) return undefined;
  if (!wanted.rollback || !rejected.includes(specDigest(wanted))) return undefined;
  return {
    reason: 'ROLLED_BACK',
    message: `The spec did not prove stable: the last one that did is run instead, on the newest state. Change the spec to try again.${because(failure)}`,
  };
}

function failing({ failures, failure }: JobJournal): JobCondition | undefined {
  if (failures === 0 || failures >= maxFailures) return undefined;
  return {
    reason: 'JOB_FAILED',
    message: `The job has failed (${failures} of ${maxFailures}). It goes on from its newest state.${because(failure)}`,
  };
}
