import { type Configuration, configurationsOf } from './configurations.ts';
import { rescaleSeconds, type SimulatedJob } from './job.ts';
import { type Trace, tickSeconds } from './traces.ts';

export interface OracleOptions {
  /** What a rescale costs, in slot-hours. */
  readonly rescaleCost: number;
  readonly segmentSeconds: number;
  /** A backlog may be worth so many seconds of load. */
  readonly maxLagSeconds: number;
}

/** What one would do who knew the load and the job beforehand. */
export interface OraclePlan {
  readonly slotHours: number;
  readonly rescales: number;
  /** For each segment, which configuration. */
  readonly schedule: readonly Configuration[];
}

/** Slot-hours charged for each second that a backlog is too old at the end of a segment. */
const penaltyPerSecond = 1;
const lagBuckets = 10;

interface State {
  readonly cost: number;
  readonly slotHours: number;
  readonly rescales: number;
  /** Unread, in seconds of nominal load. */
  readonly lag: number;
  readonly configuration: number;
  readonly before: State | undefined;
}

/**
 * The cheapest schedule by dynamic programming over segments of time. The state is the configuration
 * and the backlog; of states with the same configuration whose backlogs fall into one bucket the cheapest
 * goes on with its exact backlog, so every schedule that comes out is one that could be followed.
 */
export function oraclePlan(job: SimulatedJob, trace: Trace, options: OracleOptions): OraclePlan {
  const segments = segmentsOf(trace, options.segmentSeconds);
  const peak = segments.reduce((most, { load }) => Math.max(most, load), 0);
  const configurations = configurationsOf(job, peak);
  const initial = trace.load.subarray(0, trace.startTick).reduce((sum, each) => sum + each, 0);
  let states: State[] = configurations.map((_, configuration) => ({
    cost: 0,
    slotHours: 0,
    rescales: 0,
    lag: initial * tickSeconds,
    configuration,
    before: undefined,
  }));
  const step = stepper(job, configurations, options);
  for (const segment of segments) states = step(states, segment);
  const best = states.reduce((a, b) => (b.cost < a.cost ? b : a));
  return {
    slotHours: best.slotHours,
    rescales: best.rescales,
    schedule: scheduleOf(best).map((configuration) => configurations[configuration]!),
  };
}

interface Segment {
  readonly load: number;
  readonly seconds: number;
}

function segmentsOf(trace: Trace, segmentSeconds: number): readonly Segment[] {
  const length = segmentSeconds / tickSeconds;
  const segments: Segment[] = [];
  for (let from = trace.startTick; from < trace.load.length; from += length) {
    const ticks = trace.load.subarray(from, from + length);
    segments.push({
      load: ticks.reduce((sum, each) => sum + each, 0) / ticks.length,
      seconds: ticks.length * tickSeconds,
    });
  }
  return segments;
}

function stepper(
  job: SimulatedJob,
  configurations: readonly Configuration[],
  { rescaleCost, maxLagSeconds }: OracleOptions,
) {
  const count = configurations.length;
  const downtime = configurations.map((a) =>
    configurations.map((b) => (a === b ? 0 : rescaleSeconds(job, a.parallelism, b.parallelism))),
  );
  return (states: readonly State[], { load, seconds }: Segment): State[] => {
    const best: (State | undefined)[] = new Array(count * (lagBuckets + 1));
    const allowed = Math.max(1e-9, load * maxLagSeconds);
    for (const state of states) {
      const from = configurations[state.configuration]!;
      for (let next = 0; next < count; next++) {
        const to = configurations[next]!;
        const down = downtime[state.configuration]![next]!;
        const changed = next !== state.configuration;
        const arrived = state.lag + load * seconds;
        const lag = Math.max(0, arrived - to.load * Math.max(0, seconds - down));
        const tooOld = changed ? Math.max(0, (state.lag + load * down) / allowed - 1) : 0;
        const late = Math.max(tooOld, lag / allowed - 1) * maxLagSeconds;
        const paid = Math.max(from.slots, to.slots) * down + to.slots * (seconds - down);
        const cost =
          state.cost + paid / 3600 + (changed ? rescaleCost : 0) + penaltyPerSecond * late;
        const bucket = Math.min(lagBuckets, Math.floor((lag / allowed) * lagBuckets));
        const at = next * (lagBuckets + 1) + bucket;
        const rival = best[at];
        if (rival !== undefined && rival.cost <= cost) continue;
        best[at] = {
          cost,
          slotHours: state.slotHours + paid / 3600,
          rescales: state.rescales + (changed ? 1 : 0),
          lag,
          configuration: next,
          before: state,
        };
      }
    }
    return best.filter((state) => state !== undefined);
  };
}

function scheduleOf(last: State): readonly number[] {
  const schedule: number[] = [];
  for (let state = last; state.before !== undefined; state = state.before) {
    schedule.push(state.configuration);
  }
  return schedule.reverse();
}
