import type { RotationLimits } from './rotate-log.ts';

/** Everything a supervisor needs to start a run, in a file: what an argument list shows, every user can read. */
export interface RunPlan {
  /** The program is an absolute path. */
  readonly argv: readonly string[];
  /** The whole environment. */
  readonly environment: Readonly<Record<string, string>>;
  readonly workingDirectory: string;
  readonly outputLog: string;
  readonly errorLog: string;
  readonly rotation: RotationLimits;
  /** It is killed when the deadline in this file has passed; see `readDeadline`. Absent: it lives on. */
  readonly contactFile?: string;
}

/** Name of the plan's file in the folder of a run. */
export const runPlanFile = 'plan.json';
