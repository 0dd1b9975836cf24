import { Code, isTesseraError, resourceIdOf, TesseraError } from '@tessera/base';
import { listAll, type TesseraClient } from '@tessera/client';
import type {
  FlinkClusterResource,
  FlinkJobResource,
  FlinkJobWish,
  FlinkKeys,
  Resource,
} from '@tessera/cube';
import { flink } from '@tessera/proto';
import { scalingFromProto, scalingToProto } from './flink-scaling.ts';
import {
  jobManagerFromProto,
  jobManagerToProto,
  sizingFromProto,
  sizingToProto,
} from './flink-sizes.ts';

/** What is wanted of Flink: between YAML and the services. */

export type FlinkResource = FlinkClusterResource | FlinkJobResource;

export function isFlinkResource(resource: Resource): resource is FlinkResource {
  return resource.kind === 'FlinkCluster' || resource.kind === 'FlinkJob';
}

export async function applyFlink(
  client: TesseraClient,
  resource: FlinkResource,
  options: { readonly dryRun: boolean },
): Promise<void> {
  const unresolved = unresolvedFile(resource);
  if (unresolved !== undefined) throw fileUnresolved(resource, unresolved);
  const common = { allowMissing: true, validateOnly: options.dryRun };
  if (resource.kind === 'FlinkCluster') {
    const flinkCluster = flinkClusterToProto(resource);
    await client.flinkClusters.updateFlinkCluster({ ...common, flinkCluster });
  } else {
    const flinkJob = flinkJobToProto(resource);
    await checkScaling(client, flinkJob.spec?.scaling);
    await client.flinkJobs.updateFlinkJob({ ...common, updateMask: ['spec'], flinkJob });
  }
}

/**
 * What metadata cannot say, as plugins are installed where schedulers run: whether they have the strategy, and it these options.
 * Where none can be asked the job is written all the same: its status tells of it once one looks.
 * @throws SCALING_REFUSED
 */
async function checkScaling(
  client: TesseraClient,
  scaling: flink.FlinkScaling | undefined,
): Promise<void> {
  if (scaling === undefined) return;
  try {
    await client.scaling.checkScaling({ scaling });
  } catch (error) {
    if (!isTesseraError(error) || !awayCodes.includes(error.code)) throw error;
  }
}

/** Of a scheduler that does not answer, and of an address where none is served. */
const awayCodes: readonly Code[] = [Code.UNAVAILABLE, Code.DEADLINE_EXCEEDED, Code.UNIMPLEMENTED];

/** What of a resource has to become an artifact before it can be applied: its bundle, or a jar that is a file. */
function unresolvedFile({ kind, spec }: FlinkResource): string | undefined {
  if (kind === 'FlinkCluster') return spec.bundle === undefined ? 'the bundle of Flink' : undefined;
  return spec.jar?.file;
}

function fileUnresolved({ kind, name }: FlinkResource, what: string): TesseraError {
  const command = kind === 'FlinkCluster' ? 'tessera flink up' : 'tessera flink job apply';
  return new TesseraError({
    code: Code.FAILED_PRECONDITION,
    reason: 'FLINK_FILE_UNRESOLVED',
    message: `${kind} ${name} needs ${what} on hosts first: apply it with '${command} FILE', which puts it there, or name the SHA-256 that 'tessera flink fetch' or 'tessera artifact put' tells.`,
    metadata: { kind, name, file: what },
  });
}

/** Clusters and jobs as resources that can be applied again. */
export async function exportFlink(client: TesseraClient): Promise<FlinkResource[]> {
  const [clusters, jobs] = await Promise.all([
    listAll(client, 'flinkClusters'),
    listAll(client, 'flinkJobs'),
  ]);
  return [
    ...clusters.resources.map(flinkClusterFromProto),
    ...jobs.resources.map(flinkJobFromProto),
  ];
}

/** The same with every value written in one way, so that two can be compared. */
export function normalizedFlink(resource: FlinkResource): FlinkResource {
  return resource.kind === 'FlinkCluster'
    ? flinkClusterFromProto(flinkClusterToProto(resource))
    : flinkJobFromProto(flinkJobToProto(resource));
}

/** The field of YAML that a field of the wire is written as, apart from its case. */
export function flinkYamlField(field: string): string {
  if (field.startsWith('configuration.')) return field;
  return field
    .replace(/^sql\.script$/, 'sql')
    .replace(/cpu_millis/, 'cpus')
    .replace(/_(bytes|fraction|ms)$/, '');
}

export function flinkClusterToProto({ name, spec }: FlinkClusterResource): flink.FlinkCluster {
  const { hosts, apartFrom = [], paused = false, taskManagerCount = 1 } = spec;
  return flink.FlinkCluster.fromPartial({
    name: `flink-clusters/${name}`,
    paused,
    spec: {
      flinkVersion: spec.flinkVersion,
      bundle: spec.bundle === undefined ? '' : `artifacts/${spec.bundle}`,
      jobManager: jobManagerToProto(spec.jobManager),
      taskManagerSizing: sizingToProto(spec),
      taskManagerCount,
      maxTaskManagerCount: spec.maxTaskManagerCount ?? 0,
      headroom: spec.headroom ?? 0,
      hosts: hosts && { ...hosts, hosts: hosts.hosts?.map((id) => `hosts/${id}`) ?? [] },
      maxTaskManagersPerHost: spec.maxTaskManagersPerHost ?? 0,
      apartFrom: apartFrom.map((id) => `flink-clusters/${id}`),
      priority: spec.priority ?? 0,
      quota: spec.quota ?? '',
      stateDirectory: spec.stateDirectory,
      configuration: textsOf(spec.configuration),
    },
  });
}

export function flinkClusterFromProto(cluster: flink.FlinkCluster): FlinkClusterResource {
  const spec = cluster.spec ?? flink.FlinkClusterSpec.fromPartial({});
  const { hosts, apartFrom, configuration } = spec;
  return {
    kind: 'FlinkCluster',
    name: resourceIdOf(cluster.name),
    spec: {
      flinkVersion: spec.flinkVersion,
      ...(spec.bundle !== '' && { bundle: resourceIdOf(spec.bundle) }),
      jobManager: jobManagerFromProto(spec.jobManager),
      ...sizingFromProto(spec.taskManagerSizing),
      ...(spec.taskManagerCount !== 1 && { taskManagerCount: spec.taskManagerCount }),
      ...(spec.maxTaskManagerCount !== 0 && { maxTaskManagerCount: spec.maxTaskManagerCount }),
      ...(spec.headroom !== 0 && { headroom: spec.headroom }),
      ...(hosts && isSelective(hosts) && { hosts: hostsFromProto(hosts) }),
      ...(spec.maxTaskManagersPerHost !== 0 && {
        maxTaskManagersPerHost: spec.maxTaskManagersPerHost,
      }),
      ...(apartFrom.length > 0 && { apartFrom: apartFrom.map(resourceIdOf) }),
      ...(spec.priority !== 0 && { priority: spec.priority }),
      ...(spec.quota !== '' && { quota: spec.quota }),
      stateDirectory: spec.stateDirectory,
      ...(isFilled(configuration) && { configuration }),
      ...(cluster.paused && { paused: true }),
    },
  };
}

export function flinkJobToProto({ name, spec }: FlinkJobResource): flink.FlinkJob {
  const { jar, sql = '', rollback = true } = spec;
  return flink.FlinkJob.fromPartial({
    name: `flink-jobs/${name}`,
    spec: {
      cluster: `flink-clusters/${spec.cluster}`,
      program:
        jar === undefined
          ? { $case: 'sql', value: { script: sql } }
          : { $case: 'jar', value: jarToProto(jar) },
      parallelism: spec.parallelism ?? 1,
      configuration: textsOf(spec.configuration),
      upgradeMode: upgradeModes[spec.upgradeMode ?? 'savepoint'],
      suspended: spec.suspended ?? false,
      rollbackDisabled: !rollback,
      initialSavepoint: spec.initialSavepoint ?? '',
      allowNonRestoredState: spec.allowNonRestoredState ?? false,
      scaling: spec.scaling && scalingToProto(spec.scaling),
    },
  });
}

function jarToProto({ artifact, entryClass, arguments: given }: NonNullable<FlinkJobWish['jar']>) {
  return {
    artifact: artifact === undefined ? '' : `artifacts/${artifact}`,
    ...(entryClass !== undefined && { entryClass }),
    ...(given !== undefined && { arguments: given }),
  };
}

const { UPGRADE_MODE_SAVEPOINT, UPGRADE_MODE_LAST_STATE } = flink.UpgradeMode;
const upgradeModes = { savepoint: UPGRADE_MODE_SAVEPOINT, 'last-state': UPGRADE_MODE_LAST_STATE };

export function flinkJobFromProto(job: flink.FlinkJob): FlinkJobResource {
  const spec = job.spec ?? flink.FlinkJobSpec.fromPartial({});
  const { configuration, initialSavepoint } = spec;
  return {
    kind: 'FlinkJob',
    name: resourceIdOf(job.name),
    spec: {
      cluster: resourceIdOf(spec.cluster),
      ...programFromProto(spec.program),
      ...(spec.parallelism !== 1 && { parallelism: spec.parallelism }),
      ...(isFilled(configuration) && { configuration }),
      ...(spec.upgradeMode === UPGRADE_MODE_LAST_STATE && { upgradeMode: 'last-state' }),
      ...(spec.suspended && { suspended: true }),
      ...(spec.rollbackDisabled && { rollback: false }),
      ...(initialSavepoint !== '' && { initialSavepoint }),
      ...(spec.allowNonRestoredState && { allowNonRestoredState: true }),
      ...(spec.scaling && { scaling: scalingFromProto(spec.scaling) }),
    },
  };
}

function programFromProto(
  program: flink.FlinkJobSpec['program'],
): Pick<FlinkJobWish, 'jar' | 'sql'> {
  if (program === undefined) return {};
  if (program.$case === 'sql') return { sql: program.value.script };
  const { artifact, entryClass, arguments: given } = program.value;
  return {
    jar: {
      ...(artifact !== '' && { artifact: resourceIdOf(artifact) }),
      ...(entryClass !== '' && { entryClass }),
      ...(given.length > 0 && { arguments: given }),
    },
  };
}

function textsOf(keys: FlinkKeys = {}): Record<string, string> {
  return Object.fromEntries(Object.entries(keys).map(([key, value]) => [key, String(value)]));
}

function hostsFromProto({ labels, racks, hosts }: flink.FlinkHostSelector) {
  return {
    ...(isFilled(labels) && { labels }),
    ...(racks.length > 0 && { racks }),
    ...(hosts.length > 0 && { hosts: hosts.map(resourceIdOf) }),
  };
}

/** Nothing said is the same as no selector. */
function isSelective({ labels, racks, hosts }: flink.FlinkHostSelector): boolean {
  return isFilled(labels) || racks.length > 0 || hosts.length > 0;
}

function isFilled(map: object): boolean {
  return Object.keys(map).length > 0;
}
