import type { JobDecision } from './decision.ts';
import type { WantedJob } from './next-job-action.ts';
import type { ObservedJob } from './observed-job.ts';

/**
 * A decision, and with it that a job runs with fewer subtasks than it is wanted with: Flink runs it on the slots that there are, and lets it grow by itself when there are more. What scaling wants is looked after by scaling.
 */
export function withShortage(
  { size }: WantedJob,
  { jobManager }: ObservedJob,
  decision: JobDecision,
): JobDecision {
  const { journal, step, waitsFor, conditions } = decision;
  const { phase, deployed } = journal;
  if (size !== undefined || step !== undefined || waitsFor !== undefined) return decision;
  const run = phase.kind === 'running' ? jobManager?.jobs.get(deployed!.jobId) : undefined;
  if (run?.subtasks === undefined || run.subtasks >= run.parallelism) return decision;
  const { parallelism, subtasks, unreadyMs } = run;
  // While tasks begin, Flink may be about to give it more.
  if (unreadyMs !== undefined) return { ...decision, waitsFor: `parallelism ${parallelism}` };
  const message = `It runs with ${subtasks} of ${parallelism} subtasks, and has more as soon as there are slots for them. If that does not pass, give the cluster more TaskManagers, or the job a lower parallelism.`;
  return {
    ...decision,
    waitsFor: `slots for parallelism ${parallelism}: it runs with ${subtasks}`,
    conditions: [...conditions, { reason: 'RUNS_SMALLER', message }],
  };
}
