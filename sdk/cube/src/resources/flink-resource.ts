import type { FlinkScalingWish } from './flink-scaling.ts';

/** A Flink session cluster, as YAML. What is absent is as Flink has it by default, unless something else is said. */
export interface FlinkClusterResource {
  readonly kind: 'FlinkCluster';
  readonly name: string;
  readonly spec: FlinkClusterWish;
}

/** A size as people write it, such as `1600 MiB`. */
export type SizeText = string;

export interface FlinkClusterWish {
  /** Such as `2.3.0`. */
  readonly flinkVersion: string;
  /** SHA-256 of the bundle that hosts start it from. Absent: `tessera flink up` finds or makes the one of the version. */
  readonly bundle?: string;
  readonly jobManager: {
    /** All of its memory. */
    readonly process: SizeText;
    readonly offHeap?: SizeText;
    readonly metaspace?: SizeText;
    readonly overhead?: PartOfMemory;
    readonly cpus?: number;
  };
  /** Either this or `fitToHosts`. */
  readonly taskManager?: {
    /** All of its memory. */
    readonly process: SizeText;
    readonly slots: number;
    readonly cpus?: number;
    readonly taskHeap?: SizeText;
    readonly taskOffHeap?: SizeText;
    /** A size, or a part from 0 to below 1. */
    readonly managed?: SizeText | number;
    readonly network?: PartOfMemory;
    readonly frameworkHeap?: SizeText;
    readonly frameworkOffHeap?: SizeText;
    readonly metaspace?: SizeText;
    readonly overhead?: PartOfMemory;
    /** Local disk that is kept for it. */
    readonly disk?: SizeText;
  };
  /** TaskManagers fill the smallest host that is selected. */
  readonly fitToHosts?: { readonly cpusPerSlot?: number; readonly maxSlots?: number };
  /** Absent: 1. */
  readonly taskManagerCount?: number;
  /** As many run as jobs need, up to this. Absent: `taskManagerCount`, whatever jobs need. */
  readonly maxTaskManagerCount?: number;
  /** Further TaskManagers that room is kept free for. */
  readonly headroom?: number;
  /** Absent: all. */
  readonly hosts?: {
    readonly labels?: Readonly<Record<string, string>>;
    readonly racks?: readonly string[];
    /** Ids. */
    readonly hosts?: readonly string[];
  };
  readonly maxTaskManagersPerHost?: number;
  /** Ids of clusters that it shares no host with. */
  readonly apartFrom?: readonly string[];
  readonly priority?: number;
  readonly quota?: string;
  /** A shared file system or object store that every host sees, as a URI. */
  readonly stateDirectory: string;
  readonly configuration?: FlinkKeys;
  /** True: nothing is started or stopped. */
  readonly paused?: boolean;
}

export interface PartOfMemory {
  /** From 0 to below 1. */
  readonly fraction?: number;
  readonly min?: SizeText;
  readonly max?: SizeText;
}

/** Keys of Flink beside those that are computed. */
export type FlinkKeys = Readonly<Record<string, string | number | boolean>>;

/** A job of Flink, as YAML. */
export interface FlinkJobResource {
  readonly kind: 'FlinkJob';
  readonly name: string;
  readonly spec: FlinkJobWish;
}

export interface FlinkJobWish {
  /** Id of the cluster that it runs on. */
  readonly cluster: string;
  /** Either this or `sql`. */
  readonly jar?: {
    /** SHA-256. Either this or `file`. */
    readonly artifact?: string;
    /** A file that becomes an artifact when it is applied by a command of Flink; relative to that of the YAML. */
    readonly file?: string;
    /** Absent: as its manifest says. */
    readonly entryClass?: string;
    readonly arguments?: readonly string[];
  };
  /** Statements of Flink SQL, each ended by a semicolon at the end of a line. */
  readonly sql?: string;
  /** Absent: 1. */
  readonly parallelism?: number;
  readonly configuration?: FlinkKeys;
  /** How it is stopped for another version. Absent: `savepoint`. There is none without state. */
  readonly upgradeMode?: 'savepoint' | 'last-state';
  /** True: it is stopped with its state. */
  readonly suspended?: boolean;
  /** False: a spec that does not become stable stays. Absent: the last stable one comes back. */
  readonly rollback?: boolean;
  /** State to begin with, as a URI. */
  readonly initialSavepoint?: string;
  readonly allowNonRestoredState?: boolean;
  /** How it is kept the right size. Absent: it has its parallelism. */
  readonly scaling?: FlinkScalingWish;
}
