import { Code, TesseraError } from '@tessera/base';

/** No endpoint answered in time. What was asked for has not happened. */
export function etcdUnavailable(endpoints: readonly string[], detail: string): TesseraError {
  const tried = endpoints.join(', ');
  return new TesseraError({
    code: Code.UNAVAILABLE,
    reason: 'ETCD_UNAVAILABLE',
    message: `etcd did not answer at ${tried} (${detail}); is a majority of its members up and reachable? Try again.`,
    metadata: { endpoints: tried, detail },
  });
}

/** Members answer, but they have no leader: a majority of them is down or cut off. */
export function etcdNoLeader(endpoints: readonly string[]): TesseraError {
  const tried = endpoints.join(', ');
  return new TesseraError({
    code: Code.UNAVAILABLE,
    reason: 'ETCD_NO_LEADER',
    message: `etcd at ${tried} has no leader: a majority of its members is down or cut off. Bring them back, then try again.`,
    metadata: { endpoints: tried },
  });
}

/** The write was sent and then nothing was heard until time was up: it may have taken effect. */
export function writeOutcomeUnknown(detail: string): TesseraError {
  return new TesseraError({
    code: Code.DEADLINE_EXCEEDED,
    reason: 'WRITE_OUTCOME_UNKNOWN',
    message: `etcd did not say whether a write took effect (${detail}); read before writing again.`,
    metadata: { detail },
  });
}

/** Revisions of the two have nothing to do with each other, so nothing that was read before may be relied on. */
export function etcdClusterChanged(before: string, now: string): TesseraError {
  return new TesseraError({
    code: Code.FAILED_PRECONDITION,
    reason: 'ETCD_CLUSTER_CHANGED',
    message: `The endpoints lead to another etcd than at the start (${before}, now ${now}); correct the endpoints, or restart the metadata daemon if this is meant.`,
    metadata: { before, now },
  });
}

/** One of them would be asked when another is away, and answer for somebody else. */
export function etcdClustersDiffer(endpoints: readonly string[]): TesseraError {
  const each = endpoints.join(', ');
  return new TesseraError({
    code: Code.FAILED_PRECONDITION,
    reason: 'ETCD_CLUSTERS_DIFFER',
    message: `The endpoints are members of different etcds (${each}); name members of one.`,
    metadata: { endpoints: each },
  });
}

/** etcd accepts no writes until a member whose data differs from the others' was replaced. */
export function etcdCorrupt(): TesseraError {
  return new TesseraError({
    code: Code.DATA_LOSS,
    reason: 'ETCD_CORRUPT',
    message:
      'etcd has found that its members hold different data and takes no writes; remove the member that its alarm names (etcdctl alarm list), add it again empty, then disarm the alarm.',
  });
}

/** etcd accepts no writes until space has been freed and its alarm is disarmed. Nothing was changed. */
export function etcdNoSpace(): TesseraError {
  return new TesseraError({
    code: Code.RESOURCE_EXHAUSTED,
    reason: 'ETCD_NO_SPACE',
    message:
      'etcd has used up its space quota and nothing was changed; compact and defragment it (or raise --quota-backend-bytes), then disarm the alarm (etcdctl alarm disarm).',
  });
}

export function etcdBusy(): TesseraError {
  return new TesseraError({
    code: Code.RESOURCE_EXHAUSTED,
    reason: 'ETCD_BUSY',
    message: 'etcd has too many requests waiting and nothing was changed; try again later.',
  });
}

export function etcdUnauthenticated(detail: string): TesseraError {
  return new TesseraError({
    code: Code.FAILED_PRECONDITION,
    reason: 'ETCD_UNAUTHENTICATED',
    message: `etcd does not accept who the metadata daemon says it is (${detail}); check store.username, the password and the certificates.`,
    metadata: { detail },
  });
}

export function etcdPermissionDenied(prefix: string): TesseraError {
  return new TesseraError({
    code: Code.FAILED_PRECONDITION,
    reason: 'ETCD_PERMISSION_DENIED',
    message: `etcd does not let the metadata daemon read and write the keys below ${JSON.stringify(prefix)}; grant its user a role with readwrite on that prefix.`,
    metadata: { prefix },
  });
}

/** etcd runs with lower limits than a transaction of the store may need. Nothing was changed. */
export function etcdLimitTooLow(flag: string, wanted: number): TesseraError {
  return new TesseraError({
    code: Code.FAILED_PRECONDITION,
    reason: 'ETCD_LIMIT_TOO_LOW',
    message: `etcd refused a transaction for its size and nothing was changed; start its members with ${flag}=${wanted}.`,
    metadata: { flag, wanted: `${wanted}` },
  });
}

/** etcd refused a call for a reason that this version does not know. */
export function etcdRefused(detail: string): TesseraError {
  return new TesseraError({
    code: Code.FAILED_PRECONDITION,
    reason: 'ETCD_REFUSED',
    message: `etcd refused a call: ${detail}.`,
    metadata: { detail },
  });
}

export function etcdPlaintextRefused(endpoint: string): TesseraError {
  return new TesseraError({
    code: Code.INVALID_ARGUMENT,
    reason: 'PLAINTEXT_REFUSED',
    message: `Refusing to talk to etcd at ${endpoint} in plain text: use https:// and set store.tls, or a loopback address.`,
    metadata: { endpoint },
  });
}

export function etcdFileUnreadable(setting: string, file: string, detail: string): TesseraError {
  return new TesseraError({
    code: Code.FAILED_PRECONDITION,
    reason: 'ETCD_FILE_UNREADABLE',
    message: `${setting} ${file} could not be read (${detail}); correct the path or the permissions.`,
    metadata: { setting, file, detail },
  });
}
