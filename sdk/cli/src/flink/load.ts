import type { TesseraClient } from '@tessera/client';
import type { FlinkRestClient } from '@tessera/flink-rest';
import { flink } from '@tessera/proto';
import {
  clusterStanding,
  jobStanding,
  type WatchedCluster,
  type WatchedJob,
  watchedCluster,
  watchedClusters,
  watchedJobs,
} from '../flink-view.ts';
import { jobManagerOf, liveCluster } from './job-manager.ts';
import { type JobRates, type JobSample, type Measured, measured, sampleJob } from './job-meter.ts';
import { type LastDecision, lastDecision, scaledSlots, wantedSubtasks } from './job-size.ts';
import { runningJobId, unknownWhenSilent } from './observe-clusters.ts';
import { clusterOfJob } from './outcome.ts';

/** How much clusters and jobs have to do. What is not known is absent. */

export interface ClusterLoad {
  readonly name: string;
  readonly status: string;
  readonly waitsFor: string;
  readonly wantedTaskManagers?: number;
  readonly taskManagers?: number;
  readonly slots?: number;
  readonly freeSlots?: number;
}

export interface JobLoad extends JobRates {
  readonly name: string;
  readonly cluster: string;
  readonly status: string;
  readonly waitsFor: string;
  readonly wantedParallelism?: number;
  readonly parallelism?: number;
  readonly slots?: number;
  readonly lag?: number;
  /** Slots that scaling wants. Absent: it does not look after the job. */
  readonly scaledSlots?: number;
  /** About its size, of when that changed. */
  readonly decision?: LastDecision;
}

export interface Load {
  readonly clusters: readonly ClusterLoad[];
  readonly jobs: readonly JobLoad[];
}

/** Jobs of one cluster that are measured; the others are only listed. */
const maxMeasured = 50;
/** That are asked for side by side. */
const concurrency = 8;

/** Measures from look to look. */
export class LoadMeter {
  readonly #client: TesseraClient;
  readonly #only: string | undefined;
  readonly #decisions: KnownDecisions;
  #measured = new Map<string, Measured>();

  /** @param only one cluster */
  constructor(client: TesseraClient, only: string | undefined) {
    this.#client = client;
    this.#only = only;
    this.#decisions = new KnownDecisions(client);
  }

  /** Rates are known from the second look on. @throws FLINK_CLUSTER_NOT_FOUND, and what metadata's failures are */
  async look(signal: AbortSignal): Promise<Load> {
    const only = this.#only;
    const [clusters, jobs] = await Promise.all([
      only === undefined
        ? watchedClusters(this.#client)
        : watchedCluster(this.#client, only).then((one) => [one]),
      watchedJobs(this.#client),
    ]);
    const before = this.#measured;
    this.#measured = new Map();
    const found = await Promise.all(
      clusters.map(async (cluster) => {
        const own = jobs.filter((job) => clusterOfJob(job) === cluster.name);
        return this.#cluster(cluster, own, before, signal);
      }),
    );
    return {
      clusters: found.map(({ cluster }) => cluster),
      jobs: found.flatMap((one) => one.jobs),
    };
  }

  async #cluster(
    cluster: WatchedCluster,
    jobs: readonly WatchedJob[],
    before: ReadonlyMap<string, Measured>,
    signal: AbortSignal,
  ): Promise<{ readonly cluster: ClusterLoad; readonly jobs: readonly JobLoad[] }> {
    const unknown = unknownWhenSilent(signal);
    const rest = await jobManagerOf(this.#client, cluster).catch(unknown);
    const live = await liveCluster(rest, signal).catch(unknown);
    const { word, waitsFor } = clusterStanding(cluster);
    const count = wantedTaskManagers(cluster);
    const asked = live === undefined ? [] : jobs.slice(0, maxMeasured);
    const samples = new Map<string, JobSample>();
    for (let i = 0; i < asked.length; i += concurrency) {
      const some = asked.slice(i, i + concurrency);
      await Promise.all(some.map((job) => addSample(samples, rest!, job, signal)));
    }
    for (const [name, sample] of samples) {
      this.#measured.set(name, measured(before.get(name), sample));
    }
    const loads = jobs.map(async (job) => {
      const rates = this.#measured.get(job.name)?.rates;
      return loadOf(job, samples.get(job.name), rates, await this.#decisions.of(job));
    });
    return {
      cluster: {
        ...{ name: cluster.name, status: word, waitsFor },
        ...(count !== undefined && { wantedTaskManagers: count }),
        ...(live && {
          taskManagers: live.overview.taskManagers,
          slots: live.overview.slots,
          freeSlots: live.overview.freeSlots,
        }),
      },
      jobs: await Promise.all(loads),
    };
  }
}

/** Of a job that runs and can be asked for. */
async function addSample(
  samples: Map<string, JobSample>,
  rest: FlinkRestClient,
  job: WatchedJob,
  signal: AbortSignal,
): Promise<void> {
  const jobId = runningJobId(job);
  if (jobId === undefined) return;
  const sample = await sampleJob(rest, jobId, signal).catch(unknownWhenSilent(signal));
  if (sample !== undefined) samples.set(job.name, sample);
}

/** What was decided last of each job, asked for when its size has changed. */
class KnownDecisions {
  readonly #client: TesseraClient;
  readonly #known = new Map<string, { readonly size: string; readonly last?: LastDecision }>();

  constructor(client: TesseraClient) {
    this.#client = client;
  }

  async of(job: WatchedJob): Promise<LastDecision | undefined> {
    if (scaledSlots(job) === undefined) {
      this.#known.delete(job.name);
      return undefined;
    }
    const size = JSON.stringify(job.status!.size);
    const known = this.#known.get(job.name);
    if (known?.size === size) return known.last;
    const last = await lastDecision(this.#client, job.name);
    this.#known.set(job.name, { size, ...(last && { last }) });
    return last;
  }
}

/** That have a place, which is how many its jobs need; before any has one, how many are always there. */
function wantedTaskManagers({ wanted, status }: WatchedCluster): number | undefined {
  const role = flink.FlinkProcessRole.FLINK_PROCESS_ROLE_TASK_MANAGER;
  const placed = status?.placement.filter((one) => one.role === role).length ?? 0;
  return placed > 0 ? placed : wanted?.spec?.taskManagerCount;
}

function loadOf(
  job: WatchedJob,
  now: JobSample | undefined,
  rates: JobRates | undefined,
  decision: LastDecision | undefined,
): JobLoad {
  const { word, waitsFor } = jobStanding(job);
  const wanted = wantedSubtasks(job);
  const slots = scaledSlots(job);
  return {
    ...{ name: job.name, cluster: clusterOfJob(job), status: word, waitsFor },
    ...(wanted !== undefined && { wantedParallelism: wanted }),
    ...(now && { parallelism: now.parallelism, slots: now.slots, ...rates }),
    ...(now?.lag !== undefined && { lag: now.lag }),
    ...(slots !== undefined && { scaledSlots: slots }),
    ...(decision && { decision }),
  };
}
