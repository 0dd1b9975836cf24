import { flink, metadata } from '@tessera/proto';
import type { ResourceKind } from './resource-kind.ts';

/** Every kind of resource that this daemon keeps. */

export const projectKind: ResourceKind<metadata.Project> = {
  kind: 'project',
  pattern: 'projects/{project}',
  codec: metadata.Project,
  fields: { description: 'description' },
};

export const sourceKind: ResourceKind<metadata.Source> = {
  kind: 'source',
  pattern: 'projects/{project}/sources/{source}',
  codec: metadata.Source,
  fields: {
    connector: 'connector',
    config: 'config',
    base_directory: 'baseDirectory',
    push_down: 'pushDown',
  },
  namedFields: { size: 'size' },
};

export const modelKind: ResourceKind<metadata.Model> = {
  kind: 'model',
  pattern: 'projects/{project}/models/{model}',
  codec: metadata.Model,
  fields: { spec: 'spec' },
};

export const cubeKind: ResourceKind<metadata.Cube> = {
  kind: 'cube',
  pattern: 'projects/{project}/cubes/{cube}',
  codec: metadata.Cube,
  fields: { spec: 'spec' },
  namedFields: { plan: 'plan' },
};

export const segmentKind: ResourceKind<metadata.Segment> = {
  kind: 'segment',
  pattern: 'projects/{project}/cubes/{cube}/segments/{segment}',
  codec: metadata.Segment,
  fields: {
    range: 'range',
    state: 'state',
    layouts: 'layouts',
    snapshots: 'snapshots',
    source_versions: 'sourceVersions',
    model_revision: 'modelRevision',
    source_rows: 'sourceRows',
    rejected_rows: 'rejectedRows',
    built_at_micros: 'builtAtMicros',
    unmatched_rows: 'unmatchedRows',
    operation: 'operation',
    retire_time: 'retireTime',
    replicas: 'replicas',
    in_deep_storage: 'inDeepStorage',
  },
};

export const snapshotKind: ResourceKind<metadata.Snapshot> = {
  kind: 'snapshot',
  pattern: 'projects/{project}/snapshots/{snapshot}',
  codec: metadata.Snapshot,
  fields: {
    model: 'model',
    alias: 'alias',
    source: 'source',
    table: 'table',
    source_version: 'sourceVersion',
    file: 'file',
    file_digest: 'fileDigest',
    checksum: 'checksum',
    row_count: 'rowCount',
    size_bytes: 'sizeBytes',
    rejected_rows: 'rejectedRows',
    columns: 'columns',
    keys: 'keys',
    replicas: 'replicas',
    in_deep_storage: 'inDeepStorage',
  },
};

export const dictionaryKind: ResourceKind<metadata.Dictionary> = {
  kind: 'dictionary',
  pattern: 'projects/{project}/dictionaries/{dictionary}',
  codec: metadata.Dictionary,
  fields: {
    model: 'model',
    key: 'key',
    version: 'version',
    file: 'file',
    file_digest: 'fileDigest',
    size: 'size',
    replicas: 'replicas',
    in_deep_storage: 'inDeepStorage',
  },
};

export const hostKind: ResourceKind<metadata.Host> = {
  kind: 'host',
  pattern: 'hosts/{host}',
  codec: metadata.Host,
  fields: {
    machine_id: 'machineId',
    address: 'address',
    labels: 'labels',
    rack: 'rack',
    inventory: 'inventory',
    lease: 'lease',
    version: 'version',
    session: 'session',
    cut_off_after: 'cutOffAfter',
  },
  namedFields: { draining: 'draining' },
};

export const storageNodeKind: ResourceKind<metadata.StorageNode> = {
  kind: 'storage_node',
  pattern: 'storageNodes/{node}',
  codec: metadata.StorageNode,
  fields: {
    directory_id: 'directoryId',
    address: 'address',
    rack: 'rack',
    hostname: 'hostname',
    capacity_bytes: 'capacityBytes',
    lease: 'lease',
    version: 'version',
    stored_bytes: 'storedBytes',
    quarantined_files: 'quarantinedFiles',
  },
  namedFields: { draining: 'draining' },
};

export const deploymentKind: ResourceKind<metadata.Deployment> = {
  kind: 'deployment',
  pattern: 'deployments/{deployment}',
  codec: metadata.Deployment,
  fields: { daemons: 'daemons', paused: 'paused' },
};

export const deploymentStatusKind: ResourceKind<metadata.DeploymentStatus> = {
  kind: 'deployment_status',
  pattern: 'deployment-statuses/{deployment}',
  codec: metadata.DeploymentStatus,
  fields: {
    version: 'version',
    state: 'state',
    message: 'message',
    processes: 'processes',
    drifts: 'drifts',
  },
};

export const flinkClusterKind: ResourceKind<flink.FlinkCluster> = {
  kind: 'flink_cluster',
  pattern: 'flink-clusters/{cluster}',
  codec: flink.FlinkCluster,
  fields: { spec: 'spec', paused: 'paused' },
};

export const flinkClusterStatusKind: ResourceKind<flink.FlinkClusterStatus> = {
  kind: 'flink_cluster_status',
  pattern: 'flink-cluster-statuses/{cluster}',
  codec: flink.FlinkClusterStatus,
  fields: {
    version: 'version',
    placement: 'placement',
    started: 'started',
    waits_for: 'waitsFor',
    halts_jobs: 'haltsJobs',
    state_directory_proofs: 'stateDirectoryProofs',
    good_version: 'goodVersion',
    good_spec: 'goodSpec',
    rejected: 'rejected',
    conditions: 'conditions',
  },
};

export const flinkJobKind: ResourceKind<flink.FlinkJob> = {
  kind: 'flink_job',
  pattern: 'flink-jobs/{job}',
  codec: flink.FlinkJob,
  fields: { spec: 'spec', savepoint_request: 'savepointRequest' },
};

export const flinkJobStatusKind: ResourceKind<flink.FlinkJobStatus> = {
  kind: 'flink_job_status',
  pattern: 'flink-job-statuses/{job}',
  codec: flink.FlinkJobStatus,
  fields: {
    version: 'version',
    phase: 'phase',
    attempt: 'attempt',
    deployed: 'deployed',
    savepoint_tries: 'savepointTries',
    cancelling: 'cancelling',
    restore: 'restore',
    stable_spec: 'stableSpec',
    rejected_digests: 'rejectedDigests',
    failure_count: 'failureCount',
    last_failure: 'lastFailure',
    savepoints: 'savepoints',
    waits_for: 'waitsFor',
    conditions: 'conditions',
    size: 'size',
  },
};

export const flinkJobScalingKind: ResourceKind<flink.FlinkJobScaling> = {
  kind: 'flink_job_scaling',
  pattern: 'flink-job-scalings/{job}',
  codec: flink.FlinkJobScaling,
  fields: {
    strategy: 'strategy',
    learned: 'learned',
    memory: 'memory',
    metrics: 'metrics',
    rescales: 'rescales',
    running: 'running',
    decided_ms: 'decidedMs',
  },
};

export const scalingDecisionKind: ResourceKind<flink.FlinkScalingDecision> = {
  kind: 'scaling_decision',
  pattern: 'flink-jobs/{job}/scaling-decisions/{decision}',
  codec: flink.FlinkScalingDecision,
  fields: { eventful: 'eventful', size_bytes: 'sizeBytes', decision: 'decision' },
};

export const operationKind: ResourceKind<metadata.OperationRecord> = {
  kind: 'operation',
  pattern: 'operations/{operation}',
  codec: metadata.OperationRecord,
  fields: {
    kind: 'kind',
    target: 'target',
    request: 'request',
    state: 'state',
    cancel_requested: 'cancelRequested',
    metadata: 'metadata',
    error: 'result',
    response: 'result',
    attempt: 'attempt',
    end_time: 'endTime',
    traceparent: 'traceparent',
  },
};
