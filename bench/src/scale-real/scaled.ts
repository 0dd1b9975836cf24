import { flink } from '@tessera/proto';

/** A cluster that may grow to one TaskManager on each host, and shrink again. */
export function scaledCluster(
  cluster: flink.FlinkClusterSpec,
  hosts: number,
): flink.FlinkClusterSpec {
  return { ...cluster, maxTaskManagerCount: hosts };
}

/** Who decides; empty: the default. */
export interface StrategyChoice {
  readonly strategy: string;
  /** As JSON. */
  readonly options: string;
}

/** How the job is kept the right size: one setting for all profiles. What it leaves out is as users have it. */
export function scaledJob(job: flink.FlinkJobSpec, choice: StrategyChoice): flink.FlinkJobSpec {
  const scaling = flink.FlinkScaling.fromPartial({ maxLag: { seconds: 10n }, ...choice });
  return { ...job, scaling };
}
