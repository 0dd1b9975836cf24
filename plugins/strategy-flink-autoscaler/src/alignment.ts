import type { FlinkAutoscalerConfig } from './config.ts';

export interface AlignmentRange {
  readonly current: number;
  /** What was worked out. */
  readonly wanted: number;
  /** Most subtasks that are allowed. */
  readonly limit: number;
  /** Key groups, or partitions of a source. */
  readonly units: number;
}

/**
 * The first parallelism from the wanted one upwards that spreads whole units well: over all subtasks evenly, or (balanced) so
 * that the fullest has fewer than at the wanted one. Scaling down never ends above the current one. Nothing found: the wanted one.
 */
export function align(
  { current, wanted, limit, units }: AlignmentRange,
  mode: FlinkAutoscalerConfig['alignment'],
): number {
  if (mode === 'OFF') return wanted;
  const highest = Math.min(units, limit);
  const upTo = wanted > current ? highest : Math.min(current, highest);
  for (let p = wanted; p <= upTo; p++) {
    if (units % p === 0) return p;
    const better = Math.floor(units / p) < Math.floor(units / wanted);
    if (mode === 'BALANCED' && better) return p;
  }
  return wanted;
}
