import { Code, messageOf, TesseraError } from '@tessera/base';

/** No file with that content is in deep storage. */
export function deepFileNotStored(digest: string): TesseraError {
  return new TesseraError({
    code: Code.NOT_FOUND,
    reason: 'DEEP_FILE_NOT_STORED',
    message: `Deep storage has no file ${digest}; copy it from a storage daemon that has it, or build the segment again.`,
    metadata: { digest },
  });
}

/** A file in deep storage is not what was stored. What was read of it must not be used. */
export function deepFileCorrupt(digest: string, found: string): TesseraError {
  return new TesseraError({
    code: Code.DATA_LOSS,
    reason: 'DEEP_FILE_CORRUPT',
    message: `File ${digest} in deep storage is damaged: its content has the digest ${found}. It is stored again from a storage daemon that has it when deep storage is next read again; without one, build the segment again.`,
    metadata: { digest, found },
  });
}

/** What was to be stored is not what its digest says. Nothing of it is visible. */
export function deepUploadMismatch(digest: string, found: string): TesseraError {
  return new TesseraError({
    code: Code.DATA_LOSS,
    reason: 'DEEP_UPLOAD_MISMATCH',
    message: `The content to be stored as ${digest} has the digest ${found}; verify the file that it was read from. Nothing was stored.`,
    metadata: { digest, found },
  });
}

/** Deep storage takes no more bytes. What was stored before is intact. */
export function deepStorageFull(where: string, cause: unknown): TesseraError {
  return new TesseraError({
    code: Code.RESOURCE_EXHAUSTED,
    reason: 'DEEP_STORAGE_FULL',
    message: `Deep storage at ${where} is full (${messageOf(cause)}); free space or raise the quota and try again. What was stored before is intact.`,
    metadata: { where },
    cause,
  });
}

/** Deep storage does not answer, or broke off. Trying again later is safe. */
export function deepStorageUnavailable(where: string, cause: unknown): TesseraError {
  return new TesseraError({
    code: Code.UNAVAILABLE,
    reason: 'DEEP_STORAGE_UNAVAILABLE',
    message: `Deep storage at ${where} cannot be used now (${messageOf(cause)}); try again later.`,
    metadata: { where },
    cause,
  });
}

/** Deep storage refuses this user. */
export function deepStorageDenied(where: string, cause: unknown): TesseraError {
  return new TesseraError({
    code: Code.PERMISSION_DENIED,
    reason: 'DEEP_STORAGE_DENIED',
    message: `Deep storage at ${where} refuses access (${messageOf(cause)}); give the daemon's user read and write permission there.`,
    metadata: { where },
    cause,
  });
}

/** A digest that is none. */
export function badDigest(digest: string): TesseraError {
  return new TesseraError({
    code: Code.INVALID_ARGUMENT,
    reason: 'BAD_DIGEST',
    message: `${JSON.stringify(digest)} is not a SHA-256 in hexadecimal; name a file by the digest of its content.`,
    metadata: { digest },
  });
}

/** What says where deep storage is cannot be understood. */
export function badDeepStorage(where: string): TesseraError {
  return new TesseraError({
    code: Code.INVALID_ARGUMENT,
    reason: 'BAD_DEEP_STORAGE',
    message: `${JSON.stringify(where)} is no deep storage; name a folder, such as file:///mnt/tessera, or HDFS, such as webhdfs://tessera@namenode:9870/tessera.`,
    metadata: { where },
  });
}
