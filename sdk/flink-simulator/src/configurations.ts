import { type Parallelism, slotsOf } from '@tessera/scaling';
import { type SimulatedJob, topologyOf } from './job.ts';
import { fewestSubtasks, sustainedLoad } from './sizing.ts';

/** One sensible size of a job. */
export interface Configuration {
  readonly parallelism: Parallelism;
  readonly slots: number;
  /** Multiple of the nominal load that it sustains. */
  readonly load: number;
}

/** Every size worth having, from the smallest: each sustains more than all with fewer slots. */
export function configurationsOf(job: SimulatedJob, highest: number): readonly Configuration[] {
  const topology = topologyOf(job);
  const bySlots = new Map<number, Configuration>();
  for (let load = 0.01; load < highest * 1.6; load *= 1.01) {
    const parallelism = fewestSubtasks(job, load);
    const slots = slotsOf(topology, parallelism);
    const sustained = sustainedLoad(job, parallelism);
    if (sustained > (bySlots.get(slots)?.load ?? 0)) {
      bySlots.set(slots, { parallelism, slots, load: sustained });
    }
  }
  const sizes = [...bySlots.values()].sort((a, b) => a.slots - b.slots);
  let best = 0;
  return sizes.filter(({ load }) => {
    const better = load > best;
    best = Math.max(best, load);
    return better;
  });
}
