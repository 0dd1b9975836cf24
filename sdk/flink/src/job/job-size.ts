import type { JobJournal } from './journal.ts';

/** How many subtasks each vertex of a job is wanted to have. */
export interface JobSize {
  /** By vertex id. */
  readonly parallelism: VertexParallelism;
  /** Slots that they take together. */
  readonly slots: number;
}

/** Subtasks by vertex id. */
export type VertexParallelism = Readonly<Record<string, number>>;

/** Whether the vertices that are there have what a size says; of others it says nothing. */
export function hasSize(now: VertexParallelism, { parallelism }: JobSize): boolean {
  return Object.entries(now).every(([vertex, subtasks]) => {
    const wanted = parallelism[vertex];
    return wanted === undefined || wanted === subtasks;
  });
}

/** The journal, with the size that was asked for last. */
export function withSize(
  { size: _, ...journal }: JobJournal,
  size: JobSize | undefined,
): JobJournal {
  return size === undefined ? journal : { ...journal, size };
}

/** Names a size in the key of a step: the same for the same one. */
export function sizeWords({ parallelism }: JobSize): string {
  const counts = Object.entries(parallelism).sort(([a], [b]) => (a < b ? -1 : 1));
  return counts.map(([, subtasks]) => subtasks).join('-');
}
