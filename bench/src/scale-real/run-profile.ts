import { join } from 'node:path';
import { endOnSignals, FlinkStage, kill } from '@tessera/testkit/flink-stage';
import {
  capacityOfSubtask,
  clusterName,
  jobName,
  loadClusterSpec,
  loadJobSpec,
  slotsOfTaskManager,
  splits,
} from '../flink/load-job.ts';
import { offeredUntil, parseProfile } from '../flink/load-profile.ts';
import { putFlink } from '../flink/put-flink.ts';
import { readSink, type SinkVerdict, verdictOf } from '../flink/sink-content.ts';
import { suspendLoadJob } from '../flink/suspend-load-job.ts';
import { untilClusterUp, untilJob } from '../flink/until-job.ts';
import { type Decision, keptDecisions } from './decisions.ts';
import { type Figures, figuresOf } from './figures.ts';
import type { Profile } from './profiles.ts';
import type { Sample } from './sample.ts';
import { type StrategyChoice, scaledCluster, scaledJob } from './scaled.ts';
import { watchRun } from './watch-run.ts';

const hosts = 4;
/** From the submission of the job to its first record. */
const leadMs = 15_000;

export interface Run {
  readonly figures: Figures;
  readonly verdict: SinkVerdict;
  /** Records that were offered and are not in the sink. */
  readonly missing: number;
  readonly samples: readonly Sample[];
  readonly decisions: readonly Decision[];
}

/** One profile on a new platform with four hosts and one TaskManager, with which the scheduler is left alone. */
export async function runProfile(profile: Profile, choice: StrategyChoice): Promise<Run> {
  const starting = FlinkStage.start(hosts);
  await using _ = endOnSignals(starting);
  await using stage = await starting;
  const out = join(stage.folder, 'sink');
  const load = parseProfile(profile.load);
  const offered = offeredUntil(load, profile.seconds);
  const startMs = await startJob(stage, profile, { choice, total: offered, out });
  const { killSeconds } = profile;
  const samples = await watchRun(stage, { startMs, seconds: profile.seconds }, [
    ...(killSeconds === undefined ? [] : [{ seconds: killSeconds, happen: () => killOne(stage) }]),
  ]);
  await untilJob(stage, (view) => view?.isRunning === true && view.backlog === 0);
  await suspendLoadJob(stage.client);
  const decisions = await keptDecisions(stage, startMs);
  const verdict = verdictOf(await readSink(out), splits);
  const course = { ...profile, profile: load, capacityOfSubtask, slotsOfTaskManager };
  const missing = offered - verdict.lines + verdict.doubled;
  return { figures: figuresOf(samples, course), verdict, missing, samples, decisions };
}

/** Gives when its load begins, milliseconds since 1970. */
async function startJob(
  stage: FlinkStage,
  { load, parallelism }: Profile,
  {
    choice,
    ...sink
  }: { readonly choice: StrategyChoice; readonly total: number; readonly out: string },
): Promise<number> {
  const { stateDirectory, client } = stage;
  const { bundle, jar } = await putFlink(stage);
  const cluster = loadClusterSpec({ bundle, stateDirectory, taskManagers: 1 });
  const flinkCluster = { name: clusterName, spec: scaledCluster(cluster, hosts) };
  await client.flinkClusters.updateFlinkCluster({ flinkCluster, allowMissing: true });
  await untilClusterUp(stage);
  const startMs = Date.now() + leadMs;
  const job = loadJobSpec(jar, { profile: load, startMs, ...sink }, { parallelism });
  const spec = scaledJob(job, choice);
  await client.flinkJobs.updateFlinkJob({ flinkJob: { name: jobName, spec }, allowMissing: true });
  await untilJob(stage, (view) => view?.isRunning === true);
  return startMs;
}

/** One that works. */
async function killOne(stage: FlinkStage): Promise<void> {
  const all = await stage.processes();
  const worker = all.find(({ role, isRunning }) => role === 'taskmanager' && isRunning);
  if (worker !== undefined) kill(worker.pid);
}
