import type { Policy, Role } from './rules.ts';

/** Who makes a call, with all that holds for him, read at one revision. */
export interface Caller {
  readonly user: string;
  readonly roles: readonly Role[];
  /** Of all roles; only those of his own matter. */
  readonly policies: readonly Policy[];
  /** Changes with any user, group, role or policy. */
  readonly revision: bigint;
}

/** Callers with equal keys see the same. */
export function callerKey({ roles, revision }: Caller): string {
  return JSON.stringify([String(revision), ...roles.map(({ name }) => name)]);
}
