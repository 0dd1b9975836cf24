import { Code, messageOf, TesseraError } from '@tessera/base';

/** The folder of a report, or a file in it, that cannot be written. */
export function reportUnwritable(file: string, cause: unknown): TesseraError {
  return new TesseraError({
    code: Code.INVALID_ARGUMENT,
    reason: 'REPORT_UNWRITABLE',
    message: `${file} cannot be written: ${messageOf(cause)}; give a folder that may be.`,
    metadata: { file },
    cause,
  });
}
