import { Code, type FieldViolation, resourceIdOf, TesseraError } from '@tessera/base';

export function configInvalid(violations: readonly FieldViolation[]): TesseraError {
  const faults = violations.map(({ field, description }) => `${field}: ${description}`).join('; ');
  return new TesseraError({
    code: Code.INVALID_ARGUMENT,
    reason: 'METADATA_CONFIG_INVALID',
    message: `The configuration of the metadata daemon is not valid: ${faults}`,
    violations,
  });
}

/** What can go wrong in the store; the failures of resources are further down. */

export function compacted(revision: bigint, compactRevision: bigint): TesseraError {
  return new TesseraError({
    code: Code.OUT_OF_RANGE,
    reason: 'REVISION_COMPACTED',
    message: `Revision ${revision} has been compacted, the oldest is ${compactRevision}; list again and continue from there.`,
    metadata: { revision: `${revision}`, compactRevision: `${compactRevision}` },
  });
}

export function futureRevision(revision: bigint, newest: bigint): TesseraError {
  return new TesseraError({
    code: Code.OUT_OF_RANGE,
    reason: 'REVISION_FUTURE',
    message: `Revision ${revision} does not exist yet, the newest is ${newest}.`,
    metadata: { revision: `${revision}`, newest: `${newest}` },
  });
}

export function badKey(key: string, why: string): TesseraError {
  const shown = key.length > 100 ? `${key.slice(0, 100)}…` : key;
  return new TesseraError({
    code: Code.INVALID_ARGUMENT,
    reason: 'BAD_KEY',
    message: `Key ${JSON.stringify(shown)} ${why}.`,
    metadata: { key: shown },
  });
}

export function duplicateKey(key: string): TesseraError {
  return new TesseraError({
    code: Code.INVALID_ARGUMENT,
    reason: 'DUPLICATE_KEY',
    message: `Key ${JSON.stringify(key)} is written twice in one list of operations; write it once.`,
    metadata: { key },
  });
}

export function tooManyOperations(count: number, limit: number): TesseraError {
  return new TesseraError({
    code: Code.INVALID_ARGUMENT,
    reason: 'TOO_MANY_OPERATIONS',
    message: `A transaction of ${count} comparisons or operations is over the limit of ${limit}; split it.`,
    metadata: { count: `${count}`, limit: `${limit}` },
  });
}

export function valueTooLarge(sizeBytes: number, limitBytes: number): TesseraError {
  return new TesseraError({
    code: Code.INVALID_ARGUMENT,
    reason: 'VALUE_TOO_LARGE',
    message: `${sizeBytes} bytes in one value or transaction are over the limit of ${limitBytes}; store less in one resource or split the write.`,
    metadata: { sizeBytes: `${sizeBytes}`, limitBytes: `${limitBytes}` },
  });
}

export function badLeaseTtl(ttlMs: number): TesseraError {
  return new TesseraError({
    code: Code.INVALID_ARGUMENT,
    reason: 'BAD_LEASE_TTL',
    message: `A lease of ${ttlMs} ms cannot be granted; ask for 1 ms to 1 day.`,
    metadata: { ttlMs: `${ttlMs}` },
  });
}

export function leaseNotFound(id: bigint): TesseraError {
  return new TesseraError({
    code: Code.NOT_FOUND,
    reason: 'LEASE_NOT_FOUND',
    message: `Lease ${id} has ended or never existed; acquire a new one.`,
    metadata: { lease: `${id}` },
  });
}

export function storeClosed(): TesseraError {
  return new TesseraError({
    code: Code.UNAVAILABLE,
    reason: 'STORE_CLOSED',
    message: 'The metadata store is closed; try again when the daemon is back.',
  });
}

/** More writes wait for the disk than the queue may hold. */
export function storeBusy(limit: number): TesseraError {
  return new TesseraError({
    code: Code.RESOURCE_EXHAUSTED,
    reason: 'STORE_BUSY',
    message: `${limit} writes are waiting for the metadata store already; try again later.`,
    metadata: { limit: `${limit}` },
  });
}

export function tooManyWatches(limit: number): TesseraError {
  return new TesseraError({
    code: Code.RESOURCE_EXHAUSTED,
    reason: 'TOO_MANY_WATCHES',
    message: `${limit} watches are open already, which is the limit.`,
    metadata: { limit: `${limit}` },
  });
}

/** Nothing of the failed writes was kept; what was acknowledged before still is. */
export function storeWriteFailed(file: string, cause: unknown): TesseraError {
  const detail = cause instanceof Error ? cause.message : String(cause);
  return new TesseraError({
    code: Code.UNAVAILABLE,
    reason: 'STORE_WRITE_FAILED',
    message: `The metadata store ${file} could not be written (${detail}): nothing was changed. Make room on the disk, then try again.`,
    metadata: { file, detail },
    cause,
  });
}

export function storeLocked(file: string): TesseraError {
  return new TesseraError({
    code: Code.FAILED_PRECONDITION,
    reason: 'STORE_LOCKED',
    message: `The metadata store ${file} is in use by another process; stop that one or choose another data directory.`,
    metadata: { file },
  });
}

/** A later version of Tessera wrote the store. */
export function storeNewer(file: string, format: number, known: number): TesseraError {
  return new TesseraError({
    code: Code.FAILED_PRECONDITION,
    reason: 'STORE_NEWER',
    message: `The metadata store ${file} has format ${format}, and this version knows ${known}: start a newer one, or restore a backup that was made before the upgrade into another store. It was left as it is.`,
    metadata: { file, format: String(format), known: String(known) },
  });
}

export function storeCorrupt(file: string, detail: string): TesseraError {
  return new TesseraError({
    code: Code.DATA_LOSS,
    reason: 'STORE_CORRUPT',
    message: `The metadata store ${file} is damaged (${detail}); restore it from a backup. It was left as it is.`,
    metadata: { file, detail },
  });
}

export function storeUnreadable(file: string, cause: unknown): TesseraError {
  const detail = cause instanceof Error ? cause.message : String(cause);
  return new TesseraError({
    code: Code.UNAVAILABLE,
    reason: 'STORE_UNREADABLE',
    message: `The metadata store ${file} could not be read (${detail}).`,
    metadata: { file, detail },
    cause,
  });
}

export function restoreIncomplete(): TesseraError {
  return new TesseraError({
    code: Code.UNAVAILABLE,
    reason: 'RESTORE_INCOMPLETE',
    message:
      'The metadata store holds only a part of a backup: a restore is running, or was broken off. Try again when it is done; if none runs, restore again and replace.',
  });
}

/** What can go wrong with resources. */

export function notFound(kind: string, name: string): TesseraError {
  return new TesseraError({
    code: Code.NOT_FOUND,
    reason: `${kind.toUpperCase()}_NOT_FOUND`,
    message: `There is no ${words(kind)} ${name}; list what there is, or create it first.`,
    metadata: { name },
  });
}

export function alreadyExists(kind: string, name: string): TesseraError {
  return new TesseraError({
    code: Code.ALREADY_EXISTS,
    reason: `${kind.toUpperCase()}_EXISTS`,
    message: `The ${words(kind)} ${name} exists already; update it, or choose another id.`,
    metadata: { name },
  });
}

/** Somebody else wrote the resource since the caller read it. */
export function etagMismatch(name: string, etag: string): TesseraError {
  return new TesseraError({
    code: Code.ABORTED,
    reason: 'ETAG_MISMATCH',
    message: `${name} has changed since etag ${JSON.stringify(etag)}; read it again before writing.`,
    metadata: { name, etag },
  });
}

/** Like `etagMismatch`, of a segment that is being published or retired. */
export function segmentChanged(name: string, etag: string): TesseraError {
  return new TesseraError({
    code: Code.ABORTED,
    reason: 'SEGMENT_CHANGED',
    message: `Segment ${name} has changed since etag ${JSON.stringify(etag)}; read it again and decide again.`,
    metadata: { name, etag },
  });
}

export function modelChanged(name: string, etag: string): TesseraError {
  return new TesseraError({
    code: Code.ABORTED,
    reason: 'MODEL_CHANGED',
    message: `${name} has changed since etag ${JSON.stringify(etag)}, for which the segments were built, so nothing was published; build again.`,
    metadata: { name, etag },
  });
}

export function segmentsOverlap(first: string, second: string): TesseraError {
  return new TesseraError({
    code: Code.FAILED_PRECONDITION,
    reason: 'SEGMENTS_OVERLAP',
    message: `Segments ${first} and ${second} would both hold the same rows; retire one with the publication of the other.`,
    metadata: { first, second },
  });
}

export function fenced(lease: string, token: bigint): TesseraError {
  return new TesseraError({
    code: Code.ABORTED,
    reason: 'FENCED',
    message: `Token ${token} of ${lease} is not the newest: the lease was lost. Stop acting, acquire it again.`,
    metadata: { lease, token: `${token}` },
  });
}

/** A step of an operation arrived after the operation had ended, or was deleted; nothing was changed. */
export function operationEnded(operation: string): TesseraError {
  return new TesseraError({
    code: Code.ABORTED,
    reason: 'OPERATION_ENDED',
    message: `${operation} has ended, so nothing more is written for it.`,
    metadata: { operation },
  });
}

/** Every attempt met another writer; nothing was changed. */
export function contended(name: string): TesseraError {
  return new TesseraError({
    code: Code.ABORTED,
    reason: 'CONTENDED',
    message: `${name} is written by too many at once; nothing was changed, try again.`,
    metadata: { name },
  });
}

export function inUse(
  kind: 'source' | 'model' | 'snapshot',
  name: string,
  users: readonly string[],
): TesseraError {
  return new TesseraError({
    code: Code.FAILED_PRECONDITION,
    reason: `${kind.toUpperCase()}_IN_USE`,
    message: `The ${words(kind)} ${name} is used by ${users.join(', ')}; change or delete that first.`,
    metadata: { name, users: users.join(',') },
  });
}

export function projectNotEmpty(name: string, holds: string): TesseraError {
  return new TesseraError({
    code: Code.FAILED_PRECONDITION,
    reason: 'PROJECT_NOT_EMPTY',
    message: `The project ${name} still holds ${holds}; delete those first.`,
    metadata: { name, holds },
  });
}

/** Segments are retired before they are deleted: readers that began before keep theirs for the grace time. */
export function cubeNotEmpty(name: string): TesseraError {
  return new TesseraError({
    code: Code.FAILED_PRECONDITION,
    reason: 'CUBE_NOT_EMPTY',
    message: `The cube ${name} still holds segments. Drop them (tessera segments drop) and delete the cube when they are gone: a minute after they are retired, or after the grace time that is configured.`,
    metadata: { name, holds: 'segments' },
  });
}

export function badRequest(field: string, description: string): TesseraError {
  return new TesseraError({
    code: Code.INVALID_ARGUMENT,
    reason: 'BAD_REQUEST',
    message: `${field}: ${description}`,
    metadata: { field },
    violations: [{ field, description }],
  });
}

export function badPageToken(): TesseraError {
  return new TesseraError({
    code: Code.INVALID_ARGUMENT,
    reason: 'BAD_PAGE_TOKEN',
    message: 'The page token belongs to another request or is damaged; start from the first page.',
  });
}

export function requestIdReused(requestId: string, name: string): TesseraError {
  return new TesseraError({
    code: Code.INVALID_ARGUMENT,
    reason: 'REQUEST_ID_REUSED',
    message: `Request id ${requestId} was used to write ${name}; make a new one for each request.`,
    metadata: { requestId, name },
  });
}

export function modelVersionUnknown(name: string, version: bigint): TesseraError {
  return new TesseraError({
    code: Code.OUT_OF_RANGE,
    reason: 'MODEL_VERSION_UNKNOWN',
    message: `Model ${name} never had a version ${version}; list its versions.`,
    metadata: { name, version: `${version}` },
  });
}

export function deploymentVersionUnknown(name: string, version: bigint): TesseraError {
  return new TesseraError({
    code: Code.OUT_OF_RANGE,
    reason: 'DEPLOYMENT_VERSION_UNKNOWN',
    message: `${name} never had a version ${version}; 'tessera deployment history' lists its versions.`,
    metadata: { name, version: `${version}` },
  });
}

export function flinkVersionUnknown(
  kind: 'flink_cluster' | 'flink_job',
  name: string,
  version: bigint,
): TesseraError {
  const listing =
    kind === 'flink_job'
      ? `'tessera flink job history ${resourceIdOf(name)}' lists its versions`
      : 'list its versions';
  return new TesseraError({
    code: Code.OUT_OF_RANGE,
    reason: `${kind.toUpperCase()}_VERSION_UNKNOWN`,
    message: `${name} never had a version ${version}; ${listing}.`,
    metadata: { name, version: `${version}` },
  });
}

/** One violation for each fault; `reasons` of the metadata names those that have a reason of their own. */
export function invalidFlink(
  kind: 'flink_cluster' | 'flink_job',
  name: string,
  faults: { readonly found: readonly FieldViolation[]; readonly reasons: readonly string[] },
): TesseraError {
  const [first, ...more] = faults.found;
  const others = more.length > 0 ? ` (and ${more.length} more)` : '';
  return new TesseraError({
    code: Code.INVALID_ARGUMENT,
    reason: `${kind.toUpperCase()}_INVALID`,
    message: `${name} is not valid: ${first?.field}: ${first?.description}${others}`,
    metadata: { name, reasons: faults.reasons.join(',') },
    violations: faults.found,
  });
}

/** A job is placed on what is not there. */
export function flinkClusterUnknown(job: string, cluster: string): TesseraError {
  const description = `There is no ${cluster}; create it first, or name another one.`;
  return new TesseraError({
    code: Code.NOT_FOUND,
    reason: 'FLINK_CLUSTER_NOT_FOUND',
    message: `${job} cannot be placed: ${description}`,
    metadata: { name: cluster, job },
    violations: [{ field: 'cluster', description }],
  });
}

export function flinkClusterHasJobs(name: string, jobs: readonly string[]): TesseraError {
  const shown = jobs.slice(0, 10).join(', ');
  const more = jobs.length > 10 ? ` and ${jobs.length - 10} more` : '';
  return new TesseraError({
    code: Code.FAILED_PRECONDITION,
    reason: 'FLINK_CLUSTER_HAS_JOBS',
    message: `${name} has jobs: ${shown}${more}. Delete them, or move them to another cluster, and wait until they have ended.`,
    metadata: { name, jobs: jobs.slice(0, 10).join(','), count: `${jobs.length}` },
  });
}

/** What an earlier one of that name has left running is still being stopped: its log has to be kept. */
export function flinkEnding(kind: 'flink_cluster' | 'flink_job', name: string): TesseraError {
  return new TesseraError({
    code: Code.FAILED_PRECONDITION,
    reason: `${kind.toUpperCase()}_ENDING`,
    message: `${name} was deleted, and what it has left running is still being stopped. Try again when its status is gone, or take another name.`,
    metadata: { name },
  });
}

/** Its status is the log of what runs for it. */
export function flinkPresent(kind: 'flink_cluster' | 'flink_job', name: string): TesseraError {
  return new TesseraError({
    code: Code.FAILED_PRECONDITION,
    reason: `${kind.toUpperCase()}_PRESENT`,
    message: `${name} is there, so its status stays; delete it first.`,
    metadata: { name },
  });
}

/** One violation for each fault of a spec. */
export function invalidSpec(
  kind: 'model' | 'cube' | 'deployment' | 'policy',
  name: string,
  violations: readonly FieldViolation[],
): TesseraError {
  const first = violations[0];
  const more = violations.length > 1 ? ` (and ${violations.length - 1} more)` : '';
  return new TesseraError({
    code: Code.INVALID_ARGUMENT,
    reason: `${kind.toUpperCase()}_INVALID`,
    message: `The ${kind} ${name} is not valid: ${first?.field}: ${first?.description}${more}`,
    metadata: { name },
    violations,
  });
}

export function journalEntryExists(name: string, state: string, etag: string): TesseraError {
  return new TesseraError({
    code: Code.ALREADY_EXISTS,
    reason: 'JOURNAL_ENTRY_EXISTS',
    message: `The step ${name} was journaled before and is ${state}; write it with its etag.`,
    metadata: { name, state, etag },
  });
}

/** A file that is published twice must be the same file. */
export function differs(kind: string, name: string): TesseraError {
  return new TesseraError({
    code: Code.ALREADY_EXISTS,
    reason: `${kind.toUpperCase()}_DIFFERS`,
    message: `The ${words(kind)} ${name} exists with other contents; give the new one another id.`,
    metadata: { name },
  });
}

export function leaseHeld(name: string, holder: string, expireTime: string): TesseraError {
  return new TesseraError({
    code: Code.ABORTED,
    reason: 'LEASE_HELD',
    message: `${name} is held by ${holder} until ${expireTime} at least; try again then.`,
    metadata: { name, holder, expireTime },
  });
}

export function leaseLost(name: string, token: bigint): TesseraError {
  return new TesseraError({
    code: Code.ABORTED,
    reason: 'LEASE_LOST',
    message: `${name} is no longer held with token ${token}; stop acting at once.`,
    metadata: { name, token: `${token}` },
  });
}

function words(kind: string): string {
  return kind.replaceAll('_', ' ');
}

/** Two machines cannot have one name: what is placed on it would be on either. */
export function hostNameTaken(name: string): TesseraError {
  return new TesseraError({
    code: Code.ALREADY_EXISTS,
    reason: 'HOST_NAME_TAKEN',
    message: `${name} is another machine, or another data directory of this one; choose another name, or delete the host when it is gone for good.`,
    metadata: { name },
  });
}

/** Its daemon would register it again at once. */
export function hostAlive(name: string, lease: string): TesseraError {
  return new TesseraError({
    code: Code.FAILED_PRECONDITION,
    reason: 'HOST_ALIVE',
    message: `${name} is alive: ${lease} is held. Stop its daemon, or wait until the lease has run out, then delete it.`,
    metadata: { name, lease },
  });
}

/** Two storage daemons cannot have one name: a replica on it would be on either. */
export function storageNodeNameTaken(name: string): TesseraError {
  return new TesseraError({
    code: Code.ALREADY_EXISTS,
    reason: 'STORAGE_NODE_NAME_TAKEN',
    message: `${name} is another storage daemon, or another data directory of this one; choose another name, or delete the node when it is gone for good.`,
    metadata: { name },
  });
}

/** Its daemon would register it again at once. */
export function storageNodeAlive(name: string, lease: string): TesseraError {
  return new TesseraError({
    code: Code.FAILED_PRECONDITION,
    reason: 'STORAGE_NODE_ALIVE',
    message: `${name} is alive: ${lease} is held. Stop its daemon, or wait until the lease has run out, then delete it.`,
    metadata: { name, lease },
  });
}

/** The same whatever was wrong: nobody learns which users there are. */
export function loginFailed(): TesseraError {
  return new TesseraError({
    code: Code.UNAUTHENTICATED,
    reason: 'LOGIN_FAILED',
    message: 'User or password is wrong, or the user may not sign in.',
  });
}

export function tooManyLogins(waitMs: number): TesseraError {
  const seconds = String(Math.ceil(waitMs / 1000));
  return new TesseraError({
    code: Code.RESOURCE_EXHAUSTED,
    reason: 'TOO_MANY_LOGINS',
    message: `Signing in failed too often for this user: wait ${seconds} s.`,
    metadata: { seconds },
  });
}

/** Of everybody, or of one address; who asks again soon is served. */
export function loginsBusy(limit: number, retryAfterMs: number): TesseraError {
  return new TesseraError({
    code: Code.RESOURCE_EXHAUSTED,
    reason: 'LOGINS_BUSY',
    message: `${limit} logins are under way already, which is the limit; try again in ${retryAfterMs} ms.`,
    metadata: { limit: `${limit}` },
    retryAfterMs,
  });
}

export function tokenExpired(): TesseraError {
  return new TesseraError({
    code: Code.UNAUTHENTICATED,
    reason: 'TOKEN_EXPIRED',
    message: 'The token has expired: sign in again, or make a new API token.',
  });
}

/** Issued in what is the future here. */
export function tokenNotYetValid(issuer: string, clockSkewMs: number): TesseraError {
  return new TesseraError({
    code: Code.UNAUTHENTICATED,
    reason: 'TOKEN_NOT_YET_VALID',
    message: `The token of ${issuer} is not valid yet: its issuer's clock is more than ${clockSkewMs / 1000} s ahead of ours. Let NTP set both, or raise clockSkewMs.`,
    metadata: { issuer, clockSkewMs: `${clockSkewMs}` },
  });
}

export function tokenInvalid(cause?: unknown): TesseraError {
  return new TesseraError({
    code: Code.UNAUTHENTICATED,
    reason: 'TOKEN_INVALID',
    message: 'The token is not one of this platform, was revoked, or its user may not sign in.',
    cause,
  });
}

/** Nobody can tell whether the token is good; it may be, later. */
export function identityProviderUnavailable(issuer: string, cause: unknown): TesseraError {
  return new TesseraError({
    code: Code.UNAVAILABLE,
    reason: 'IDENTITY_PROVIDER_UNAVAILABLE',
    message: `The keys of ${issuer} cannot be read, so its tokens cannot be checked: try again later.`,
    metadata: { issuer },
    cause,
  });
}

export function apiTokenNotFound(id: string): TesseraError {
  return new TesseraError({
    code: Code.NOT_FOUND,
    reason: 'API_TOKEN_NOT_FOUND',
    message: `The user has no API token ${id}; was it revoked already?`,
    metadata: { id },
  });
}

export function adminPasswordMissing(): TesseraError {
  return new TesseraError({
    code: Code.FAILED_PRECONDITION,
    reason: 'ADMIN_PASSWORD_MISSING',
    message:
      'Access is to be controlled and there are no users yet: give the password of the first one, admin, in a file with --admin-password-file.',
  });
}
