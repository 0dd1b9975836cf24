import { Code, TesseraError } from '@tessera/base';
import type { Hindrance } from '../../flink/outcome.ts';

/** What fails in the commands of Flink before anything is asked of a daemon, or while something is followed. */

export function needsHelp(
  kind: 'cluster' | 'job',
  id: string,
  { reason, message }: Hindrance,
): TesseraError {
  return new TesseraError({
    code: Code.FAILED_PRECONDITION,
    reason: 'FLINK_NEEDS_HELP',
    message: `Flink ${kind} ${id} is not as wanted (${reason}): ${message} 'tessera flink status' shows how far all is.`,
    metadata: { kind, name: id, condition: reason },
  });
}

export function noLongerFollowed(): TesseraError {
  return new TesseraError({
    code: Code.CANCELLED,
    reason: 'FOLLOWING_INTERRUPTED',
    message:
      "No longer followed; it goes on by itself: 'tessera flink status' shows how far it is.",
  });
}

export function noScheduler(): TesseraError {
  return new TesseraError({
    code: Code.UNAVAILABLE,
    reason: 'NO_SCHEDULER',
    message:
      "It is written down, but no scheduler leads that would carry it out: start one; 'tessera status' shows what is missing.",
  });
}

export function processUnknown(
  cluster: string,
  process: string,
  known: readonly string[],
): TesseraError {
  return new TesseraError({
    code: Code.NOT_FOUND,
    reason: 'FLINK_PROCESS_NOT_FOUND',
    message: `Flink cluster ${cluster} has no process ${process}: ${known.length === 0 ? 'none of it was started yet' : `it has ${known.join(', ')}`}.`,
    metadata: { cluster, process },
  });
}

export function noOlderVersion(job: string): TesseraError {
  return new TesseraError({
    code: Code.FAILED_PRECONDITION,
    reason: 'FLINK_NO_OLDER_VERSION',
    message: `Flink job ${job} has no older version with another program: there is nothing to go back to. 'tessera flink job history ${job}' lists its versions.`,
    metadata: { job },
  });
}

export function notRunning(job: string, word: string, state: string | undefined): TesseraError {
  const rest = state === undefined ? '' : ` The state that it goes on from is ${state}.`;
  return new TesseraError({
    code: Code.FAILED_PRECONDITION,
    reason: 'FLINK_JOB_NOT_RUNNING',
    message: `Flink job ${job} is ${word}: a savepoint is made of a job that runs only.${rest}`,
    metadata: { job },
  });
}

export function savepointFailed(job: string, failure: string): TesseraError {
  return new TesseraError({
    code: Code.ABORTED,
    reason: 'SAVEPOINT_FAILED',
    message: `No savepoint of Flink job ${job} was made, and it goes on: ${failure}. 'tessera flink logs' of its cluster says more; ask again when that has passed.`,
    metadata: { job, failure },
  });
}

export function savepointSuperseded(job: string): TesseraError {
  return new TesseraError({
    code: Code.ABORTED,
    reason: 'SAVEPOINT_SUPERSEDED',
    message: `Another savepoint of Flink job ${job} was asked for before this one was begun, and is made instead: 'tessera flink job status ${job}' lists it.`,
    metadata: { job },
  });
}

export function nothingToUpgrade(job: string): TesseraError {
  return new TesseraError({
    code: Code.INVALID_ARGUMENT,
    reason: 'NOTHING_TO_UPGRADE',
    message: `Say what to change of Flink job ${job}: --jar, --sql, --entry-class, --parallelism or --mode.`,
    metadata: { job },
  });
}

export function notOfFlink(file: string, kind: string, name: string): TesseraError {
  return new TesseraError({
    code: Code.INVALID_ARGUMENT,
    reason: 'NOT_OF_FLINK',
    message: `${file} holds ${kind} ${name}, which is not of Flink: apply that with 'tessera apply -f ${file}'.`,
    metadata: { file, kind, name },
  });
}

export function noFlinkResource(files: readonly string[], kind: string): TesseraError {
  return new TesseraError({
    code: Code.INVALID_ARGUMENT,
    reason: 'NO_FLINK_RESOURCE',
    message:
      files.length === 0
        ? `Name the YAML files that hold ${kind}.`
        : `There is no ${kind} in ${files.join(', ')}.`,
    metadata: { files: files.join(', ') },
  });
}
