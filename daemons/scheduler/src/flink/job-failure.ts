import { isTesseraError } from '@tessera/base';
import type { ObservedRun } from '@tessera/flink';
import type { SeenJobManager } from './job-manager.ts';

type Failure = Pick<ObservedRun, 'failure'>;

/** Why a job has failed, as its JobManager tells; nothing where it does not. A job whose state does not fit has no history of exceptions: it never ran. */
export function failureOf(
  { rest }: Pick<SeenJobManager, 'rest'>,
  jobId: string,
  signal: AbortSignal,
): Promise<Failure> {
  return told(rest.endedBy(jobId, signal));
}

/** What a job was restarted for last, as its JobManager tells; nothing where it does not. */
export function newestFailureOf(
  { rest }: Pick<SeenJobManager, 'rest'>,
  jobId: string,
  signal: AbortSignal,
): Promise<Failure> {
  return told(rest.exceptions(jobId, signal).then(([newest]) => newest?.cause));
}

/** Nothing of a job that is not known there any more. */
async function told(asked: Promise<string | undefined>): Promise<Failure> {
  try {
    const failure = await asked;
    return failure === undefined ? {} : { failure };
  } catch (error) {
    if (isTesseraError(error, 'FLINK_NOT_FOUND')) return {};
    throw error;
  }
}
