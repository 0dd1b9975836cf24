/** A wish to scale a vertex down, and what was recommended since it came up, oldest first. */
export interface PendingScaleDown {
  readonly firstMs: number;
  readonly recommendations: readonly {
    readonly timeMs: number;
    readonly parallelism: number;
    readonly outside: boolean;
  }[];
}

export interface ScaleDownRecommendation {
  readonly parallelism: number;
  readonly outside: boolean;
}

/** Keeps a recommendation; those that a greater one has outlived are no longer needed. */
export function remember(
  pending: PendingScaleDown | undefined,
  nowMs: number,
  intervalMs: number,
  { parallelism, outside }: ScaleDownRecommendation,
): PendingScaleDown {
  const kept = (pending?.recommendations ?? []).filter(
    (each) => each.timeMs > nowMs - intervalMs && each.parallelism > parallelism,
  );
  return {
    firstMs: pending?.firstMs ?? nowMs,
    recommendations: [...kept, { timeMs: nowMs, parallelism, outside }],
  };
}

/** The greatest recommendation of the last interval once the wish is as old as that; before, nothing. */
export function due(
  { firstMs, recommendations }: PendingScaleDown,
  nowMs: number,
  intervalMs: number,
): ScaleDownRecommendation | undefined {
  if (nowMs < firstMs + intervalMs) return undefined;
  return recommendations.at(0);
}
