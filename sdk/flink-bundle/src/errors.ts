import { Code, messageOf, TesseraError } from '@tessera/base';

/** Nobody has recorded what the files of that version are. */
export function versionUnknown(version: string, known: readonly string[]): TesseraError {
  return new TesseraError({
    code: Code.INVALID_ARGUMENT,
    reason: 'FLINK_VERSION_UNKNOWN',
    message: `The files of Flink ${version} are not known, only those of ${known.join(', ')}. Download its distribution and give it with --tarball.`,
    metadata: { version, known: known.join(',') },
  });
}

/** The tarball holds another version than was asked for. */
export function versionDiffers(file: string, found: string, wanted: string): TesseraError {
  return new TesseraError({
    code: Code.INVALID_ARGUMENT,
    reason: 'FLINK_VERSION_DIFFERS',
    message: `${file} holds Flink ${found}, not ${wanted}: give the version that it holds, or another tarball.`,
    metadata: { file, found, wanted },
  });
}

/** A tarball whose checksum nobody has said: it would be taken on trust. */
export function checksumUnknown(file: string): TesseraError {
  return new TesseraError({
    code: Code.INVALID_ARGUMENT,
    reason: 'FLINK_CHECKSUM_UNKNOWN',
    message: `What ${file} should be is not known: put the ${file}.sha512 that Flink publishes beside it, or give the checksum with --sha512.`,
    metadata: { file },
  });
}

/** A file is not what was published: it was cut off, damaged or changed. Nothing was made of it. */
export function checksumWrong(
  file: string,
  { found, wanted }: { readonly found: string; readonly wanted: string },
): TesseraError {
  return new TesseraError({
    code: Code.DATA_LOSS,
    reason: 'FLINK_CHECKSUM_WRONG',
    message: `${file} is not what was published: its checksum is ${found}, not ${wanted}. Download it again.`,
    metadata: { file, found, wanted },
  });
}

/** A tarball that is no distribution of Flink, or not all of one. */
export function tarballInvalid(file: string, problem: string): TesseraError {
  return new TesseraError({
    code: Code.INVALID_ARGUMENT,
    reason: 'FLINK_TARBALL_INVALID',
    message: `${file} is no distribution of Flink: ${problem}.`,
    metadata: { file, problem },
  });
}

/** A program that fetches packages is not installed. */
export function toolMissing(program: string): TesseraError {
  return new TesseraError({
    code: Code.FAILED_PRECONDITION,
    reason: 'FLINK_TOOL_MISSING',
    message: `${program} is needed to fetch Flink's packages: install it, or download the distribution and give it with --tarball.`,
    metadata: { program },
  });
}

/** A package could not be fetched. */
export function fetchFailed(command: string, said: string): TesseraError {
  return new TesseraError({
    code: Code.UNAVAILABLE,
    reason: 'FLINK_FETCH_FAILED',
    message: `'${command}' has failed; try again when its package registry can be reached:\n${said}`,
    metadata: { command, said },
  });
}

/** The disk cannot hold what a bundle is made of. What was written is deleted. */
export function noSpace(folder: string, cause?: unknown): TesseraError {
  return new TesseraError({
    code: Code.RESOURCE_EXHAUSTED,
    reason: 'FLINK_BUNDLE_NO_SPACE',
    message: `There is not enough space in ${folder}${cause === undefined ? '' : ` (${messageOf(cause)})`}: free some, or name a folder on another disk with TMPDIR.`,
    metadata: { folder },
    cause,
  });
}
