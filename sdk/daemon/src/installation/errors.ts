import { Code, messageOf, TesseraError } from '@tessera/base';

/** What a daemon has of one installation would be looked after, and perhaps deleted, by another. Nothing was changed. */
export function installationMismatch(file: string, noted: string, found: string): TesseraError {
  return new TesseraError({
    code: Code.FAILED_PRECONDITION,
    reason: 'INSTALLATION_MISMATCH',
    message: `This daemon belongs to the installation ${noted} (noted in ${file}), but its metadata is ${found === '' ? 'empty' : `of the installation ${found}`}: correct the addresses, or restore the backup. Only if the daemon shall belong there from now on, delete ${file}. Nothing was changed.`,
    metadata: { file, noted, found },
  });
}

export function installationNoteUnusable(file: string, cause: unknown): TesseraError {
  const detail = messageOf(cause);
  return new TesseraError({
    code: Code.FAILED_PRECONDITION,
    reason: 'INSTALLATION_NOTE_UNUSABLE',
    message: `Which installation this daemon belongs to is noted in ${file}, which cannot be read or written (${detail}); correct its permissions.`,
    metadata: { file, detail },
    cause,
  });
}
