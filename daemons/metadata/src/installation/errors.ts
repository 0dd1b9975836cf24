import { Code, TesseraError } from '@tessera/base';

/** A later version of Tessera has raised the format of what the store holds. */
export function catalogNewer(format: number, known: number): TesseraError {
  return new TesseraError({
    code: Code.FAILED_PRECONDITION,
    reason: 'CATALOG_NEWER',
    message: `What the metadata store holds has format ${format}, and this version knows ${known}: start a newer metadata daemon, or restore a backup that was made before the upgrade into another store. Nothing was changed.`,
    metadata: { format: `${format}`, known: `${known}` },
  });
}

export function installationUnreadable(detail: string): TesseraError {
  return new TesseraError({
    code: Code.DATA_LOSS,
    reason: 'INSTALLATION_UNREADABLE',
    message: `The record of the installation in the metadata store is damaged (${detail}); restore the store from a backup. It was left as it is.`,
    metadata: { detail },
  });
}

/** Nothing was restored. */
export function restoreForeign(store: string, backup: string): TesseraError {
  return new TesseraError({
    code: Code.FAILED_PRECONDITION,
    reason: 'RESTORE_FOREIGN',
    message: `The metadata store is of the installation ${store} and the backup of another one, ${backup}: is the address right? If what ${store} holds is to be lost, name it (tessera restore --replace --installation ${store}). Nothing was changed.`,
    metadata: { store, backup },
  });
}
