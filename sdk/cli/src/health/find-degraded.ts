import { formatBytes } from '../table.ts';
import { type DegradationReason, degradations } from './degradations.ts';

/** One thing that is not as it should be. */
export interface Degraded {
  readonly reason: DegradationReason;
  /** What it is about: a cube, a source, a service, or the whole platform. */
  readonly subject: string;
  /** What was found, in words. */
  readonly message: string;
}

/** What was seen of a platform; `undefined` where a service did not answer. */
export interface ObservedPlatform {
  readonly unreachable: readonly { readonly service: string; readonly message: string }[];
  /** What keeps the metadata store from taking writes; empty where nobody could say. */
  readonly storeFaults: readonly { readonly reason: string; readonly message: string }[];
  /** Whether some scheduler leads. */
  readonly isLed: boolean | undefined;
  readonly sourceFailures: readonly {
    readonly source: string;
    readonly reason: string;
    readonly message: string;
  }[];
  /** What of access policies does not fit their tables. */
  readonly policyFaults: readonly {
    readonly policy: string;
    readonly field: string;
    readonly description: string;
  }[];
  readonly cubes: readonly ObservedCube[];
  readonly memory:
    | {
        readonly usedBytes: bigint;
        readonly budgetBytes: bigint;
        /** Files of layouts in all, and of those in memory. */
        readonly files: number;
        readonly filesInMemory: number;
      }
    | undefined;
  readonly queuedQueries: number;
  /** Absent: the platform does not replicate, or nobody said. */
  readonly replication?: ObservedReplication;
  readonly hosts: readonly ObservedHost[];
  readonly deployments: readonly ObservedDeployment[];
}

export interface ObservedReplication {
  /** Ids of storage nodes that send no heartbeat. */
  readonly goneNodes: readonly string[];
  /** Items that nobody who is alive holds. */
  readonly unreachableItems: number;
  /** Items that too few hold, by the reason why. */
  readonly fewByReason: Readonly<Record<string, number>>;
  /** By id of a storage node: damaged files that it has not replaced yet; nodes without are left out. */
  readonly quarantinedFiles: Readonly<Record<string, bigint>>;
  /** Items that deep storage has no whole copy of. */
  readonly lackingInDeepStorage: bigint;
  /** Bytes that are to be copied. */
  readonly pendingBytes: bigint;
  readonly conditions: readonly { readonly reason: string; readonly message: string }[];
}

export interface ObservedHost {
  readonly host: string;
  /** Whether it holds its lease. */
  readonly isAlive: boolean;
  /** Why it did not answer. */
  readonly failure?: string;
  /** That of its folder; absent: not known. */
  readonly disk?: { readonly freeBytes: bigint; readonly sizeBytes: bigint };
  /** Processes that wait to be started again, with how they ended. */
  readonly crashing: readonly string[];
  /** How far its clock is ahead of that of metadata, give or take a second; absent: not known. */
  readonly clockAheadMs?: number;
}

/** Clocks that NTP looks after differ by milliseconds; what is measured here by calls is right to a second. */
const clockToleranceMs = 5_000;

export interface ObservedDeployment {
  readonly deployment: string;
  readonly isHalted: boolean;
  /** True: it is not as wanted yet, for a reason that is known. */
  readonly isWaiting: boolean;
  /** That reason, or why it was halted. */
  readonly message: string;
  /** What others have changed and is not mended yet. */
  readonly drifts: readonly string[];
}

export interface ObservedCube {
  readonly cube: string;
  readonly readySegments: number;
  readonly staleSegments: number;
  readonly unknownSegments: number;
  readonly quarantinedFiles: number;
  /** Of the newest operation, when it failed. */
  readonly failure?: { readonly operation: string; readonly message: string };
}

/** Everything that is degraded, the gravest first. */
export function findDegraded(observed: ObservedPlatform): readonly Degraded[] {
  const found = [
    ...observed.unreachable.map(({ service, message }) =>
      degraded('DAEMON_UNREACHABLE', service, message),
    ),
    ...observed.storeFaults.map(({ reason, message }) =>
      degraded('METADATA_READ_ONLY', 'metadata', `${reason}: ${message}`),
    ),
    ...(observed.isLed === false
      ? [degraded('NO_LEADER', 'scheduler', 'No scheduler holds the lease.')]
      : []),
    ...observed.sourceFailures.map(({ source, reason, message }) =>
      degraded('SOURCE_UNREADABLE', source, `${reason}: ${message}`),
    ),
    ...observed.policyFaults.map(({ policy, field, description }) =>
      degraded('POLICY_DANGLING', policy, `${field}: ${description}`),
    ),
    ...ofReplication(observed.replication),
    ...observed.hosts.flatMap(ofHost),
    ...observed.deployments.flatMap(ofDeployment),
    ...observed.cubes.flatMap(ofCube),
    ...ofMemory(observed.memory),
    ...(observed.queuedQueries > 0
      ? [degraded('QUERIES_QUEUED', 'query', `${observed.queuedQueries} statements wait.`)]
      : []),
  ];
  const order = Object.keys(degradations);
  return found.sort((a, b) => order.indexOf(a.reason) - order.indexOf(b.reason));
}

function ofCube(observed: ObservedCube): Degraded[] {
  const { cube, readySegments: ready, failure } = observed;
  const counted = (reason: DegradationReason, count: number, what: string) =>
    count === 0 ? [] : [degraded(reason, cube, `${count} ${what}.`)];
  return [
    ...(ready === 0 ? [degraded('CUBE_WITHOUT_SEGMENTS', cube, 'It has no READY segment.')] : []),
    ...counted('SEGMENT_STALE', observed.staleSegments, `of ${ready} segments are stale`),
    ...counted('FRESHNESS_UNKNOWN', observed.unknownSegments, `of ${ready} segments may be stale`),
    ...counted('FILE_QUARANTINED', observed.quarantinedFiles, 'files are in quarantine'),
    ...(failure === undefined
      ? []
      : [degraded('OPERATION_FAILED', cube, `${failure.operation}: ${failure.message}`)]),
  ];
}

function ofReplication(seen: ObservedReplication | undefined): Degraded[] {
  if (seen === undefined) return [];
  const { goneNodes, unreachableItems, fewByReason, pendingBytes, conditions } = seen;
  const few = Object.entries(fewByReason).map(([reason, count]) => `${count} ${reason}`);
  const toCome = pendingBytes > 0n ? `; ${formatBytes(pendingBytes)} are to be copied` : '';
  return [
    ...(unreachableItems === 0
      ? []
      : [degraded('REPLICA_UNREACHABLE', 'storage', `${unreachableItems} items.`)]),
    ...(few.length === 0
      ? []
      : [degraded('REPLICAS_TOO_FEW', 'storage', `${few.join(', ')}${toCome}.`)]),
    ...Object.entries(seen.quarantinedFiles).map(([node, count]) =>
      degraded('NODE_FILES_QUARANTINED', node, `${count} damaged files are not replaced yet.`),
    ),
    ...(seen.lackingInDeepStorage === 0n
      ? []
      : [degraded('DEEP_COPIES_MISSING', 'storage', `${seen.lackingInDeepStorage} items.`)]),
    ...goneNodes.map((node) => degraded('STORAGE_NODE_GONE', node, 'It holds no lease.')),
    ...conditions.map(({ reason, message }) =>
      degraded('PLACEMENT_LIMITED', 'storage', `${reason}: ${message}`),
    ),
  ];
}

function ofHost(observed: ObservedHost): Degraded[] {
  const { host, isAlive, failure, disk, crashing, clockAheadMs = 0 } = observed;
  if (!isAlive) return [degraded('HOST_GONE', host, 'It does not hold its lease.')];
  if (failure !== undefined) return [degraded('HOST_UNREACHABLE', host, failure)];
  const isFull = disk !== undefined && disk.freeBytes * 10n < disk.sizeBytes;
  const percent = isFull ? Number((disk.freeBytes * 100n) / disk.sizeBytes) : 0;
  const isOff = Math.abs(clockAheadMs) > clockToleranceMs;
  return [
    ...(isOff ? [degraded('CLOCK_OFF', host, clockText(clockAheadMs))] : []),
    ...crashing.map((process) => degraded('PROCESS_CRASH_LOOP', host, `${process}.`)),
    ...(isFull ? [degraded('DISK_NEARLY_FULL', host, `${percent} % of its disk is free.`)] : []),
  ];
}

function clockText(aheadMs: number): string {
  const seconds = Math.round(Math.abs(aheadMs) / 1_000);
  return `Its clock is ${seconds} s ${aheadMs > 0 ? 'ahead of' : 'behind'} that of metadata.`;
}

function ofDeployment(observed: ObservedDeployment): Degraded[] {
  const { deployment, message, isHalted, isWaiting, drifts } = observed;
  return [
    ...(isHalted ? [degraded('DEPLOYMENT_HALTED', deployment, message)] : []),
    ...(isWaiting ? [degraded('DEPLOYMENT_WAITING', deployment, message)] : []),
    ...(drifts.length === 0
      ? []
      : [degraded('DEPLOYMENT_DRIFT', deployment, `${drifts.join('; ')}.`)]),
  ];
}

/** Layouts that are merely not loaded yet are no shortage: most of the budget has to be in use. */
function ofMemory(memory: ObservedPlatform['memory']): Degraded[] {
  if (memory === undefined || memory.filesInMemory >= memory.files) return [];
  if (memory.usedBytes * 10n < memory.budgetBytes * 9n) return [];
  const message = `${memory.filesInMemory} of ${memory.files} files of layouts are in memory.`;
  return [degraded('MEMORY_SHORT', 'storage', message)];
}

function degraded(reason: DegradationReason, subject: string, message: string): Degraded {
  return { reason, subject, message };
}
