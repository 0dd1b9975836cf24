import { isTesseraError, resourceIdOf } from '@tessera/base';
import type {
  ClusterJournal,
  PlacedProcess,
  RejectedVersion,
  StartedProcess,
} from '@tessera/flink';
import { versionToRun } from '@tessera/flink';
import { flink, type Timestamp } from '@tessera/proto';
import { roleFromProto, roleToProto } from './roles.ts';

/** Between the status of a cluster in metadata and what decisions are made of. */

export function clusterStatusName(cluster: string): string {
  return `flink-cluster-statuses/${resourceIdOf(cluster)}`;
}

/** Where its processes were placed. */
export function placementOf({ name, placement }: flink.FlinkClusterStatus): PlacedProcess[] {
  return placement.flatMap(({ role: word, number, host, ports, disk }) => {
    const role = roleFromProto(word);
    if (role === undefined) return [];
    const facts = { cluster: resourceIdOf(name), role, number, host: resourceIdOf(host), ports };
    return [disk === '' ? facts : { ...facts, disk }];
  });
}

/** Which of its processes may run, and which of its versions are known to be good or not. */
export function clusterJournalOf(status: flink.FlinkClusterStatus): ClusterJournal {
  const { started, goodVersion, rejected } = status;
  return {
    started: started.flatMap(startedOf),
    ...(goodVersion > 0n && { good: goodVersion }),
    ...(rejected !== undefined && { rejected: rejectedOf(rejected) }),
  };
}

function startedOf({ process, role: word, ...rest }: flink.StartedFlinkProcess): StartedProcess[] {
  const role = roleFromProto(word);
  if (role === undefined) return [];
  const { host, cameUp, ends, endedRun } = rest;
  return [
    {
      ...{ id: resourceIdOf(process), role, host: resourceIdOf(host) },
      ...(cameUp && { hasComeUp: true }),
      ...(ends > 0 && { ends, endedRun }),
    },
  ];
}

function startedToProto({ id, role, host, ...rest }: StartedProcess): flink.StartedFlinkProcess {
  const { hasComeUp: cameUp = false, ends = 0, endedRun = '' } = rest;
  const place = { process: `processes/${id}`, role: roleToProto(role), host: `hosts/${host}` };
  return { ...place, cameUp, ends, endedRun };
}

function rejectedOf({
  process,
  host,
  ...rest
}: flink.RejectedFlinkClusterVersion): RejectedVersion {
  return { ...rest, processId: resourceIdOf(process), host: resourceIdOf(host) };
}

function rejectedToProto({
  processId,
  host,
  ...rest
}: RejectedVersion): flink.RejectedFlinkClusterVersion {
  return { ...rest, process: `processes/${processId}`, host: `hosts/${host}` };
}

/** A cluster as it is to be carried out: when its newest version is given up, as the last good one says. */
export function clusterToRun(
  cluster: flink.FlinkCluster,
  status: flink.FlinkClusterStatus | undefined,
): flink.FlinkCluster {
  if (status?.goodSpec === undefined) return cluster;
  const version = versionToRun(cluster.version, clusterJournalOf(status));
  return version === cluster.version ? cluster : { ...cluster, version, spec: status.goodSpec };
}

export interface ClusterReport {
  /** `flink-clusters/{cluster}`. */
  readonly cluster: string;
  readonly version: bigint;
  readonly placement: readonly PlacedProcess[];
  readonly journal: ClusterJournal;
  /** In words; absent: all is as wanted. */
  readonly waitsFor?: string;
  readonly haltsJobs: boolean;
  readonly conditions: readonly ConditionReport[];
  /** What the good version of the journal says; absent: what was known before. */
  readonly goodSpec?: flink.FlinkClusterSpec;
  /** What is known of its state directory; absent: what was known before. */
  readonly proofs?: readonly flink.StateDirectoryProof[];
}

export interface ConditionReport {
  readonly reason: string;
  readonly message: string;
  readonly metadata?: Readonly<Record<string, string>>;
}

/** @param before as it was written last, which says what it replaces and since when conditions hold */
export function clusterStatusOf(
  report: ClusterReport,
  before: flink.FlinkClusterStatus | undefined,
  now: Timestamp,
): flink.FlinkClusterStatus {
  const { cluster, version, placement, journal, waitsFor = '', haltsJobs, conditions } = report;
  const stateDirectoryProofs = report.proofs ?? before?.stateDirectoryProofs ?? [];
  return flink.FlinkClusterStatus.fromPartial({
    ...before,
    stateDirectoryProofs,
    name: clusterStatusName(cluster),
    version,
    placement: placement.map(({ role, number, host, ports, disk = '' }) => ({
      ...{ role: roleToProto(role), number, host: `hosts/${host}`, ports: [...ports], disk },
    })),
    started: journal.started.map(startedToProto),
    goodVersion: journal.good ?? 0n,
    goodSpec: report.goodSpec ?? before?.goodSpec,
    rejected: journal.rejected && rejectedToProto(journal.rejected),
    waitsFor,
    haltsJobs,
    conditions: conditionsOf(conditions, before?.conditions ?? [], now),
  });
}

/** @throws what is no expected failure */
export function conditionOf(error: unknown): ConditionReport {
  if (!isTesseraError(error)) throw error;
  const { reason, message, metadata } = error;
  return { reason, message, metadata };
}

/** A condition that was there already keeps its time. */
export function conditionsOf(
  conditions: readonly ConditionReport[],
  before: readonly flink.FlinkCondition[],
  now: Timestamp,
): flink.FlinkCondition[] {
  return conditions.map(({ reason, message, metadata = {} }) => {
    const known = before.find((one) => one.reason === reason);
    return { reason, message, metadata, sinceTime: known?.sinceTime ?? now };
  });
}

/** Whether two statuses say the same, whenever they were written. */
export function isSameClusterStatus(
  a: flink.FlinkClusterStatus,
  b: flink.FlinkClusterStatus,
): boolean {
  return Buffer.compare(said(a), said(b)) === 0;
}

function said(status: flink.FlinkClusterStatus): Uint8Array {
  const { version, placement, started, waitsFor, haltsJobs, conditions } = status;
  const { goodVersion, goodSpec, rejected } = status;
  // When it was looked at again, and nothing else was found, is not worth a write.
  const proofs = status.stateDirectoryProofs.map((proof) => ({ ...proof, time: undefined }));
  const own = { version, placement, started, waitsFor, haltsJobs, conditions };
  const trial = { goodVersion, goodSpec, rejected };
  const all = { ...own, ...trial, stateDirectoryProofs: proofs };
  return flink.FlinkClusterStatus.encode(flink.FlinkClusterStatus.fromPartial(all)).finish();
}
