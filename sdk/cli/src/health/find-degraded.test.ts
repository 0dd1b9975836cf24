import { describe, expect, test } from 'vitest';
import { findDegraded, type ObservedCube, type ObservedPlatform } from './find-degraded.ts';

const cube: ObservedCube = {
  cube: 'sales',
  readySegments: 3,
  staleSegments: 0,
  unknownSegments: 0,
  quarantinedFiles: 0,
};
const memory = { usedBytes: 40n, budgetBytes: 100n, files: 3, filesInMemory: 3 };
const healthy: ObservedPlatform = {
  unreachable: [],
  storeFaults: [],
  isLed: true,
  sourceFailures: [],
  policyFaults: [],
  cubes: [cube],
  memory,
  queuedQueries: 0,
  hosts: [],
  deployments: [],
};
const host = { host: 'a', isAlive: true, crashing: [] };
const deployment = {
  deployment: 'cluster',
  isHalted: false,
  isWaiting: false,
  message: 'Why.',
  drifts: [],
};
const replicated = {
  goneNodes: [],
  unreachableItems: 0,
  fewByReason: {},
  pendingBytes: 0n,
  quarantinedFiles: {},
  lackingInDeepStorage: 0n,
  conditions: [],
};
const away = { service: 'storage', message: 'No connection.' };
const failedSource = { source: 'shop', reason: 'FILE_MISSING', message: 'It is gone.' };
const failure = { operation: 'operations/build-1', message: 'Disk full.' };

describe('what is degraded', () => {
  test('is nothing where all is well, or is only being loaded', () => {
    expect(findDegraded(healthy)).toEqual([]);
    expect(findDegraded({ ...healthy, memory: { ...memory, filesInMemory: 1 } })).toEqual([]);
    expect(findDegraded({ ...healthy, hosts: [{ ...host, clockAheadMs: 2_000 }] })).toEqual([]);
  });

  test.each([
    { change: { unreachable: [away] }, found: ['DAEMON_UNREACHABLE', 'storage'] },
    {
      change: { storeFaults: [{ reason: 'ETCD_NO_SPACE', message: 'Compact it.' }] },
      found: ['METADATA_READ_ONLY', 'metadata'],
    },
    { change: { isLed: false }, found: ['NO_LEADER', 'scheduler'] },
    { change: { hosts: [{ ...host, clockAheadMs: 180_000 }] }, found: ['CLOCK_OFF', 'a'] },
    { change: { hosts: [{ ...host, clockAheadMs: -6_000 }] }, found: ['CLOCK_OFF', 'a'] },
    { change: { sourceFailures: [failedSource] }, found: ['SOURCE_UNREADABLE', 'shop'] },
    {
      change: { policyFaults: [{ policy: 'own', field: 'rows', description: 'gone' }] },
      found: ['POLICY_DANGLING', 'own'],
    },
    { change: { queuedQueries: 2 }, found: ['QUERIES_QUEUED', 'query'] },
    {
      change: { memory: { usedBytes: 95n, budgetBytes: 100n, files: 3, filesInMemory: 2 } },
      found: ['MEMORY_SHORT', 'storage'],
    },
  ])('of the platform: $found', ({ change, found: [reason, subject] }) => {
    expect(findDegraded({ ...healthy, ...change })).toMatchObject([{ reason, subject }]);
  });

  test.each([
    { change: { unreachableItems: 2 }, found: ['REPLICA_UNREACHABLE', 'storage', '2 items.'] },
    {
      change: { fewByReason: { REPLICA_LOST: 3 }, pendingBytes: 2_000n },
      found: ['REPLICAS_TOO_FEW', 'storage', '3 REPLICA_LOST; 2.0 kB are to be copied.'],
    },
    { change: { goneNodes: ['c'] }, found: ['STORAGE_NODE_GONE', 'c', 'It holds no lease.'] },
    {
      change: { quarantinedFiles: { b: 3n } },
      found: ['NODE_FILES_QUARANTINED', 'b', '3 damaged files are not replaced yet.'],
    },
    {
      change: { lackingInDeepStorage: 4n },
      found: ['DEEP_COPIES_MISSING', 'storage', '4 items.'],
    },
    {
      change: { conditions: [{ reason: 'RACKS_TOO_FEW', message: 'Two racks.' }] },
      found: ['PLACEMENT_LIMITED', 'storage', 'RACKS_TOO_FEW: Two racks.'],
    },
  ])('of replicas: $found', ({ change, found: [reason, subject, message] }) => {
    const replication = { ...replicated, ...change };
    expect(findDegraded({ ...healthy, replication })).toEqual([{ reason, subject, message }]);
    expect(findDegraded({ ...healthy, replication: replicated })).toEqual([]);
  });

  test.each([
    { change: { readySegments: 0 }, reason: 'CUBE_WITHOUT_SEGMENTS' },
    { change: { staleSegments: 1 }, reason: 'SEGMENT_STALE' },
    { change: { unknownSegments: 1 }, reason: 'FRESHNESS_UNKNOWN' },
    { change: { quarantinedFiles: 1 }, reason: 'FILE_QUARANTINED' },
    { change: { failure }, reason: 'OPERATION_FAILED' },
  ])('of a cube: $reason', ({ change, reason }) => {
    const found = findDegraded({ ...healthy, cubes: [{ ...cube, ...change }] });
    expect(found).toMatchObject([{ reason, subject: 'sales' }]);
  });

  test.each([
    { change: { isAlive: false }, reason: 'HOST_GONE' },
    { change: { failure: 'No connection.' }, reason: 'HOST_UNREACHABLE' },
    { change: { crashing: ['x (code 1)'] }, reason: 'PROCESS_CRASH_LOOP' },
    { change: { disk: { freeBytes: 9n, sizeBytes: 100n } }, reason: 'DISK_NEARLY_FULL' },
    { change: { disk: { freeBytes: 10n, sizeBytes: 100n } }, reason: undefined },
  ])('of a host: $reason', ({ change, reason }) => {
    const found = findDegraded({ ...healthy, hosts: [{ ...host, ...change }] });
    expect(found.map((one) => one.reason)).toEqual(reason === undefined ? [] : [reason]);
  });

  test.each([
    { change: {}, reason: undefined },
    { change: { isHalted: true }, reason: 'DEPLOYMENT_HALTED' },
    { change: { isWaiting: true }, reason: 'DEPLOYMENT_WAITING' },
    { change: { drifts: ['STOPPED_BY_HAND'] }, reason: 'DEPLOYMENT_DRIFT' },
  ])('of a deployment: $reason', ({ change, reason }) => {
    const found = findDegraded({ ...healthy, deployments: [{ ...deployment, ...change }] });
    expect(found.map((one) => one.reason)).toEqual(reason === undefined ? [] : [reason]);
  });

  test('is told with the gravest first', () => {
    const found = findDegraded({ ...healthy, queuedQueries: 1, isLed: false, unreachable: [away] });
    const reasons = found.map(({ reason }) => reason);
    expect(reasons).toEqual(['DAEMON_UNREACHABLE', 'NO_LEADER', 'QUERIES_QUEUED']);
  });
});
