/** What a cluster may have, and what its TaskManagers do. */
export interface TaskManagerNeed {
  /** At least so many run. */
  readonly least: number;
  /** 0: exactly `least`. */
  readonly most: number;
  readonly slotsEach: number;
  /** Slots that all jobs together need. */
  readonly neededSlots: number;
  /** TaskManagers that have work now; what is there when nobody can tell. */
  readonly busy: number;
}

/** How many TaskManagers are wanted: as many as jobs need, and none that works is given up. */
export function taskManagerCount(need: TaskManagerNeed): number {
  const { least, most, slotsEach, neededSlots, busy } = need;
  if (most === 0) return least;
  const needed = Math.max(Math.ceil(neededSlots / Math.max(1, slotsEach)), busy);
  return Math.min(most, Math.max(least, needed));
}
