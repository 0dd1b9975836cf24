import {
  simulationSuite as judged,
  type Moment,
  type OraclePlan,
  type Scenario,
  type SimulatedJob,
  sustainedLoad,
} from '@tessera/flink-simulator';

export type Point = readonly [hour: number, value: number];

/** How a run went. Every point of `slots` and `capacity` holds until the next. */
export interface Course {
  /** Records per second into all sources. */
  readonly load: readonly Point[];
  readonly slots: readonly Point[];
  /** Records per second that the job sustains at its size. */
  readonly capacity: readonly Point[];
  /** Age of the oldest record not yet read, the worst of each five minutes. */
  readonly lagSeconds: readonly Point[];
}

/** The courses of all strategies under one draw of load and job. */
export interface DrawnRun {
  readonly seed: number;
  readonly hours: number;
  readonly oracleSlots: readonly Point[];
  readonly courses: Readonly<Record<string, Course>>;
}

const bucketHours = 1 / 12;

/** Gathers a course from a run's moments, in memory that is bounded by the run's five minutes. */
export class CourseRecorder {
  readonly #job: SimulatedJob;
  readonly #load: Point[] = [];
  readonly #slots: Point[] = [];
  readonly #capacity: Point[] = [];
  readonly #lag: Point[] = [];
  #bucket: Moment[] = [];

  constructor(job: SimulatedJob) {
    this.#job = job;
  }

  add(moment: Moment): void {
    const first = this.#bucket[0];
    if (first !== undefined && moment.hour - first.hour >= bucketHours - 1e-9) this.#flush();
    this.#bucket.push(moment);
    const { hour, slots, parallelism } = moment;
    if (this.#slots.at(-1)?.[1] !== slots) this.#slots.push([hour, slots]);
    const capacity = sustainedLoad(this.#job, parallelism) * nominalRate(this.#job);
    if (this.#capacity.at(-1)?.[1] !== capacity) this.#capacity.push([hour, capacity]);
  }

  course(): Course {
    this.#flush();
    return {
      load: this.#load,
      slots: this.#slots,
      capacity: this.#capacity,
      lagSeconds: this.#lag,
    };
  }

  #flush(): void {
    const moments = this.#bucket;
    if (moments.length === 0) return;
    this.#bucket = [];
    const { hour } = moments[0]!;
    this.#load.push([hour, judged.mean(moments.map(({ load }) => load))]);
    this.#lag.push([hour, Math.max(...moments.map(({ lagSeconds }) => lagSeconds))]);
  }
}

/** Slots of the oracle's schedule. */
export function oracleSlots(plan: OraclePlan): readonly Point[] {
  const hours = judged.oracleSegmentSeconds / 3600;
  return plan.schedule
    .map(({ slots }, segment): Point => [segment * hours, slots])
    .filter(([, slots], i) => slots !== plan.schedule[i - 1]?.slots);
}

export function drawnRun(
  { seed }: Pick<Scenario, 'seed'>,
  plan: OraclePlan,
  courses: Readonly<Record<string, Course>>,
): DrawnRun {
  const hours = (plan.schedule.length * judged.oracleSegmentSeconds) / 3600;
  return { seed, hours, oracleSlots: oracleSlots(plan), courses };
}

const nominalRate = (job: SimulatedJob): number =>
  job.vertices.reduce((sum, vertex) => sum + (vertex.nominalRate ?? 0), 0);
