import { digestOf } from '../spec/digest.ts';
import type { FlinkJobSpec } from '../spec/job-spec.ts';

/** The id of an attempt, as Flink wants it: 32 hexadecimal digits. The same attempt always has the same one, so that it cannot be started twice. */
export function jobIdOf(uid: string, attempt: number): string {
  return digestOf(['job', uid, attempt]).slice(0, 32);
}

/** The id of the savepoint that an attempt is stopped with. */
export function triggerIdOf(jobId: string, tries: number): string {
  return digestOf(['savepoint', jobId, tries]).slice(0, 32);
}

/** The id of a savepoint that was asked for while an attempt goes on. */
export function requestedTriggerIdOf(jobId: string, request: string): string {
  return digestOf(['requested savepoint', jobId, request]).slice(0, 32);
}

/** What of a spec decides whether it can run: whether it should at present is not part of it. */
export function specDigest(spec: FlinkJobSpec): string {
  return digestOf({ ...spec, state: undefined });
}
