import type { flink } from '@tessera/proto';
import type { Moment } from '../../lifecycle/between.ts';
import { phaseOf } from '../job-on-hosts.ts';

/**
 * Moments at which the scheduler may be stopped while it carries out a change of a job: before and after it writes the journal, and after each step. Between two of them it only computes, or looks.
 */

export const writesStatus = 'flinkJobs.updateFlinkJobStatus';
export const keepsDecision = 'flinkScalings.createScalingDecision';

/** Steps of a job, as calls of a JobManager. */
export const steps: readonly string[] = [
  'stopWithSavepoint',
  'runJar',
  'setResourceRequirements',
  'triggerCheckpoint',
  'cancel',
];

/** In the order in which an upgrade comes to them. */
export const momentsOfUpgrade: readonly string[] = [
  'before STOPPING is written',
  'after STOPPING is written',
  'after stopWithSavepoint',
  'after STOPPED is written',
  'after STARTING is written',
  'after runJar',
  'after RUNNING is written',
];

/** In the order in which a rescale in place comes to them. */
export const momentsOfRescale: readonly string[] = [
  'before RUNNING is written',
  'after RUNNING is written',
  'after setResourceRequirements',
  'after triggerCheckpoint',
];

/** In the order in which a rescale that a strategy decides comes to them. */
export const momentsOfScaling: readonly string[] = [
  'before a rescale is kept',
  'after a rescale is kept',
  'before setResourceRequirements', // The size is in the journal.
  'after setResourceRequirements',
  'after triggerCheckpoint',
];

/** Such as `after STOPPING is written` and `after runJar`. */
export function nameOf(moment: Moment): string {
  return `${moment.when} ${whatHappens(moment)}`;
}

function whatHappens(moment: Moment): string {
  const status = statusOf(moment);
  if (status !== undefined) return `${phaseOf(status)} is written`;
  if (moment.call !== keepsDecision) return moment.call;
  const { scalingDecision } = moment.request as flink.CreateScalingDecisionRequest;
  const { parallelism = {} } = scalingDecision?.decision?.result ?? {};
  return Object.keys(parallelism).length > 0 ? 'a rescale is kept' : 'that all stays is kept';
}

/** What is written at a moment: the version of the job that is carried out is part of it. */
export function statusOf({ call, request }: Moment): flink.FlinkJobStatus | undefined {
  if (call !== writesStatus) return undefined;
  return (request as flink.UpdateFlinkJobStatusRequest).flinkJobStatus;
}
