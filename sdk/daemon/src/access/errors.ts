import { Code, TesseraError } from '@tessera/base';

export function tokenMissing(): TesseraError {
  return new TesseraError({
    code: Code.UNAUTHENTICATED,
    reason: 'TOKEN_MISSING',
    message:
      'Access is controlled here: sign in with `tessera login`, or give a token with --token or TESSERA_TOKEN.',
  });
}

/** @param needed the function, or several of which one is enough with `or` between them */
export function permissionDenied(needed: string, method: string): TesseraError {
  return new TesseraError({
    code: Code.PERMISSION_DENIED,
    reason: 'PERMISSION_DENIED',
    message: `${method} needs a role that permits ${needed} there: ask an administrator.`,
    metadata: { function: needed, method },
  });
}

/** What daemons do among each other: it would lead around what users may see, or say what is true. */
export function servicesOnly(method: string): TesseraError {
  return new TesseraError({
    code: Code.PERMISSION_DENIED,
    reason: 'SERVICES_ONLY',
    message: `${method} is for daemons whose work it is, named by their certificates or their own tokens.`,
    metadata: { method },
  });
}

export function accessUnknown(access: string): TesseraError {
  return new TesseraError({
    code: Code.INVALID_ARGUMENT,
    reason: 'ACCESS_UNKNOWN',
    message: `--access is ${JSON.stringify(access)}: it can be open or controlled.`,
    metadata: { access },
  });
}

/** What is not recorded is not done. */
export function auditUnavailable(cause: unknown): TesseraError {
  return new TesseraError({
    code: Code.UNAVAILABLE,
    reason: 'AUDIT_UNAVAILABLE',
    message:
      'The call cannot be written to the audit log, so it is not carried out: is the disk full?',
    cause,
  });
}
