/** The five loads, what is asked of each, and what Flink's own autoscaler did with them on the same cluster. */
export interface Profile {
  readonly name: 'S1' | 'S2' | 'S3' | 'S4' | 'S5';
  readonly asks: string;
  readonly load: string;
  readonly seconds: number;
  readonly parallelism: number;
  readonly riseSeconds: number;
  readonly dropSeconds?: number;
  /** When a TaskManager that works is killed. */
  readonly killSeconds?: number;
  readonly rival?: RivalFigures;
  readonly goals: readonly Goal[];
}

/**
 * Flink's autoscaler 1.16, tuned to be fast (window 20 s, stabilization 10 s, loop 2 s, no delay of scale-downs), on a machine of two cores with nothing else to do. Eight slots were provided all the time: it neither starts
 * nor stops TaskManagers. What was not measured is absent.
 */
export interface RivalFigures {
  readonly rescales: number;
  readonly firstActionSeconds?: number;
  readonly enoughCapacitySeconds?: number;
  readonly backlogGoneSeconds?: number;
  readonly largestBacklog: number;
  readonly jobSlotSeconds: number;
  readonly providedSlotSeconds: number;
}

/** The figure that a goal is about. */
export type GoalFigure =
  | 'rescales'
  | 'enoughCapacitySeconds'
  | 'backlogGoneSeconds'
  | 'jobSlotSeconds'
  | 'providedSlotSeconds'
  | 'taskManagersGoneSeconds'
  | 'largestBacklogSeconds'
  | 'decisionsAfterKill';

export interface Goal {
  readonly figure: GoalFigure;
  readonly atMost: number;
}

const step = '0:400,90:4000,190:400';

export const profiles: readonly Profile[] = [
  {
    name: 'S1',
    asks: 'a step: reach capacity soon, drain, come down',
    load: step,
    seconds: 270,
    parallelism: 1,
    riseSeconds: 90,
    dropSeconds: 190,
    rival: {
      rescales: 5,
      firstActionSeconds: 7.1,
      enoughCapacitySeconds: 44.2,
      backlogGoneSeconds: 58.1,
      largestBacklog: 58_879,
      jobSlotSeconds: 1_061,
      providedSlotSeconds: 2_160,
    },
    goals: [
      { figure: 'rescales', atMost: 3 },
      { figure: 'enoughCapacitySeconds', atMost: 15 },
      { figure: 'backlogGoneSeconds', atMost: 40 },
      { figure: 'jobSlotSeconds', atMost: 900 },
      { figure: 'providedSlotSeconds', atMost: 1_250 },
      { figure: 'taskManagersGoneSeconds', atMost: 30 },
    ],
  },
  {
    name: 'S2',
    asks: 'a ramp: follow without a staircase of restarts',
    load: '0:400,60:1200,90:2000,120:2800,150:3600,180:400',
    seconds: 260,
    parallelism: 1,
    riseSeconds: 60,
    dropSeconds: 180,
    rival: {
      rescales: 5,
      firstActionSeconds: 22,
      largestBacklog: 2_777,
      jobSlotSeconds: 1_047,
      providedSlotSeconds: 2_080,
    },
    goals: [
      { figure: 'rescales', atMost: 3 },
      { figure: 'largestBacklogSeconds', atMost: 2 },
    ],
  },
  {
    name: 'S3',
    asks: 'a spike: may be ignored, but the backlog must drain',
    load: '0:400,90:4000,110:400',
    seconds: 200,
    parallelism: 1,
    riseSeconds: 90,
    dropSeconds: 110,
    rival: {
      rescales: 5,
      firstActionSeconds: 22,
      backlogGoneSeconds: 29,
      largestBacklog: 57_995,
      jobSlotSeconds: 629,
      providedSlotSeconds: 1_600,
    },
    goals: [{ figure: 'taskManagersGoneSeconds', atMost: 60 }],
  },
  {
    name: 'S4',
    asks: 'noise: no rescale',
    load: Array.from({ length: 18 }, (_, i) => `${i * 10}:${i % 2 === 0 ? 600 : 900}`).join(),
    seconds: 180,
    parallelism: 2,
    riseSeconds: 0,
    rival: {
      rescales: 4,
      largestBacklog: 7,
      jobSlotSeconds: 497,
      providedSlotSeconds: 1_440,
    },
    goals: [{ figure: 'rescales', atMost: 0 }],
  },
  {
    name: 'S5',
    asks: 'the step with a TaskManager lost at its peak: no decision out of the gap',
    load: step,
    seconds: 270,
    parallelism: 1,
    riseSeconds: 90,
    dropSeconds: 190,
    killSeconds: 150,
    goals: [{ figure: 'decisionsAfterKill', atMost: 0 }],
  },
];
