import { messageOf, resourceIdOf } from '@tessera/base';
import type { JobSize } from '@tessera/flink';
import { flink } from '@tessera/proto';
import { slotsOf } from '@tessera/scaling';
import type { FlinkOptions } from '../flink/flink-options.ts';
import type { JobCluster } from '../flink/job-cluster.ts';
import type { Look } from '../flink/look.ts';
import type { UnderWay } from '../flink/under-way.ts';
import { decideSize } from './decide-size.ts';
import type { JobScaling, JobScalings } from './job-scaling.ts';
import { keepDecision } from './keep-decision.ts';
import { lookAtJob, type Seen, sizeOf } from './look-at-job.ts';
import { policyOf, type ScalingPolicy } from './policy.ts';
import type { SharedSlots, Sharing, SharingJob } from './share-slots.ts';
import type { SlotNeeds } from './slot-needs.ts';
import { readScaling, writeScaling } from './stored-scaling.ts';

export interface ScalingWork extends FlinkOptions {
  readonly look: Look;
  readonly jobClusters: ReadonlyMap<string, JobCluster>;
  readonly needs: SlotNeeds;
  /** Slots of each cluster with all TaskManagers that it may have. */
  readonly slots: ReadonlyMap<string, number>;
  readonly scalings: JobScalings;
  readonly underWay: UnderWay;
  readonly signal: AbortSignal;
}

/** Jobs that are looked at side by side. */
const concurrency = 32;
/** How long a look at everything waits for them; they go on by themselves. */
const patienceMs = 1_000;
/** What must last is written so often, and with each rescale. */
const savedEveryMs = 300_000;

interface ScaledJob {
  readonly id: string;
  readonly job: flink.FlinkJob;
  readonly status: flink.FlinkJobStatus;
  readonly policy: ScalingPolicy;
  readonly cluster: string;
}

/** Looks at all jobs that are scaled and run, and decides about each. What is decided is carried out by the next look at everything. */
export async function carryOutScaling(work: ScalingWork): Promise<void> {
  const { clock, signal, underWay, scalings, strategies } = work;
  const jobs = scaledJobs(work);
  scalings.keep(new Set(jobs.map(({ id }) => id)));
  await strategies.keep(jobs.flatMap(({ policy }) => [policy.strategy, ...policy.vetoes]));
  const idle = jobs.filter(({ id }) => !underWay.keys().has(keyOf(id)));
  const all = idle.slice(0, concurrency).map((job) => begin(job));
  const rest = idle.slice(concurrency).values();
  function begin(job: ScaledJob): Promise<void> {
    return underWay
      .begin(keyOf(job.id), () => scaleJob(job, work))
      .then(() => {
        const next = rest.next();
        return next.done === true ? undefined : begin(next.value);
      });
  }
  const ended = new AbortController();
  const over = clock.sleep(patienceMs, AbortSignal.any([ended.signal, signal])).catch(() => {});
  await Promise.race([Promise.all(all), over]);
  ended.abort('all are done');
}

const keyOf = (job: string): string => `scaling of ${job}`;

function scaledJobs({ look, pluginDirectory }: ScalingWork): ScaledJob[] {
  const { FLINK_JOB_PHASE_RUNNING } = flink.FlinkJobPhase;
  return [...look.jobs].flatMap(([id, job]): ScaledJob[] => {
    const status = look.jobStatuses.get(id);
    const scaling = job.spec?.scaling;
    if (scaling === undefined || status?.jobUid !== job.uid) return [];
    if (status.phase !== FLINK_JOB_PHASE_RUNNING) return [];
    const cluster = resourceIdOf(status.deployed?.spec?.cluster ?? '');
    return [{ id, job, status, policy: policyOf(scaling, pluginDirectory), cluster }];
  });
}

/** One look at one job, and the decision that follows. One that fails keeps no other from being scaled. */
async function scaleJob(job: ScaledJob, work: ScalingWork): Promise<void> {
  const { scalings, log, clients, signal } = work;
  try {
    const known = scalings.get(job.id) ?? (await readScaling(clients, job.id));
    scalings.put(job.id, known);
    const seen = await seenOf(job, known, work);
    if (seen === undefined) return;
    scalings.put(job.id, seen.scaling);
    if (seen.settled !== undefined && !job.policy.paused) await decide(job, seen, work);
  } catch (error) {
    if (!signal.aborted) log.warn({ job: job.id, error: messageOf(error) }, 'scaling.failed');
  } finally {
    scalings.release(job.id);
  }
}

async function seenOf(
  { id, status, cluster }: ScaledJob,
  known: JobScaling,
  { jobClusters, scalings, clock, signal }: ScalingWork,
): Promise<Seen | undefined> {
  const jobManager = jobClusters.get(cluster)?.jobManager;
  const jobId = status.deployed?.jobId;
  if (jobManager === undefined || jobId === undefined) return undefined;
  const nowMs = nowMsOf(clock);
  const { rest } = jobManager;
  const look = { job: id, jobId, rest, size: status.size, scalings, nowMs };
  return lookAtJob({ ...look, clock, signal }, known);
}

async function decide(job: ScaledJob, { scaling, settled }: Seen, work: ScalingWork) {
  const { scalings, clients, strategies: pool, log, authority } = work;
  const sharing: Sharing = {
    now: () => sharedSlots(job, work),
    claim: (slots) => scalings.claim(job.id, slots),
  };
  const nowMs = scaling.history.samples.at(-1)!.timeMs;
  const deciding = { job: job.id, policy: job.policy, pool, ...settled!, sharing, nowMs };
  const decided = await decideSize(deciding, scaling);
  if (decided === undefined) return;
  const { record } = decided;
  const { action } = record.result;
  authority.fence(); // Who leads no more neither keeps nor carries out what it has decided.
  let after = await keepDecision(clients, job.id, decided.scaling, record);
  if (action.kind === 'rescale') {
    const pending = sizeOf(settled!.topology, action.parallelism);
    log.info({ job: job.id, size: pending }, 'scaling.decided');
    after = { ...after, pending };
  }
  if (action.kind === 'rescale' || nowMs - after.savedMs >= savedEveryMs) {
    await writeScaling(clients, job.id, after);
    after = { ...after, savedMs: nowMs };
  }
  scalings.put(job.id, after);
}

/** What the jobs of its cluster have, and could have. From one that is on its way to another size nothing is taken: it would wait for slots that another one waits for too. */
function sharedSlots(
  { id: own, cluster }: ScaledJob,
  { needs, slots, look, scalings }: ScalingWork,
): SharedSlots | undefined {
  const all = slots.get(cluster);
  if (all === undefined) return undefined;
  const jobs = [...needs.of(cluster)].map(([id, needed]): SharingJob => {
    const { scaling } = look.jobs.get(id)?.spec ?? {};
    const { topology, wished, inFlight } = scalings.get(id) ?? {};
    const held = id === own ? needed : Math.max(needed, scalings.claimed(id));
    const isOnItsWay = id !== own && (held > needed || inFlight !== undefined);
    if (scaling === undefined || topology === undefined || isOnItsWay) return { job: id, held };
    const least = slotsOf(topology, leastOf(topology));
    const scaled = { priority: scaling.priority, least, ...(wished !== undefined && { wished }) };
    return { job: id, held, scaled };
  });
  return { cluster, slots: all, jobs };
}

const leastOf = ({ vertices }: NonNullable<JobScaling['topology']>) =>
  Object.fromEntries(vertices.map(({ id, minParallelism }) => [id, minParallelism]));

/** What is wanted of a job that is scaled: what was decided last, or what its journal says. */
export function wantedSize(
  job: flink.FlinkJob | undefined,
  status: flink.FlinkJobStatus | undefined,
  scaling: JobScaling | undefined,
): JobSize | undefined {
  if (job?.spec?.scaling === undefined) return undefined;
  return scaling?.pending ?? status?.size;
}

const nowMsOf = (clock: FlinkOptions['clock']): number => Number(clock.now() / 1000n);
