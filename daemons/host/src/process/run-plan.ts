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
}

/** Name of the plan's file in the folder of a run. */
export const runPlanFile = 'plan.json';
