import type { Clock } from '@tessera/base';
import { withDeadline } from '@tessera/daemon';
import { hasSize, type JobSize } from '@tessera/flink';
import type { JobDetails } from '@tessera/flink-rest';
import {
  type JobTopology,
  metricHistoryBounds,
  type Parallelism,
  slotsOf,
  withSamples,
} from '@tessera/scaling';
import type { FlinkRest } from '../flink/job-manager.ts';
import { collectMetrics } from './collect-metrics.ts';
import { wayTo } from './in-flight.ts';
import type { JobScaling, JobScalings } from './job-scaling.ts';
import { type SilentVertices, sampleOf, silentVertices, withReading } from './sample-of.ts';
import { parallelismOf, topologyOf } from './topology.ts';
import { type RunningAttempt, trackAttempt } from './track-attempt.ts';

/** One look at a job that runs, for its scaling. */
export interface JobLook {
  readonly job: string;
  /** Of Flink. */
  readonly jobId: string;
  readonly rest: FlinkRest;
  /** What is wanted of it by its journal. */
  readonly size: JobSize | undefined;
  readonly scalings: JobScalings;
  readonly nowMs: number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

const lookDeadlineMs = 5_000;
/** After all tasks run, what they report for so long says nothing: they initialise, and Flink has old news of them. */
const quietMs = 3_000;
const historyBounds = { ...metricHistoryBounds, quietMs };

/** What is known of a job after a look, and whether it may be decided by. */
export interface Seen {
  readonly scaling: JobScaling;
  /** Present: all its tasks run, it has the size that it was to have, and a sample of now is in the history. */
  readonly settled?: { readonly running: RunningAttempt; readonly topology: JobTopology };
}

/** Looks at a job: what it runs with, how it got there, and what its tasks count. */
export async function lookAtJob(look: JobLook, before: JobScaling): Promise<Seen> {
  const { rest, jobId, job, nowMs, clock, signal: parent } = look;
  const slow = { what: `looking at ${job}`, reason: 'JOBMANAGER_SLOW', parent, clock };
  const details = await withDeadline(lookDeadlineMs, (signal) => rest.job(jobId, signal), slow);
  const attempt = trackAttempt(before.attempt, details, nowMs);
  const { silent: _, ...known } = before;
  const tracked = { ...known, attempt };
  const { running, isRunning } = attempt;
  if (!isRunning || running === undefined) return { scaling: tracked };
  const topology = topologyOf(details);
  const going = onItsWay({ ...tracked, topology }, look, running);
  if (going.inFlight !== undefined) return { scaling: going };
  const scaling = await withMetrics(going, look, details, running, before.silent);
  const isSettled =
    nowMs >= running.sinceMs + quietMs && scaling.history.samples.at(-1)?.timeMs === nowMs;
  return isSettled ? { scaling, settled: { running, topology } } : { scaling };
}

/** Where it is on its way to what is wanted. After some minutes of that, what it has is what is wanted. */
function onItsWay(
  { inFlight: before, ...scaling }: JobScaling & { readonly topology: JobTopology },
  { size, nowMs }: JobLook,
  running: RunningAttempt,
): JobScaling {
  const { pending: _, ...adopted } = scaling;
  const isAdopted = scaling.pending !== undefined && isSame(size, scaling.pending);
  const known: JobScaling = isAdopted ? adopted : scaling;
  const wanted = known.pending ?? size;
  const way = wayTo(wanted, running, before, nowMs);
  const now = sizeOf(scaling.topology, running.parallelism);
  // Of a program that has other vertices now the size of the old ones says nothing.
  const isForeign = wanted !== undefined && !coversAll(wanted, running.parallelism);
  if (way.kind === 'there') return isForeign ? { ...known, pending: now } : known;
  if (way.kind === 'going') return { ...known, inFlight: way.inFlight };
  const message = `The job has not come to ${wanted!.slots} slots within minutes, and stays at ${now.slots}.`;
  return { ...known, pending: now, condition: { reason: 'RESCALE_STALLED', message } };
}

export function sizeOf(topology: JobTopology, parallelism: Parallelism): JobSize {
  return { parallelism, slots: slotsOf(topology, parallelism) };
}

function isSame(one: JobSize | undefined, other: JobSize): boolean {
  return one !== undefined && coversAll(one, other.parallelism) && hasSize(one.parallelism, other);
}

const coversAll = (size: JobSize, parallelism: Parallelism): boolean =>
  Object.keys(parallelism).every((id) => size.parallelism[id] !== undefined);

/** What cannot be read is missing, and nothing is decided by it. */
async function withMetrics(
  scaling: JobScaling,
  { rest, job, scalings, nowMs, clock, signal: parent }: JobLook,
  details: JobDetails,
  running: RunningAttempt,
  silentBefore: SilentVertices | undefined,
): Promise<JobScaling> {
  const names = scalings.names(job, running.key);
  const slow = { what: `reading metrics of ${job}`, reason: 'JOBMANAGER_SLOW', parent, clock };
  const vertices = await withDeadline(
    lookDeadlineMs,
    (signal) => collectMetrics(rest, details, names, signal),
    slow,
  );
  const reading = { timeMs: nowMs, attempt: running.key, vertices };
  const readings = withReading(scaling.readings, reading);
  const sample = sampleOf(readings, { ...running, parallelism: parallelismOf(details) });
  const history = withSamples(scaling.history, sample === undefined ? [] : [sample], historyBounds);
  const silent = silentVertices(readings, silentBefore);
  return { ...scaling, readings, history, silent };
}
