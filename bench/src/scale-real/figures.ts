import { type LoadStep, rateAt } from '../flink/load-profile.ts';
import type { JobSample, Sample } from './sample.ts';

/** What a run of a profile gave. Seconds are from the change of load that the profile is about, and absent when it never came to that. */
export interface Figures {
  readonly rescales: number;
  /** Rescales in the other direction than the one before. */
  readonly reversals: number;
  /** Changes of what was asked of Flink. */
  readonly decisions: number;
  /** Of them, those soon after a TaskManager was killed. */
  readonly decisionsAfterKill: number;
  readonly steps: readonly Step[];
  readonly firstActionSeconds: number | undefined;
  readonly enoughCapacitySeconds: number | undefined;
  /** Until less than a second of load waited for ten seconds. */
  readonly backlogGoneSeconds: number | undefined;
  readonly largestBacklog: number;
  /** The same in seconds of the load at that time. */
  readonly largestBacklogSeconds: number;
  readonly jobSlotSeconds: number;
  readonly providedSlotSeconds: number;
  /** From the drop until no TaskManager was left that the load did not need. */
  readonly taskManagersGoneSeconds: number | undefined;
  readonly notRunningSeconds: number;
}

export interface Step {
  readonly seconds: number;
  readonly from: number;
  readonly to: number;
}

export interface Course {
  readonly profile: readonly LoadStep[];
  /** When the load rises. */
  readonly riseSeconds: number;
  /** When it falls again; absent: it does not. */
  readonly dropSeconds?: number;
  /** When a TaskManager is killed; absent: none is. */
  readonly killSeconds?: number;
  readonly capacityOfSubtask: number;
  readonly slotsOfTaskManager: number;
}

/** A load counts as caught up with when it has been so for so long. */
const heldSeconds = 10;
/** A backlog is not yet there right after the load has risen. */
const settleSeconds = 3;
/** Metrics have a gap for about so long when a TaskManager is lost. */
const gapSeconds = 30;

/** @param samples in order of time */
export function figuresOf(samples: readonly Sample[], course: Course): Figures {
  const { profile, riseSeconds, capacityOfSubtask } = course;
  const jobs = samples.flatMap(({ seconds, job }) => (job ? [{ seconds, ...job }] : []));
  const steps = stepsOf(jobs, ({ slots }) => slots);
  const decisions = stepsOf(jobs, ({ wanted }) => wanted);
  const rate = (seconds: number) => rateAt(profile, seconds);
  const backlogs = jobs.flatMap(({ seconds, backlog }) =>
    backlog === undefined ? [] : [{ seconds, backlog }],
  );
  const afterRise = jobs.filter(({ seconds }) => seconds >= riseSeconds);
  const capable = afterRise.find(
    ({ seconds, workers, isRunning }) => isRunning && workers * capacityOfSubtask >= rate(seconds),
  );
  return {
    rescales: steps.length,
    reversals: reversalsOf(steps),
    decisions: decisions.length,
    decisionsAfterKill: decisions.filter(isInGap(course)).length,
    steps,
    firstActionSeconds: since(
      riseSeconds,
      steps.find(({ seconds }) => seconds > riseSeconds),
    ),
    enoughCapacitySeconds: since(riseSeconds, capable),
    backlogGoneSeconds: since(riseSeconds, caughtUp(backlogs, course)),
    largestBacklog: Math.max(0, ...backlogs.map(({ backlog }) => backlog)),
    largestBacklogSeconds: Math.max(
      0,
      ...backlogs.map(({ seconds, backlog }) => backlog / rate(seconds)),
    ),
    jobSlotSeconds: integral(samples, ({ job }) => job?.slots ?? 0),
    providedSlotSeconds: integral(samples, ({ providedSlots }) => providedSlots),
    taskManagersGoneSeconds: goneAfterDrop(samples, course),
    notRunningSeconds: integral(samples, ({ job }) => (job?.isRunning ? 0 : 1)),
  };
}

type TimedJob = JobSample & { readonly seconds: number };

/** Changes of a number that is not always told. */
function stepsOf(jobs: readonly TimedJob[], sizeOf: (job: TimedJob) => number | undefined): Step[] {
  const steps: Step[] = [];
  let last: number | undefined;
  for (const job of jobs) {
    const size = sizeOf(job);
    if (size === undefined || size === 0) continue;
    if (last !== undefined && size !== last) {
      steps.push({ seconds: job.seconds, from: last, to: size });
    }
    last = size;
  }
  return steps;
}

function isInGap({ killSeconds }: Course): (step: Step) => boolean {
  if (killSeconds === undefined) return () => false;
  return ({ seconds }) => seconds > killSeconds && seconds <= killSeconds + gapSeconds;
}

function reversalsOf(steps: readonly Step[]): number {
  const signs = steps.map(({ from, to }) => Math.sign(to - from));
  return signs.filter((sign, i) => i > 0 && sign !== signs[i - 1]).length;
}

function caughtUp(
  backlogs: readonly { readonly seconds: number; readonly backlog: number }[],
  { profile, riseSeconds }: Course,
) {
  const after = backlogs.filter(({ seconds }) => seconds > riseSeconds + settleSeconds);
  return after.find((first) => {
    const held = after.filter(
      ({ seconds }) => seconds >= first.seconds && seconds < first.seconds + heldSeconds,
    );
    return held.every(({ seconds, backlog }) => backlog < rateAt(profile, seconds));
  });
}

function goneAfterDrop(samples: readonly Sample[], course: Course): number | undefined {
  const { profile, dropSeconds, capacityOfSubtask, slotsOfTaskManager } = course;
  if (dropSeconds === undefined) return undefined;
  const needed = (seconds: number) => {
    const subtasks = Math.ceil(rateAt(profile, seconds) / capacityOfSubtask);
    return Math.ceil(subtasks / slotsOfTaskManager) * slotsOfTaskManager;
  };
  const after = samples.filter(({ seconds }) => seconds >= dropSeconds);
  const lastMore = after.findLastIndex(
    ({ seconds, providedSlots }) => providedSlots > needed(seconds),
  );
  return since(dropSeconds, after[lastMore + 1]);
}

/** Each sample holds until the next one. */
function integral(samples: readonly Sample[], perSecond: (sample: Sample) => number): number {
  return samples.reduce((sum, sample, i) => {
    const next = samples[i + 1];
    return next === undefined ? sum : sum + perSecond(sample) * (next.seconds - sample.seconds);
  }, 0);
}

function since(start: number, found: { readonly seconds: number } | undefined) {
  return found === undefined ? undefined : found.seconds - start;
}
