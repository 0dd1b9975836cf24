/** What a job asks of a quota that it shares. All in slots. */
export interface QuotaDemand {
  readonly job: string;
  /** The higher comes first. */
  readonly priority: number;
  /** What it has now. */
  readonly held: number;
  /** What it cannot run with less of. */
  readonly least: number;
  readonly wanted: number;
}

/**
 * How many slots each job may have, of a quota of so many. First comes, by priority, what jobs cannot do without; then,
 * priority by priority, what they hold and want, and only then what they want more, to equal parts. So a job
 * gives slots back to one of higher priority, never to an equal. The order of the demands does not count.
 */
export function shareQuota(
  slots: number,
  demands: readonly QuotaDemand[],
): ReadonlyMap<string, number> {
  const shares = new Map(demands.map(({ job }) => [job, 0]));
  let left = slots;
  const byRank = [...demands].sort((a, b) => b.priority - a.priority || (a.job < b.job ? -1 : 1));
  for (const { job, least } of byRank) {
    if (least > left) continue; // It does not start; a smaller one behind it may.
    shares.set(job, least);
    left -= least;
  }
  const started = byRank.filter(({ job, least }) => shares.get(job)! >= least);
  for (const equals of Map.groupBy(started, ({ priority }) => priority).values()) {
    left = fill(shares, equals, ({ held, wanted }) => Math.min(held, wanted), left);
    left = fill(shares, equals, ({ wanted }) => wanted, left);
  }
  return shares;
}

/** Raises all to their goals, the one that has least first, while there is something left; returns the rest. */
function fill(
  shares: Map<string, number>,
  equals: readonly QuotaDemand[],
  goal: (demand: QuotaDemand) => number,
  slots: number,
): number {
  let left = slots;
  while (left > 0) {
    const open = equals.filter((demand) => shares.get(demand.job)! < goal(demand));
    if (open.length === 0) break;
    const lowest = Math.min(...open.map(({ job }) => shares.get(job)!));
    const poorest = open.filter(({ job }) => shares.get(job) === lowest);
    for (const { job } of poorest.slice(0, left)) shares.set(job, lowest + 1);
    left -= Math.min(left, poorest.length);
  }
  return left;
}
