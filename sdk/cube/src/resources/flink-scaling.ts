import type { JsonObject } from './resource.ts';

/** A time as people write it, such as `10s`. */
export type TimeText = string;

/** Of a plugin, which knows them. */
export type PluginOptions = JsonObject;

/** How a job of Flink is kept the right size, as YAML. */
export interface FlinkScalingWish {
  /** True: it keeps the size that it has. */
  readonly paused?: boolean;
  /** Its package. Absent: `@tessera/strategy-forecast`. */
  readonly strategy?: string;
  readonly options?: PluginOptions;
  /** No record should wait longer in front of a source. Absent: a minute. */
  readonly maxLag?: TimeText;
  /** Of jobs that share the slots of a cluster the higher comes first. */
  readonly priority?: number;
  /** Absent: as far as the cluster goes. */
  readonly bounds?: {
    /** Subtasks of each vertex. */
    readonly minParallelism?: number;
    readonly maxParallelism?: number;
    /** Of the job. */
    readonly maxSlots?: number;
    /** Of single vertices, by id. */
    readonly vertices?: Readonly<Record<string, { readonly min?: number; readonly max?: number }>>;
  };
  /** After the end of a rescale, none to more slots for so long. Absent: 10 seconds. */
  readonly cooldownBeforeUp?: TimeText;
  /** None to fewer. Absent: 30 seconds. */
  readonly cooldownBeforeDown?: TimeText;
  readonly windows?: readonly MaintenanceWindowWish[];
  /** When a rescale counts as one that made things worse; what is absent is as usual. */
  readonly rollback?: {
    /** False: none is taken back. */
    readonly enabled?: boolean;
    /** After all tasks run, for so long nothing is judged. */
    readonly stabilization?: TimeText;
    /** What is compared: so long before the rescale, and so long after the stabilization. */
    readonly window?: TimeText;
    /** Share by which the job may read less than before, from 0 to 1. */
    readonly tolerance?: number;
    /** For so long the same size is not tried again. */
    readonly avoid?: TimeText;
  };
  /** Each must allow a rescale. */
  readonly vetoes?: readonly { readonly veto: string; readonly options?: PluginOptions }[];
}

/** Hours of the week in which a job is, or is not, rescaled. */
export interface MaintenanceWindowWish {
  readonly name: string;
  readonly rule: 'freeze' | 'noScaleDown' | 'only';
  /** Of the IANA database. Absent: `UTC`. */
  readonly timeZone?: string;
  /** On which it begins. Absent: every day. */
  readonly days?: readonly ('sun' | 'mon' | 'tue' | 'wed' | 'thu' | 'fri' | 'sat')[];
  /** `HH:MM` on the zone's clocks. */
  readonly from: string;
  /** Not included. At or before `from`: of the next day. */
  readonly to: string;
}
