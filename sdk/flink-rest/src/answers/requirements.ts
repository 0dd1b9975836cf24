import { z } from 'zod';

/** How many subtasks a vertex may have: as many as there are slots for, within these bounds. */
export interface ParallelismBounds {
  readonly lowerBound: number;
  readonly upperBound: number;
}

/** By vertex id. */
export type ResourceRequirements = ReadonlyMap<string, ParallelismBounds>;

const bounds = z.object({
  parallelism: z.object({
    lowerBound: z.number().int().nonnegative(),
    upperBound: z.number().int().nonnegative(),
  }),
});

export const requirementsAnswer: z.ZodType<ResourceRequirements> = z
  .record(z.string(), bounds)
  .transform(
    (vertices) =>
      new Map(Object.entries(vertices).map(([id, { parallelism }]) => [id, parallelism])),
  );

export function requirementsBody(requirements: ResourceRequirements): unknown {
  return Object.fromEntries(
    [...requirements].map(([id, { lowerBound, upperBound }]) => [
      id,
      { parallelism: { lowerBound, upperBound } },
    ]),
  );
}
