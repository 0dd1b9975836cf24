import { systemClock } from '@tessera/base';
import type { flink } from '@tessera/proto';
import type { FlinkStage } from '@tessera/testkit/flink-stage';
import { JobWatcher, restOf } from '../flink/job-watcher.ts';
import { clusterName, jobName } from '../flink/load-job.ts';

/** What a deployment passes through. */
export const marks = [
  'JobManager started',
  'JobManager answers',
  'TaskManagers registered',
  'job submitted',
  'job runs',
] as const;
export type Mark = (typeof marks)[number];
/** Seconds from `apply` until each. */
export type Timeline = ReadonlyMap<Mark, number>;

const limitSeconds = 300;
const lookMs = 2_000;
const pollMs = 50;

/** Applies a cluster and a job, and waits until every subtask of the job runs. @throws Error when that takes too long */
export async function deploy(
  stage: FlinkStage,
  wanted: { readonly cluster: flink.FlinkClusterSpec; readonly job: flink.FlinkJobSpec },
): Promise<Timeline> {
  const { flinkClusters, flinkJobs } = stage.client;
  const begunMs = performance.now();
  const flinkCluster = { name: clusterName, spec: wanted.cluster };
  await flinkClusters.updateFlinkCluster({ flinkCluster, allowMissing: true });
  const flinkJob = { name: jobName, spec: wanted.job };
  await flinkJobs.updateFlinkJob({ flinkJob, allowMissing: true });
  const timeline = new Map<Mark, number>();
  for (;;) {
    const reached = await reachedMarks(stage, wanted.cluster);
    const seconds = (performance.now() - begunMs) / 1_000;
    for (const mark of reached) if (!timeline.has(mark)) timeline.set(mark, seconds);
    if (timeline.has('job runs')) return timeline;
    if (seconds > limitSeconds) {
      throw new Error(`Not deployed after ${limitSeconds} s, only: ${[...timeline.keys()].join()}`);
    }
    await systemClock.sleep(pollMs);
  }
}

async function reachedMarks(
  stage: FlinkStage,
  { taskManagerCount }: flink.FlinkClusterSpec,
): Promise<readonly Mark[]> {
  const reached: Mark[] = [];
  const rest = await restOf(stage);
  if (rest === undefined) return reached;
  reached.push('JobManager started');
  const registered = await rest.taskManagers(soon()).catch(() => undefined);
  if (registered === undefined) return reached;
  reached.push('JobManager answers');
  if (registered.length < taskManagerCount) return reached;
  reached.push('TaskManagers registered');
  const view = await new JobWatcher(rest).look(soon()).catch(() => undefined);
  if (view === undefined) return reached;
  return [...reached, 'job submitted', ...(view.isRunning ? (['job runs'] as const) : [])];
}

function soon(): AbortSignal {
  return AbortSignal.timeout(lookMs);
}
