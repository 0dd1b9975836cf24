import type { JobDecision } from './decision.ts';
import type { ObservedJob } from './observed-job.ts';
import { because, manyRestarts } from './stability.ts';

/** A decision, and with it that Flink restarts the job again and again: between two restarts it looks as if it ran. */
export function withRestarts({ jobManager }: ObservedJob, decision: JobDecision): JobDecision {
  const { phase, deployed } = decision.journal;
  const run = phase.kind === 'running' ? jobManager?.jobs.get(deployed!.jobId) : undefined;
  const { lateRestarts = 0, failure } = run ?? {};
  if (lateRestarts < manyRestarts) return decision;
  const message = `Flink has restarted the job ${lateRestarts} times within minutes, without a checkpoint between them.${because(failure)}`;
  return {
    ...decision,
    waitsFor: decision.waitsFor ?? 'a checkpoint between two restarts',
    conditions: [...decision.conditions, { reason: 'JOB_RESTARTING', message }],
  };
}
