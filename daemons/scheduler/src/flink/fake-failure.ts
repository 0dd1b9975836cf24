import { Code, TesseraError } from '@tessera/base';

/** What fake daemons fail with. */
export function failure(reason: string): TesseraError {
  return new TesseraError({ code: Code.UNAVAILABLE, reason, message: `It fails: ${reason}.` });
}
