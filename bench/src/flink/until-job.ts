import { systemClock } from '@tessera/base';
import type { FlinkStage } from '@tessera/testkit/flink-stage';
import { type JobView, JobWatcher, restOf } from './job-watcher.ts';
import { clusterName } from './load-job.ts';

const limitMs = 180_000;
const lookMs = 2_000;
const pollMs = 50;

/** Waits until the job looks so, and gives when, milliseconds since 1970. @throws Error when that takes too long */
export async function untilJob(
  stage: FlinkStage,
  looksSo: (view: JobView | undefined) => boolean,
): Promise<number> {
  return await untilSo('The job is not as expected', async () => {
    const signal = AbortSignal.timeout(lookMs);
    const rest = await restOf(stage);
    const view = await (rest && new JobWatcher(rest).look(signal).catch(() => undefined));
    return looksSo(view);
  });
}

/** Waits until the processes of the cluster are as they are wanted. @throws Error when that takes too long */
export async function untilClusterUp({ client }: FlinkStage): Promise<void> {
  const name = clusterName.replace('flink-clusters', 'flink-cluster-statuses');
  await untilSo('The cluster is not as it is wanted', async () => {
    const { waitsFor } = await client.flinkClusters.getFlinkClusterStatus({ name });
    return waitsFor === '';
  });
}

/** Waits until the cluster is as it is wanted and two more checkpoints are complete, so that what follows is measured alone. @throws Error when that takes too long */
export async function untilSettled(stage: FlinkStage): Promise<void> {
  await untilClusterUp(stage);
  let first: number | undefined;
  await untilSo('No checkpoints are completed', async () => {
    const newest = await newestCheckpoint(stage);
    first ??= newest;
    return newest !== undefined && newest >= first! + 2;
  });
  await untilClusterUp(stage);
}

async function newestCheckpoint(stage: FlinkStage): Promise<number | undefined> {
  const rest = await restOf(stage);
  const view = await (rest && new JobWatcher(rest).look());
  if (rest === undefined || view === undefined || !view.isRunning) return undefined;
  return (await rest.checkpoints(view.jobId)).latestCompleted?.id;
}

/** What fails is asked again. */
async function untilSo(otherwise: string, isSo: () => Promise<boolean>): Promise<number> {
  const limit = Date.now() + limitMs;
  while (Date.now() < limit) {
    if (await isSo().catch(() => false)) return Date.now();
    await systemClock.sleep(pollMs);
  }
  throw new Error(`${otherwise} after ${limitMs / 1_000} s.`);
}
