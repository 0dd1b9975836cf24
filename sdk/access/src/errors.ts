import { Code, TesseraError } from '@tessera/base';

/**
 * A policy does not fit the table it is for, such as one that names a column that is gone. Whom it applies to is not
 * answered from that table until it is mended: an answer without it would show too much. What is wrong is the cause, and
 * not part of the message: it may name columns that the caller must not know of.
 */
export function policyInvalid(policy: string, table: string, cause: unknown): TesseraError {
  return new TesseraError({
    code: Code.FAILED_PRECONDITION,
    reason: 'POLICY_INVALID',
    message: `Access policy ${policy} does not fit table ${table}, so whoever it is for cannot query the table: ask an administrator to mend it.`,
    metadata: { policy, table },
    cause,
  });
}
