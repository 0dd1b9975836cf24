/** A size that might be taken, as a queue sees it. */
export interface RolloutPlan {
  /** Records per second that are read until the change, and after it. */
  readonly capacityBefore: number;
  readonly capacityAfter: number;
  /** Seconds from now until the change begins, and without progress then. */
  readonly beginsSeconds: number;
  readonly downSeconds: number;
  /** Of one value of the load. */
  readonly stepSeconds: number;
}

/** How long records may wait, in seconds: more while a change is digested than when everything is calm again. */
export interface Patience {
  readonly atFirst: number;
  readonly inTheEnd: number;
}

export interface RolloutResult {
  /** The longest that a record waits, in seconds. */
  readonly maxLagSeconds: number;
  /** Seconds in which some record waits longer than it may; more of them, the longer it waits. */
  readonly lateSeconds: number;
  /** When that first happens; infinite when never. */
  readonly firstLateSeconds: number;
  /** When, after the change, nothing waits any more for the first time; infinite when never. */
  readonly drainedSeconds: number;
}

/** Until then the patience is that of the beginning, and after the second that of the end. */
const digestSteps = 5;
const calmSteps = 20;
/** A record that waits for ever counts for no more than so many that are just late. */
const worst = 5;

/**
 * Lets a backlog grow and shrink along a path of load, one value for each step: what arrives joins the queue, what
 * the capacity allows leaves it.
 */
export function rollOut(
  lag: number,
  load: ArrayLike<number>,
  plan: RolloutPlan,
  patience: Patience,
): RolloutResult {
  const { capacityBefore, capacityAfter, beginsSeconds, downSeconds, stepSeconds } = plan;
  const upSeconds = beginsSeconds + downSeconds;
  let waiting = lag;
  let longest = 0;
  let lateSeconds = 0;
  let firstLateSeconds = Infinity;
  let drainedSeconds = Infinity;
  let recent = load[0] ?? 0;
  for (let step = 0; step < load.length; step++) {
    const from = step * stepSeconds;
    const to = from + stepSeconds;
    const before = Math.max(0, Math.min(to, beginsSeconds) - from);
    const after = Math.max(0, to - Math.max(from, upSeconds));
    const read = before * capacityBefore + after * capacityAfter;
    waiting = Math.max(0, waiting + load[step]! * stepSeconds - read);
    // What waits came at the rate of a while ago, not at the one to which the load has just fallen.
    recent = Math.max(load[step]!, recent * 0.9, 1e-9);
    const age = waiting / recent;
    if (age > longest) longest = age;
    if (waiting === 0 && to > upSeconds) drainedSeconds = Math.min(drainedSeconds, to);
    const allowed = patienceAt(patience, step + 1);
    if (age <= allowed) continue;
    lateSeconds += stepSeconds * Math.min(worst, age / allowed);
    if (firstLateSeconds === Infinity) firstLateSeconds = from;
  }
  return { maxLagSeconds: longest, lateSeconds, firstLateSeconds, drainedSeconds };
}

function patienceAt({ atFirst, inTheEnd }: Patience, steps: number): number {
  const part = (steps - digestSteps) / (calmSteps - digestSteps);
  return atFirst + (inTheEnd - atFirst) * Math.min(1, Math.max(0, part));
}
