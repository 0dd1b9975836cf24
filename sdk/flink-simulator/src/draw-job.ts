import type { SimulatedJob } from './job.ts';
import { gaussian, randomFor } from './noise.ts';
import type { Imperfections } from './observe.ts';

/**
 * One job of a kind: speeds, curves and what metrics hide are drawn for each seed, so that nothing can
 * be tuned to them.
 */
export function drawJob(kind: SimulatedJob, seed: number): SimulatedJob {
  const random = randomFor(seed, `job ${kind.name}`);
  const next = gaussian(random);
  return {
    ...kind,
    vertices: kind.vertices.map((vertex) => ({
      ...vertex,
      recordsPerSecond: vertex.recordsPerSecond * Math.exp(0.1 * next()),
      sigma: vertex.sigma * Math.exp(0.3 * next()),
      kappa: vertex.kappa + 5e-5 * random.next(),
      busyBias: 0.25 * random.next(),
    })),
    rescale: {
      ...kind.rescale,
      fixedSeconds: kind.rescale.fixedSeconds * (0.8 + 0.4 * random.next()),
    },
  };
}

/** How well a seed's metrics are reported: within the bounds that are met in practice. */
export function drawImperfections(seed: number): Imperfections {
  const random = randomFor(seed, 'imperfections');
  return {
    noise: 0.03,
    jitterSeconds: 1,
    dropout: 0.005,
    delaySeconds: 10 * random.integer(0, 12),
    outages: [],
  };
}
