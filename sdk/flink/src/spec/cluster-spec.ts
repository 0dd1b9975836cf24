import type { JobManagerSize } from '../memory/job-manager-memory.ts';
import type { TaskManagerSize } from '../memory/task-manager-memory.ts';
import type { PlacementSelector } from '../placement/placement.ts';

/** What is wanted of a Flink cluster. */
export interface FlinkClusterSpec {
  /** Of Flink, such as `2.3.0`. */
  readonly flinkVersion: string;
  /** Digest of the bundle that hosts start it from. */
  readonly bundle: string;
  readonly jobManager: JobManagerSize;
  readonly taskManager: TaskManagerSize;
  readonly taskManagerCount: number;
  /** Further TaskManagers that room is kept free for. */
  readonly headroom?: number;
  readonly hosts?: PlacementSelector;
  readonly priority?: number;
  readonly quota?: string;
  /** A shared file system or object store that every host sees, as a URI. */
  readonly stateDirectory: string;
  /** Keys of Flink beside those that are computed. */
  readonly configuration?: Readonly<Record<string, string>>;
}
