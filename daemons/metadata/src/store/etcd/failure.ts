import { Code, storeLimits, type TesseraError } from '@tessera/base';
import type { ClientError } from 'nice-grpc-common';
import {
  etcdBusy,
  etcdCorrupt,
  etcdLimitTooLow,
  etcdNoSpace,
  etcdPermissionDenied,
  etcdRefused,
  etcdUnauthenticated,
} from './errors.ts';

/** Comparisons and operations that one transaction of the driver may come to: its own are added to the store's. */
export const transactionOperations = 4 * storeLimits.operations;

/** `--max-request-bytes`: a transaction with the keys and the frame around its values. */
export const requestBytes = storeLimits.transactionBytes + 2 * 1024 * 1024;

/**
 * What a failed call means. `refused`: etcd has decided, repeating changes nothing. `lost`: no answer, the
 * call may have taken effect or may yet do so. `notSent` and `noLeader`: it has not, and will not.
 */
export type Failure =
  | { readonly kind: 'refused'; readonly error: TesseraError }
  | { readonly kind: 'compacted' | 'future' | 'leaseNotFound' | 'leaseExists' | 'tokenExpired' }
  | { readonly kind: 'lost' | 'notSent' | 'noLeader'; readonly detail: string };

/** etcd says what happened by a gRPC code and a sentence that it never changes. */
export function failureOf({ code, details }: ClientError, prefix: string): Failure {
  const says = (sentence: string) => details.includes(sentence);
  switch (code) {
    case Code.OUT_OF_RANGE:
      return { kind: says('compacted') ? 'compacted' : 'future' };
    case Code.NOT_FOUND:
      if (says('lease not found')) return { kind: 'leaseNotFound' };
      return refused(etcdRefused(details));
    case Code.FAILED_PRECONDITION:
      if (says('lease already exists')) return { kind: 'leaseExists' };
      return refused(etcdRefused(details));
    case Code.RESOURCE_EXHAUSTED:
      if (says('database space exceeded')) return refused(etcdNoSpace());
      return refused(says('larger than max') ? tooLarge() : etcdBusy());
    case Code.INVALID_ARGUMENT:
      return refused(invalid(details));
    case Code.UNAUTHENTICATED:
      return { kind: 'tokenExpired' };
    case Code.PERMISSION_DENIED:
      return refused(etcdPermissionDenied(prefix));
    case Code.UNAVAILABLE:
      if (says('no leader')) return { kind: 'noLeader', detail: details };
      // grpc-js: the connection could not even be made.
      if (says('No connection established')) return { kind: 'notSent', detail: details };
      return { kind: 'lost', detail: details };
    case Code.DATA_LOSS:
      return says('corrupt') ? refused(etcdCorrupt()) : { kind: 'lost', detail: details };
    default:
      return { kind: 'lost', detail: details };
  }
}

function refused(error: TesseraError): Failure {
  return { kind: 'refused', error };
}

function tooLarge(): TesseraError {
  return etcdLimitTooLow('--max-request-bytes', requestBytes);
}

function invalid(details: string): TesseraError {
  if (details.includes('too many operations')) {
    return etcdLimitTooLow('--max-txn-ops', transactionOperations);
  }
  if (details.includes('too large')) return tooLarge();
  if (details.includes('authentication failed') || details.includes('user name is empty')) {
    return etcdUnauthenticated(details);
  }
  return etcdRefused(details);
}
