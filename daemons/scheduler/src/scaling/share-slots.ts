import { type QuotaShare, shareQuota } from '@tessera/scaling';

/** A job as far as the slots of its cluster are shared. */
export interface SharingJob {
  readonly job: string;
  /** Absent: nobody scales it, or it is on its way to another size; it keeps what it has. */
  readonly scaled?: { readonly priority: number; readonly least: number; readonly wished?: number };
  /** What it has, or is about to have. */
  readonly held: number;
}

/** Slots of a cluster, with all TaskManagers that it may have and hosts can hold. */
export interface SharedSlots {
  readonly cluster: string;
  readonly slots: number;
  readonly jobs: readonly SharingJob[];
}

/** What jobs of a cluster have, and could have, as it changes while one of them is decided about. */
export interface Sharing {
  /** `undefined`: nobody knows what the cluster has. */
  now(): SharedSlots | undefined;
  /** So many are about to be this job's, until its decision is made. */
  claim(slots: number): void;
}

/** What a job may have of its cluster when it wishes for so much. */
export function shareOf(
  { cluster, slots, jobs }: SharedSlots,
  job: string,
  wished: number,
): QuotaShare {
  const demands = jobs.map(({ job: each, scaled, held }) => ({
    job: each,
    priority: scaled?.priority ?? Number.MAX_SAFE_INTEGER,
    held,
    least: scaled === undefined ? held : Math.min(scaled.least, held),
    wanted: each === job ? wished : (scaled?.wished ?? held),
  }));
  return { quota: `flink-clusters/${cluster}`, slots: shareQuota(slots, demands).get(job) ?? 0 };
}

/** What a job could have beyond its own: what nobody has, and what jobs of lower priority would have to give back. */
export function freeSlotsFor({ slots, jobs }: SharedSlots, job: string): number {
  const own = jobs.find((each) => each.job === job)?.scaled?.priority ?? 0;
  const taken = jobs.reduce((sum, { held }) => sum + held, 0);
  const yielding = jobs.reduce((sum, { scaled, held }) => {
    if (scaled === undefined || scaled.priority >= own) return sum;
    return sum + Math.max(0, held - scaled.least);
  }, 0);
  return Math.max(0, slots - taken + yielding);
}
