import { Code, TesseraError } from '@tessera/base';

/** Bytes that are no record of scaling decisions, or one of a version that is not known here. */
export function scalingDecisionInvalid(problem: string): TesseraError {
  return new TesseraError({
    code: Code.INVALID_ARGUMENT,
    reason: 'SCALING_DECISION_INVALID',
    message: `This is no record of scaling decisions that can be read here: ${problem}. Records are written by this version of Tessera or an older one.`,
    metadata: { problem },
  });
}
