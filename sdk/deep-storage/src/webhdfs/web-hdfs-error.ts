import { messageOf } from '@tessera/base';
import { deepStorageDenied, deepStorageFull, deepStorageUnavailable } from '../errors.ts';

/** What HDFS answers when a call fails: the Java exception by its short name. */
export class WebHdfsError extends Error {
  readonly exception: string;

  constructor(exception: string, message: string) {
    super(`${exception}: ${message}`);
    this.name = 'WebHdfsError';
    this.exception = exception;
  }
}

/** The failure that an answer with an error status tells of. */
export function errorOfAnswer(status: number, body: string): WebHdfsError {
  try {
    const { exception, message } = JSON.parse(body).RemoteException;
    // The first line says what happened; a stack trace may follow.
    return new WebHdfsError(String(exception), String(message).split('\n')[0]!);
  } catch {
    return new WebHdfsError('HttpStatus', `the server answers ${status}`);
  }
}

export function isMissing(error: unknown): boolean {
  return exceptionOf(error) === 'FileNotFoundException';
}

/** Another name node may serve the call, or this one later: connections that fail count as well. */
export function isElsewhere(error: unknown): boolean {
  const exception = exceptionOf(error);
  return exception === undefined || exception === 'StandbyException' || exception === 'HttpStatus';
}

/** The failure of deep storage that an error stands for. */
export function failureOf(where: string, error: unknown): Error {
  switch (exceptionOf(error)) {
    case 'AccessControlException':
    case 'AuthorizationException':
    case 'SecurityException':
      return deepStorageDenied(where, error);
    case 'DSQuotaExceededException':
    case 'NSQuotaExceededException':
    case 'QuotaByStorageTypeExceededException':
    case 'DiskOutOfSpaceException':
      return deepStorageFull(where, error);
    default:
      return deepStorageUnavailable(where, new Error(messageOf(error), { cause: error }));
  }
}

function exceptionOf(error: unknown): string | undefined {
  return error instanceof WebHdfsError ? error.exception : undefined;
}
