import type { FlinkStage } from '@tessera/testkit/flink-stage';
import { kill } from '@tessera/testkit/flink-stage';
import type { JobView } from '../flink/job-watcher.ts';
import { jobName } from '../flink/load-job.ts';
import { untilJob } from '../flink/until-job.ts';

/** Something that is done to a job that runs. */
export interface Blow {
  readonly name: string;
  /** The same on a Flink that is driven by hand: seconds until all subtasks ran, and of the longest gap in what is committed. */
  readonly byHand: { readonly running: number; readonly gap: number };
  /** Gives how one tells that it is over. */
  strike(stage: FlinkStage): Promise<(view: JobView | undefined) => boolean>;
  /** Makes the hosts whole again. Only where they have a network of their own. */
  mend?(stage: FlinkStage): void;
}

export interface BlowFigures {
  readonly name: string;
  readonly runningSeconds: number;
  /** When it was struck and when all ran, milliseconds since 1970. */
  readonly fromMs: number;
  readonly toMs: number;
}

/** In the order in which they are dealt; the job begins with one subtask of each vertex and two TaskManagers of two slots. */
export const blows: readonly Blow[] = [
  { name: 'rescale 1 to 2', byHand: { running: 5.1, gap: 0.8 }, strike: rescaleTo(2) },
  { name: 'rescale 2 to 4', byHand: { running: 11.3, gap: 3.5 }, strike: rescaleTo(4) },
  {
    name: 'TaskManager killed',
    byHand: { running: 4.2, gap: 5.4 },
    strike: (stage) => killOne(stage, 'taskmanager'),
  },
  {
    name: 'JobManager killed',
    byHand: { running: 21.8, gap: 24.7 },
    strike: (stage) => killOne(stage, 'jobmanager'),
  },
  {
    name: 'host unreachable',
    byHand: { running: 7.1, gap: 8.5 },
    strike: async (stage) => {
      const host = await hostOfTaskManagerOnly(stage);
      const isOver = runsAgain();
      stage.setLink(host, 'down');
      return isOver;
    },
    mend: (stage) => {
      for (let host = 0; host < stage.hostCount; host++) stage.setLink(host, 'up');
    },
  },
];

/** Strikes, and waits until every subtask runs again. */
export async function deal(blow: Blow, stage: FlinkStage): Promise<BlowFigures> {
  const fromMs = Date.now();
  const isOver = await blow.strike(stage);
  const toMs = await untilJob(stage, isOver);
  return { name: blow.name, runningSeconds: (toMs - fromMs) / 1_000, fromMs, toMs };
}

function rescaleTo(parallelism: number): Blow['strike'] {
  return async ({ client: { flinkJobs } }) => {
    const job = await flinkJobs.getFlinkJob({ name: jobName });
    const flinkJob = { name: jobName, spec: { ...job.spec!, parallelism } };
    await flinkJobs.updateFlinkJob({ flinkJob });
    return (view) => view?.workers === parallelism && view.isRunning;
  };
}

async function killOne(stage: FlinkStage, role: 'jobmanager' | 'taskmanager') {
  const all = await stage.processes();
  const isOver = runsAgain();
  kill(all.find((process) => process.role === role && process.isRunning)!.pid);
  return isOver;
}

/** Its tasks were deployed again. */
function runsAgain(): (view: JobView | undefined) => boolean {
  const struckMs = Date.now();
  return (view) => view?.isRunning === true && (view.sinceMs ?? 0) > struckMs;
}

async function hostOfTaskManagerOnly(stage: FlinkStage): Promise<number> {
  const all = (await stage.processes()).filter(({ isRunning }) => isRunning);
  const master = all.find(({ role }) => role === 'jobmanager')!.host;
  return all.find(({ role, host }) => role === 'taskmanager' && host !== master)!.host;
}
