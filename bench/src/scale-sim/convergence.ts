import {
  constantLoad,
  drawImperfections,
  drawJob,
  fewestSubtasks,
  simulationSuite as judged,
  type SimulatedJob,
  simulate,
  sustainedLoad,
  topologyOf,
} from '@tessera/flink-simulator';
import { type Parallelism, slotsOf } from '@tessera/scaling';
import type { Strategy } from './contestants.ts';

export interface Convergence {
  readonly job: string;
  readonly from: string;
  /** The worst over all seeds. */
  readonly rescales: number;
  readonly minutes: number;
  readonly slots: number;
}

const hours = 6;

/** From one subtask of each vertex, and from four times too many, at a constant load. */
export function converge({ create }: Strategy, seeds: readonly number[]): readonly Convergence[] {
  return judged.convergenceJobs.flatMap((kind) =>
    (['one', 'four times'] as const).map((from) => {
      const runs = seeds.map((seed) => {
        const job = withoutFailures(drawJob(kind, seed));
        const optimum = optimumOf(job);
        const initial = from === 'one' ? ones(optimum) : times(job, optimum, 4);
        const trace = constantLoad.draw(seed, hours / 24);
        const measures = simulate(
          {
            seed,
            trace,
            job,
            imperfections: drawImperfections(seed),
            initial,
            maxLagMs: judged.maxLagMs,
            crashes: { perDay: 0, downSeconds: 0 },
          },
          create(),
        );
        return { ...measures, slots: measures.finalSlots / slotsOf(topologyOf(job), optimum) };
      });
      const worst = (of: (run: (typeof runs)[number]) => number) => Math.max(...runs.map(of));
      return {
        job: kind.name,
        from,
        rescales: worst((run) => run.rescales),
        minutes: worst((run) => run.settledMinutes),
        slots: worst((run) => run.slots),
      };
    }),
  );
}

/** What is judged is how few decisions lead to the right size; one that fails has to be made again, whoever made it. */
const withoutFailures = (job: SimulatedJob): SimulatedJob => ({
  ...job,
  rescale: { ...job.rescale, failChance: 0 },
});

/** The smallest size that sustains the load, what subtasks cost each other on their hosts included. */
function optimumOf(job: SimulatedJob): Parallelism {
  for (let load = 1; load < 2; load += 0.01) {
    const size = fewestSubtasks(job, load);
    if (sustainedLoad(job, size) >= 1.02) return size;
  }
  return fewestSubtasks(job, 2);
}

const ones = (size: Parallelism): Parallelism =>
  Object.fromEntries(Object.keys(size).map((id) => [id, 1]));

function times(job: SimulatedJob, size: Parallelism, factor: number): Parallelism {
  return Object.fromEntries(
    job.vertices.map(({ id, maxParallelism }) => [
      id,
      Math.min(maxParallelism, factor * size[id]!),
    ]),
  );
}
