import type { ScalingInput } from '../decision.ts';
import type { JobSample, ObservedRescale } from '../sample.ts';
import {
  isSource,
  type JobTopology,
  type Parallelism,
  sameParallelism,
  slotsOf,
} from '../topology.ts';
import { usableSamples } from '../usable.ts';
import type { RollbackRules } from './limits.ts';
import type { AvoidedSize, LimitsMemory, Mark, Performance, Trial } from './memory.ts';

/** Newest ones are kept: six windows, however often it is decided. */
const mostMarks = 60;
const marksEachWindow = 10;
const mostAvoided = 16;
/** Fewer say nothing of a rate. */
const fewestMarks = 3;

/**
 * Remembers how the job does, and judges the last rescale by it. It made things worse when, after its stabilization, the
 * backlog grows and yet the job reads less than it did before the rescale: that is not the load's doing. A rescale
 * whose before or after no metrics tell of is never judged.
 */
export function judged(
  memory: LimitsMemory,
  input: ScalingInput,
  rules: RollbackRules,
): LimitsMemory {
  const known = remember(memory, input, rules);
  const avoided = known.avoided.filter(({ untilMs }) => untilMs > input.nowMs);
  const { trial } = known;
  if (!rules.enabled || trial === undefined || trial.worseMs !== undefined) {
    return { ...known, avoided };
  }
  const after = performance(
    known.marks.filter(
      (mark) =>
        mark.runningSinceMs === input.runningSinceMs &&
        mark.timeMs >= input.runningSinceMs + rules.stabilizationMs,
    ),
    rules,
  );
  if (after === undefined) return { ...known, avoided };
  if (!isWorse(trial.before, after, rules)) return { ...withoutTrial(known), avoided };
  const worse = avoidedBy(input.topology, trial, input.nowMs + rules.avoidMs);
  return {
    ...known,
    trial: { ...trial, worseMs: input.nowMs },
    avoided: [...avoided, worse].slice(-mostAvoided),
  };
}

/** The size to go back to, while that still makes sense. */
export function rollbackOf(
  { trial }: LimitsMemory,
  { parallelism, nowMs }: ScalingInput,
  rules: RollbackRules,
): Trial | undefined {
  if (trial?.worseMs === undefined || nowMs - trial.worseMs > rules.avoidMs) return undefined;
  return sameParallelism(trial.to, parallelism) ? trial : undefined;
}

/** Why a size is not tried: it made things worse lately, or is smaller still than one that did. */
export function avoidedSize(
  avoided: readonly AvoidedSize[],
  topology: JobTopology,
  wanted: Parallelism,
): AvoidedSize | undefined {
  return avoided.find(({ parallelism, direction }) =>
    direction === 'down'
      ? topology.vertices.every(({ id }) => wanted[id]! <= (parallelism[id] ?? 0))
      : sameParallelism(wanted, parallelism),
  );
}

function isWorse(
  before: Performance | undefined,
  after: Performance,
  { tolerance }: RollbackRules,
): boolean {
  if (before === undefined) return false;
  const reads = after.readPerSecond;
  return (
    after.lagPerSecond > tolerance * Math.max(reads, 1) &&
    reads < before.readPerSecond * (1 - tolerance)
  );
}

/** Takes note of new samples, and of a rescale that has ended since. */
function remember(memory: LimitsMemory, input: ScalingInput, rules: RollbackRules): LimitsMemory {
  const marks = withNewest(memory.marks, input, rules);
  const last = rescaleSince(memory, input);
  if (last === undefined) return { ...memory, marks };
  const lastRescaleMs = input.rescales.at(-1)!.startedMs;
  // A job that was narrower for a moment is still on trial.
  if (sameParallelism(last.from, last.to)) return { ...memory, marks, lastRescaleMs };
  const trial = trialOf(memory, last, marks, rules);
  const known = { ...withoutTrial(memory), marks, lastRescaleMs };
  return trial === undefined ? known : { ...known, trial };
}

/** From the size that was decided about last to that of now, whatever the job went through on its way. */
function rescaleSince(
  { lastRescaleMs }: LimitsMemory,
  { rescales }: ScalingInput,
): Omit<ObservedRescale, 'downtimeMs'> | undefined {
  const fresh = rescales.filter(({ startedMs }) => startedMs > lastRescaleMs);
  const [first] = fresh;
  if (first === undefined) return undefined;
  return { startedMs: first.startedMs, from: first.from, to: fresh.at(-1)!.to };
}

/** One mark for each decision is enough, and of each window only a few are. */
function withNewest(
  marks: readonly Mark[],
  { topology, samples }: ScalingInput,
  { windowMs }: RollbackRules,
): readonly Mark[] {
  const fresh = usableSamples(undefined, samples).flatMap((sample) => markOf(topology, sample));
  const [last, newest] = [marks.at(-1), fresh.at(-1)];
  if (newest === undefined) return marks;
  const isSame = newest.runningSinceMs === last?.runningSinceMs;
  const apartMs = isSame ? windowMs / marksEachWindow : 0;
  const sinceMs = newest.timeMs - (last?.timeMs ?? -Infinity);
  return sinceMs > 0 && sinceMs >= apartMs ? [...marks, newest].slice(-mostMarks) : marks;
}

/**
 * Going back to a size that did better is not tried: it would be taken back in turn. A rescale that follows before the last one
 * could be judged is judged with it: a strategy answers the backlog of a size that does less with still another size.
 */
function trialOf(
  { trial }: LimitsMemory,
  { startedMs, from, to }: Omit<ObservedRescale, 'downtimeMs'>,
  marks: readonly Mark[],
  rules: RollbackRules,
): Trial | undefined {
  const isRollback = trial?.worseMs !== undefined && sameParallelism(to, trial.from);
  if (isRollback) return undefined;
  const isOpen = trial?.before !== undefined && trial.worseMs === undefined;
  if (isOpen) return sameParallelism(to, trial.from) ? undefined : { ...trial, to };
  const earlier = marks.filter(({ timeMs }) => timeMs <= startedMs);
  const last = earlier.at(-1);
  // Not back from its start: until a job gives way to another size it may wait for minutes, and is not looked at.
  const before = performance(
    earlier.filter(
      ({ runningSinceMs, timeMs }) =>
        runningSinceMs === last!.runningSinceMs && timeMs >= last!.timeMs - 2 * rules.windowMs,
    ),
    rules,
  );
  return { from, to, ...(before !== undefined && { before }) };
}

/** Over the newest marks that span the window; all of one attempt of the job. */
function performance(marks: readonly Mark[], { windowMs }: RollbackRules): Performance | undefined {
  const last = marks.at(-1);
  const first = last && marks.findLast(({ timeMs }) => timeMs <= last.timeMs - windowMs);
  if (first === undefined || last === undefined) return undefined;
  const between = marks.filter(({ timeMs }) => timeMs >= first.timeMs);
  if (between.length < fewestMarks) return undefined;
  const seconds = (last.timeMs - first.timeMs) / 1000;
  return {
    readPerSecond: (last.read - first.read) / seconds,
    lagPerSecond: (last.waiting - first.waiting) / seconds,
  };
}

/** Nothing when a source does not tell what it read or what waits. */
function markOf(topology: JobTopology, sample: JobSample): readonly Mark[] {
  let read = 0;
  let waiting = 0;
  for (const { id } of topology.vertices) {
    if (!isSource(topology, id)) continue;
    const vertex = sample.vertices[id];
    if (vertex?.recordsIn === undefined || vertex.lagRecords === undefined) return [];
    read += vertex.recordsIn;
    waiting += vertex.lagRecords;
  }
  return [{ timeMs: sample.timeMs, runningSinceMs: sample.runningSinceMs, read, waiting }];
}

function avoidedBy(topology: JobTopology, { from, to }: Trial, untilMs: number): AvoidedSize {
  const isDown = slotsOf(topology, to) < slotsOf(topology, from);
  return { parallelism: to, direction: isDown ? 'down' : 'up', untilMs };
}

function withoutTrial({ trial: _, ...memory }: LimitsMemory): LimitsMemory {
  return memory;
}
