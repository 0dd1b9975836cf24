import type { Submit } from './take-job-step.ts';

/** Keys of Flink that an attempt is submitted with: the job's own, and the size that it begins with. */
export function configurationOf({
  spec: { configuration },
  size,
}: Submit): Readonly<Record<string, string>> | undefined {
  if (size === undefined) return configuration;
  const overrides = Object.entries(size.parallelism).map(([id, subtasks]) => `${id}:${subtasks}`);
  return { ...configuration, 'pipeline.jobvertex-parallelism-overrides': overrides.join(',') };
}
