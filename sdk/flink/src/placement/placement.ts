/**
 * Placement of Flink's processes on hosts. A cluster wants groups of equal processes (one JobManager, many TaskManagers); a host has cores, memory, disks and ports; a placement
 * says which process is where, with which ports and on which disk.
 */

/** A bare-metal machine as placement sees it. */
export interface FlinkHost {
  readonly id: string;
  /** What fails together: power, a switch. Hosts that name none count as one rack. */
  readonly rack?: string;
  readonly labels?: Readonly<Record<string, string>>;
  /** Thousandths of a processor that Flink may use here. */
  readonly cpuMillis: number;
  /** What Flink may use here; what the system and other daemons need is taken off already. */
  readonly memoryBytes: number;
  readonly disks: readonly PlacementDisk[];
  /** Both ends are in the range. */
  readonly ports: { readonly first: number; readonly last: number };
  /** Why nothing new is placed here and what is here should go elsewhere, such as DRAINING or QUARANTINED; absent: it is fit for work. */
  readonly unfit?: string;
}

export interface PlacementDisk {
  readonly mountPoint: string;
  readonly bytes: number;
}

/** What one process takes of its host. */
export interface ProcessSize {
  readonly cpuMillis: number;
  readonly memoryBytes: number;
  /** On one disk. 0: none. */
  readonly diskBytes: number;
  /** How many ports. */
  readonly ports: number;
  /** Task slots that it offers; 0 for a JobManager. Only quotas look at them. */
  readonly slots: number;
}

export type ProcessRole = 'jobmanager' | 'taskmanager' | 'sql-gateway';

/** Equal processes of one cluster. */
export interface GroupDemand {
  readonly role: ProcessRole;
  readonly count: number;
  readonly size: ProcessSize;
  /** Further processes that room is kept free for, so that a rescale finds it. Clusters of higher priority may take it. */
  readonly headroom?: number;
  /** Most of them on one host. Absent: as many as fit. */
  readonly maxPerHost?: number;
}

export interface ClusterDemand {
  readonly id: string;
  /** The higher is served first. */
  readonly priority: number;
  /** Name of the quota that it shares with others; absent: unlimited. */
  readonly quota?: string;
  readonly selector?: PlacementSelector;
  /** Why a host must not be used by this cluster, by host id, such as CHECKPOINTS_UNSEEN. */
  readonly ineligible?: ReadonlyMap<string, string>;
  /** Clusters that it shares no host with; either side may say so. */
  readonly apartFrom?: readonly string[];
  /** Only on hosts where this cluster has a process. */
  readonly besides?: string;
  readonly groups: readonly GroupDemand[];
}

/** Which hosts: those that fit all that is said. */
export interface PlacementSelector {
  readonly labels?: Readonly<Record<string, string>>;
  readonly racks?: readonly string[];
  readonly hosts?: readonly string[];
}

/** What the processes of all clusters that share it have at most, in all. What is absent is unlimited. */
export interface Quota {
  readonly cpuMillis?: number;
  readonly memoryBytes?: number;
  readonly slots?: number;
}

/** One process and where it is. */
export interface PlacedProcess {
  readonly cluster: string;
  readonly role: ProcessRole;
  /** Tells processes of a group apart; not given again while a process of that number is placed or may still run. */
  readonly number: number;
  readonly host: string;
  /** As many as its size says, ascending. */
  readonly ports: readonly number[];
  /** Mount point; absent when it needs no disk. */
  readonly disk?: string;
}

/** Room that is kept free. */
export interface Reservation {
  readonly cluster: string;
  readonly role: ProcessRole;
  readonly host: string;
  readonly count: number;
}

export interface PlacementInput {
  readonly clusters: readonly ClusterDemand[];
  readonly hosts: readonly FlinkHost[];
  /** By name. One that a cluster names and that is not here limits nothing: whoever asks sees to that. */
  readonly quotas?: ReadonlyMap<string, Quota>;
  /** What is placed now. It stays, unless its host is gone or unfit, or it is not wanted any more. */
  readonly current?: readonly PlacedProcess[];
  /** Processes that are not wanted any more and may still run, as on a host that is silent: their numbers are not given again. */
  readonly retired?: readonly Pick<PlacedProcess, 'cluster' | 'role' | 'number'>[];
  /** Processes without work: where fewer are wanted they go first. */
  readonly idle?: readonly Pick<PlacedProcess, 'cluster' | 'role' | 'number'>[];
}

export interface PlacementOutcome {
  /** By cluster, role and number. */
  readonly processes: readonly PlacedProcess[];
  readonly reservations: readonly Reservation[];
  /** What of the wish the hosts cannot fulfil. */
  readonly conditions: readonly PlacementCondition[];
}

export interface PlacementCondition {
  readonly cluster: string;
  readonly role: ProcessRole;
  readonly reason: PlacementReason;
  /** What is wrong and what would help. */
  readonly message: string;
  readonly metadata: Readonly<Record<string, string>>;
}

export type PlacementReason =
  /** The selector fits no host, or all that fit are unfit or ineligible. */
  | 'HOST_NONE_ELIGIBLE'
  /** No eligible host could hold one, even if it were empty. */
  | 'PROCESS_TOO_LARGE'
  /** Some or all of them find no room. */
  | 'CAPACITY_SHORT'
  | 'QUOTA_EXCEEDED'
  /** More of a quota is in use than there is: nothing is added, and what runs stays. */
  | 'QUOTA_OVERDRAWN'
  /** A rack holds more than an even share, because others have no room. */
  | 'RACKS_UNEVEN'
  | 'HEADROOM_SHORT'
  /** Processes stay on a host that should be emptied, because there is no room elsewhere. */
  | 'DRAIN_BLOCKED';
