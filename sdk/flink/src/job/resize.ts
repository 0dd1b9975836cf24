import type { JobDecision } from './decision.ts';
import { hasSize, type JobSize, sizeWords, type VertexParallelism, withSize } from './job-size.ts';
import type { JobJournal } from './journal.ts';
import type { WantedJob } from './next-job-action.ts';
import type { ObservedJob, ObservedRun } from './observed-job.ts';
import { beginStop } from './stop.ts';

/** Brings a job that runs as it is wanted otherwise to the size that is wanted: where it runs, or anew where Flink refuses that. */
export function resize(
  wanted: WantedJob,
  observed: ObservedJob,
  journal: JobJournal,
  run: ObservedRun,
): JobDecision {
  const { size } = wanted;
  if (size === undefined) return evenly(observed, journal, run);
  const sized = withSize(journal, size);
  const { vertices } = run;
  if (vertices === undefined || hasSize(vertices, size)) return { journal: sized, conditions: [] };
  const { room = size.slots } = observed;
  // Smaller than it is now is not held up: it takes nothing.
  if (room < size.slots && grows(vertices, size)) {
    const waitsFor = `${size.slots} slots, of which ${Math.max(0, room)} are there`;
    return { journal: sized, waitsFor, conditions: [] };
  }
  if (run.refusesRescale) return beginStop(wanted, observed, sized, run);
  const { jobId, spec } = journal.deployed!;
  const { parallelism } = spec;
  const key = `${jobId}/rescale/${sizeWords(size)}`;
  return {
    journal: sized,
    step: { kind: 'rescale', key, jobId, parallelism, size },
    waitsFor: `Flink to rescale it to ${size.slots} ${size.slots === 1 ? 'slot' : 'slots'}`,
    conditions: [],
  };
}

/** All vertices alike: as before any scaling. */
function evenly(observed: ObservedJob, journal: JobJournal, run: ObservedRun): JobDecision {
  if (run.state === 'INITIALIZING' || run.state === 'CREATED') {
    return withoutSlots(observed, journal, run);
  }
  const { jobId, spec } = journal.deployed!;
  const { parallelism } = spec;
  const wasSized = journal.size !== undefined;
  const isEven = !wasSized || Object.values(run.vertices ?? {}).every((one) => one === parallelism);
  if (isEven && run.parallelism === parallelism) {
    return { journal: withSize(journal, undefined), conditions: [] };
  }
  return {
    journal,
    step: { kind: 'rescale', key: `${jobId}/rescale/${parallelism}`, jobId, parallelism },
    waitsFor: `parallelism ${parallelism}`,
    conditions: [],
  };
}

/** It takes a moment to start; after that, others have the slots, unless there are some for it. */
const startPatienceMs = 15_000;

/** How wide it is to be is looked at when it runs. */
function withoutSlots(
  { room = Number.POSITIVE_INFINITY }: ObservedJob,
  journal: JobJournal,
  { unreadyMs = 0 }: ObservedRun,
): JobDecision {
  if (unreadyMs < startPatienceMs || room >= 1)
    return { journal, waitsFor: 'the job to start', conditions: [] };
  const waitsFor = 'a free slot: the job has none yet';
  return {
    journal,
    waitsFor,
    conditions: [{ reason: 'SLOTS_SHORT', message: `Waits for ${waitsFor}.` }],
  };
}

function grows(now: VertexParallelism, { parallelism }: JobSize): boolean {
  const most = (counts: readonly number[]) => Math.max(0, ...counts);
  return most(Object.values(parallelism)) > most(Object.values(now));
}
