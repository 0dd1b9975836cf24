import { Code, messageOf, nearestName, TesseraError } from '@tessera/base';

/** A trace, a job or a strategy that a simulation is to be of, and that there is none of. */
export function simulationNameUnknown(
  kind: 'trace' | 'job',
  name: string,
  known: readonly string[],
): TesseraError {
  const nearest = nearestName(name, known);
  const hint = nearest === undefined ? '' : ` Did you mean ${nearest}?`;
  return new TesseraError({
    code: Code.INVALID_ARGUMENT,
    reason: 'SIMULATION_NAME_UNKNOWN',
    message: `There is no ${kind} ${JSON.stringify(name)}.${hint} There are ${known.join(', ')}.`,
    metadata: { kind, name },
  });
}

/** A text that is to be JSON, or to have a certain form, and has not. */
export function scaleOptionInvalid(option: string, problem: string): TesseraError {
  return new TesseraError({
    code: Code.INVALID_ARGUMENT,
    reason: 'SCALE_OPTION_INVALID',
    message: `${option} cannot be used: ${problem}.`,
    metadata: { option, problem },
  });
}

/**
 * Decisions that were made again came out otherwise.
 * @param versions packages with the versions that made them, where others are installed
 */
export function replayDiffers(
  count: number,
  decisions: number,
  versions: readonly string[],
): TesseraError {
  const why =
    versions.length === 0
      ? 'the strategy looks at something beside its input, such as a clock, or was changed under the same version'
      : `other versions made them; to replay them exactly, \`npm install ${versions.join(' ')}\``;
  return new TesseraError({
    code: Code.FAILED_PRECONDITION,
    reason: 'SCALING_REPLAY_DIFFERS',
    message: `${count} of ${decisions} decisions come out otherwise when they are made again: ${why}.`,
    metadata: { count: String(count), decisions: String(decisions), versions: versions.join(' ') },
  });
}

/** A job about whose size nothing was decided. */
export function nothingDecided(job: string, why: string): TesseraError {
  return new TesseraError({
    code: Code.NOT_FOUND,
    reason: 'SCALING_NOTHING_DECIDED',
    message: `Nothing has been decided about the size of ${job}: ${why}.`,
    metadata: { job, why },
  });
}

/** All decisions that are kept are later than asked for. */
export function noDecisionsAt(of: string, atMs: number, oldestMs: number): TesseraError {
  const [at, oldest] = [atMs, oldestMs].map((ms) => new Date(ms).toISOString());
  return new TesseraError({
    code: Code.NOT_FOUND,
    reason: 'SCALING_DECISION_NOT_FOUND',
    message: `No decision of ${of} until ${at} is kept; the oldest is of ${oldest}.`,
    metadata: { of, at: at!, oldest: oldest! },
  });
}

/** A file that decisions are to be written to. */
export function fileUnwritable(file: string, cause: unknown): TesseraError {
  return new TesseraError({
    code: Code.INVALID_ARGUMENT,
    reason: 'FILE_UNWRITABLE',
    message: `${file} cannot be written: ${messageOf(cause)}.`,
    metadata: { file },
    cause,
  });
}
