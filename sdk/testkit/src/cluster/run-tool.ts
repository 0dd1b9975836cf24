import { spawnSync } from 'node:child_process';

/** Runs a tool of the system and waits for it. */
export function runTool(program: string, args: readonly string[]): ToolOutcome {
  const { status, stdout, stderr, error } = spawnSync(program, args, { encoding: 'utf8' });
  return { succeeded: status === 0, printed: stdout ?? '', why: error?.message ?? stderr ?? '' };
}

export interface ToolOutcome {
  readonly succeeded: boolean;
  readonly printed: string;
  /** What went wrong, in the tool's words. */
  readonly why: string;
}

/** @throws when it fails */
export function mustRun(program: string, ...args: readonly string[]): string {
  const { succeeded, printed, why } = runTool(program, args);
  if (!succeeded) throw new Error(`${program} ${args.join(' ')} failed: ${why}`);
  return printed;
}
