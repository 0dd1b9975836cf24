import { Code, type FieldViolation, messageOf, TesseraError } from '@tessera/base';

/** Failures of builds and other operations. Reasons are never renamed. */

export function notLeader(): TesseraError {
  return new TesseraError({
    code: Code.UNAVAILABLE,
    reason: 'NOT_LEADER',
    message:
      'This scheduler has lost its leadership; the work goes on under another one. Try again.',
  });
}

export function operationCancelled(operation: string): TesseraError {
  return new TesseraError({
    code: Code.CANCELLED,
    reason: 'CANCELLED',
    message: `${operation} was cancelled; segments that it had published by then stay, nothing else of it does.`,
    metadata: { operation },
  });
}

export function sourceChanged(table: string): TesseraError {
  return new TesseraError({
    code: Code.ABORTED,
    reason: 'SOURCE_CHANGED',
    message: `${table} changed while it was read, so nothing was published; build again.`,
    metadata: { table },
  });
}

export function modelChanged(model: string): TesseraError {
  return new TesseraError({
    code: Code.ABORTED,
    reason: 'MODEL_CHANGED',
    message: `Model ${model} or its cube changed during the build, so nothing was published; build again.`,
    metadata: { model },
  });
}

export function buildIncomplete(segment: string, layout: string): TesseraError {
  return new TesseraError({
    code: Code.DATA_LOSS,
    reason: 'BUILD_INCOMPLETE',
    message: `The engine reported no verified file for layout ${layout} of segment ${segment}; nothing was published.`,
    metadata: { segment, layout },
  });
}

export function rowsDisagree(
  segment: string,
  layout: string,
  counted: bigint,
  expected: bigint,
): TesseraError {
  return new TesseraError({
    code: Code.DATA_LOSS,
    reason: 'ROW_COUNTS_DISAGREE',
    message: `Layout ${layout} of segment ${segment} has ${counted} rows where at most ${expected} rows were read; nothing was published.`,
    metadata: { segment, layout, counted: String(counted), expected: String(expected) },
  });
}

export function rowsNotCovered(covered: bigint, expected: bigint): TesseraError {
  return new TesseraError({
    code: Code.DATA_LOSS,
    reason: 'ROWS_NOT_COVERED',
    message: `The segments of this build hold ${covered} rows where the source has ${expected}, so its last pass was not published. Look for values of the partition column that no segment's range takes in; meanwhile build a range of time without them.`,
    metadata: { covered: String(covered), expected: String(expected) },
  });
}

export function cubeWithoutCuboids(cube: string): TesseraError {
  return new TesseraError({
    code: Code.FAILED_PRECONDITION,
    reason: 'NO_CUBOIDS',
    message: `Cube ${cube} names no cuboids: give it groups, or plan it with 'tessera plan ${cube} --apply'.`,
    metadata: { cube },
  });
}

export function nothingInRange(cube: string): TesseraError {
  return new TesseraError({
    code: Code.FAILED_PRECONDITION,
    reason: 'NO_SEGMENTS_IN_RANGE',
    message: `No segment of ${cube} lies in the given range; 'tessera segments ${cube}' lists them.`,
    metadata: { cube },
  });
}

export function segmentsNotAdjacent(first: string, second: string): TesseraError {
  return new TesseraError({
    code: Code.FAILED_PRECONDITION,
    reason: 'SEGMENTS_NOT_ADJACENT',
    message: `Segments ${first} and ${second} have a hole or other segments between them; build what is missing first.`,
    metadata: { first, second },
  });
}

export function segmentsDiffer(first: string, second: string): TesseraError {
  return new TesseraError({
    code: Code.FAILED_PRECONDITION,
    reason: 'SEGMENTS_DIFFER',
    message: `Segments ${first} and ${second} have different layouts or lookup snapshots; refresh one of them first.`,
    metadata: { first, second },
  });
}

export function operationRunning(operation: string): TesseraError {
  return new TesseraError({
    code: Code.FAILED_PRECONDITION,
    reason: 'OPERATION_RUNNING',
    message: `${operation} is still going on; cancel it before deleting it.`,
    metadata: { operation },
  });
}

/** @param project whose operations they are; absent: those of all */
export function tooManyOperations(limit: number, project?: string): TesseraError {
  const whose = project === undefined ? '' : ` of project ${project}`;
  return new TesseraError({
    code: Code.RESOURCE_EXHAUSTED,
    reason: 'OPERATION_QUEUE_FULL',
    message: `${limit} operations${whose} are waiting already; wait for some of them, or cancel them.`,
    metadata: { limit: String(limit) },
    retryAfterMs: operationRetryMs,
  });
}

/** Builds take their time, and so does their queue. */
const operationRetryMs = 10_000;

export function startedTooOften(operation: string, limit: number): TesseraError {
  return new TesseraError({
    code: Code.FAILED_PRECONDITION,
    reason: 'STARTED_TOO_OFTEN',
    message: `${operation} was started ${limit} times without coming to an end; see the scheduler's log, then ask for it again.`,
    metadata: { operation, limit: String(limit) },
  });
}

export function operationGivenUp(operation: string): TesseraError {
  return new TesseraError({
    code: Code.ABORTED,
    reason: 'OPERATION_GIVEN_UP',
    message: `${operation} has ended already; what came after that is not taken.`,
    metadata: { operation },
  });
}

/** A part of a merge is no longer there: somebody dropped or replaced it after the merge was decided. */
export function segmentGone(segment: string): TesseraError {
  return new TesseraError({
    code: Code.ABORTED,
    reason: 'SEGMENT_GONE',
    message: `Segment ${segment} is no longer there, so it was not merged; list the segments and ask again.`,
    metadata: { segment },
  });
}

/** A connector plugin threw something of its own. */
export function sourceFailed(
  source: string,
  table: string,
  plugin: string,
  cause: unknown,
): TesseraError {
  return new TesseraError({
    code: Code.FAILED_PRECONDITION,
    reason: 'SOURCE_FAILED',
    message: `${source}.${table} could not be read: ${plugin} failed with ${messageOf(cause)}. Nothing was published; see what is wrong with the source.`,
    metadata: { source, table, plugin },
    cause,
  });
}

/** Storage daemons register, but none of them on the scheduler's host, where an engine could write to it. */
export function noStorageOnHost(hostname: string): TesseraError {
  return new TesseraError({
    code: Code.UNAVAILABLE,
    reason: 'NO_STORAGE_ON_HOST',
    message: `No storage node is alive on ${hostname}, where builds are staged; start a storage daemon there, or set buildNode.`,
    metadata: { hostname },
  });
}

/** Neither the nodes that were asked nor the building node could take all files. */
export function noReplica(item: string): TesseraError {
  return new TesseraError({
    code: Code.UNAVAILABLE,
    reason: 'NO_REPLICA',
    message: `No storage node could take all files of ${item}, so nothing was published; see what is wrong with the storage nodes, and build again.`,
    metadata: { item },
  });
}

export function buildNodeAway(node: string): TesseraError {
  return new TesseraError({
    code: Code.UNAVAILABLE,
    reason: 'BUILD_NODE_AWAY',
    message: `Storage node ${node}, which builds go through, is not alive; start its daemon, or set another buildNode.`,
    metadata: { node },
  });
}

/** A job cannot be started: nobody has its program. */
export function artifactInNoHost(artifact: string): TesseraError {
  return new TesseraError({
    code: Code.FAILED_PRECONDITION,
    reason: 'ARTIFACT_IN_NO_HOST',
    message: `No host that is alive has ${artifact}: put it with 'tessera artifact put FILE'.`,
    metadata: { artifact },
  });
}

export function artifactDamaged(artifact: string, host: string): TesseraError {
  return new TesseraError({
    code: Code.DATA_LOSS,
    reason: 'ARTIFACT_DAMAGED',
    message: `What ${host} sends as ${artifact} has another digest. Delete it there and put it again.`,
    metadata: { artifact, host },
  });
}

export function sqlGatewaySilent(cluster: string): TesseraError {
  return new TesseraError({
    code: Code.UNAVAILABLE,
    reason: 'SQL_GATEWAY_SILENT',
    message: `The SQL gateway of ${cluster} does not run yet; the job is submitted when it does.`,
    metadata: { cluster },
  });
}

/** An option that declares a quota of Flink clusters cannot be read. */
export function quotaInvalid(text: string, fault: string): TesseraError {
  return new TesseraError({
    code: Code.INVALID_ARGUMENT,
    reason: 'FLINK_QUOTA_INVALID',
    message: `--flink-quota is ${JSON.stringify(text)}: ${fault}. Write NAME=slots:16,cpu:8,memory:32GiB, or only those that are bounded.`,
    metadata: { text, fault },
  });
}

/** A cluster that would be placed without a limit otherwise. */
export function quotaUndeclared(quota: string): TesseraError {
  return new TesseraError({
    code: Code.FAILED_PRECONDITION,
    reason: 'FLINK_QUOTA_UNDECLARED',
    message: `No quota ${quota} is declared, so the cluster gets no more than it has: start every scheduler with --flink-quota ${quota}=…, or name another quota or none.`,
    metadata: { quota },
  });
}

/** Plugins that a job is to be sized by are not installed here, or do not take their options. */
export function scalingRefused(violations: readonly FieldViolation[]): TesseraError {
  const faults = violations.map(({ description }) => description).join(' ');
  return new TesseraError({
    code: Code.INVALID_ARGUMENT,
    reason: 'SCALING_REFUSED',
    message: `No job can be kept the right size in this way: ${faults}`,
    violations,
  });
}
