import { drawJob } from './draw-job.ts';
import type { SimulatedJob } from './job.ts';
import { randomFor } from './noise.ts';
import type { Scenario } from './simulate.ts';
import { secondly } from './timing.ts';

/** Minutes of a load that changes within seconds, on a job that is rescaled where it runs. */
export interface SecondProfile {
  readonly name: string;
  /** Records per second from a second on. */
  readonly load: readonly (readonly [second: number, rate: number])[];
  readonly seconds: number;
  readonly parallelism: number;
  /** When a TaskManager dies. */
  readonly crashSecond?: number;
}

const step = [
  [0, 400],
  [90, 4_000],
  [190, 400],
] as const;

/** As they are run on a real Flink. */
export const secondProfiles: readonly SecondProfile[] = [
  { name: 'step', load: step, seconds: 270, parallelism: 1 },
  {
    name: 'ramp',
    load: [
      [0, 400],
      [60, 1_200],
      [90, 2_000],
      [120, 2_800],
      [150, 3_600],
      [180, 400],
    ],
    seconds: 260,
    parallelism: 1,
  },
  {
    name: 'spike',
    load: [
      [0, 400],
      [90, 4_000],
      [110, 400],
    ],
    seconds: 200,
    parallelism: 1,
  },
  {
    name: 'noise',
    load: Array.from({ length: 18 }, (_, i) => [10 * i, i % 2 === 0 ? 600 : 900] as const),
    seconds: 180,
    parallelism: 2,
  },
  { name: 'loss', load: step, seconds: 270, parallelism: 1, crashSecond: 150 },
];

const splits = 12;
const keyGroups = 24;
const slots = 8;

/** A paced source and a keyed vertex whose records take a millisecond of waiting each. */
const job: SimulatedJob = {
  name: 'millisecond',
  vertices: [
    {
      id: 'source',
      slotSharingGroup: 'default',
      minParallelism: 1,
      maxParallelism: slots,
      nominalRate: 1,
      partitions: splits,
      recordsPerSecond: 20_000,
      sigma: 0.01,
      kappa: 0,
      busyBias: 0,
    },
    {
      id: 'work',
      slotSharingGroup: 'default',
      minParallelism: 1,
      maxParallelism: slots,
      keyGroups,
      recordsPerSecond: 1_000,
      sigma: 0.003,
      kappa: 0,
      busyBias: 0,
    },
  ],
  edges: [{ from: 'source', to: 'work', ship: 'hash', selectivity: 1 }],
  rescale: {
    fixedSeconds: 3,
    stateBytes: 0,
    writeBytesPerSecond: 1,
    readBytesPerSecond: 1,
    provisionSeconds: 5,
    failChance: 0,
    checkpointSeconds: 5,
    inPlace: true,
  },
  hosts: { slots: 2, cores: 2, speeds: [1], contention: 0 },
};

const crashDownSeconds = 10;
/** Of the metrics: a JobManager asks its TaskManagers once a second. */
const oldSeconds = 1;

export function secondScenario(profile: SecondProfile, seed: number, maxLagMs: number): Scenario {
  const { load: course, seconds, parallelism, crashSecond } = profile;
  const drawn = drawJob(job, seed);
  const vertices = drawn.vertices.map((vertex) => ({
    ...vertex,
    recordsPerSecond: nominal(vertex.id) * (0.88 + 0.12 * randomFor(seed, vertex.id).next()),
    busyBias: 0,
    kappa: 0,
  }));
  const load = Float64Array.from({ length: seconds }, (_, second) => rateAt(course, second));
  return {
    seed,
    trace: { name: profile.name, load, startTick: 0 },
    job: { ...drawn, vertices },
    imperfections: {
      noise: 0.02,
      jitterSeconds: 1,
      dropout: 0.005,
      delaySeconds: oldSeconds,
      outages: [],
    },
    initial: { source: parallelism, work: parallelism },
    maxLagMs,
    crashes: {
      perDay: 0,
      downSeconds: crashDownSeconds,
      ...(crashSecond !== undefined && { atSeconds: crashSecond }),
    },
    timing: secondly,
  };
}

const nominal = (id: string): number =>
  job.vertices.find((vertex) => vertex.id === id)!.recordsPerSecond;

const rateAt = (course: SecondProfile['load'], second: number): number =>
  course.findLast(([from]) => from <= second)![1];
