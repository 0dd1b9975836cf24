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

/** A decision that was made again came out otherwise. */
export function replayDiffers(count: number, decisions: number): TesseraError {
  return new TesseraError({
    code: Code.FAILED_PRECONDITION,
    reason: 'SCALING_REPLAY_DIFFERS',
    message: `${count} of ${decisions} decisions come out otherwise when they are made again: is the strategy of another version, or does it look at a clock?`,
    metadata: { count: String(count), decisions: String(decisions) },
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
