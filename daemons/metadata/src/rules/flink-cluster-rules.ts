import type { KeyValueStore } from '@tessera/base';
import { jobManagerSizeFromProto, taskManagerSizeFromProto } from '@tessera/client';
import { digestOf, jobManagerMemory, reservedKeys, taskManagerMemory } from '@tessera/flink';
import { flink } from '@tessera/proto';
import { flinkClusterHasJobs, flinkEnding, invalidFlink } from '../errors.ts';
import { flinkClusterKind, flinkClusterStatusKind } from '../resources/kinds.ts';
import { keyOf } from '../resources/resource-key.ts';
import type { ResourceRules } from '../resources/resource-table.ts';
import { FlinkFaults } from './flink-faults.ts';
import { statusNameOf } from './flink-status-rules.ts';
import { forgetUses, guardUses } from './references.ts';
import { VersionKeys } from './resource-versions.ts';

/** Of one cluster: its status names each process. */
const processes = { from: 0, to: 2_000 } as const;
const millis = { from: 0, to: 1_000_000 } as const;
const versions = new VersionKeys(flinkClusterKind);

export interface FlinkClusterRulesOptions {
  readonly store: KeyValueStore;
  readonly jobs: () => Promise<readonly flink.FlinkJob[]>;
  /** Those of jobs that are being ended included. */
  readonly jobStatuses: () => Promise<readonly flink.FlinkJobStatus[]>;
}

/** A cluster can be carried out as it stands, each change of its spec is another version, and jobs do not lose it. */
export function flinkClusterRules(
  options: FlinkClusterRulesOptions,
): ResourceRules<flink.FlinkCluster> {
  const { store } = options;
  return {
    onWrite: async ({ before, after }, commit) => {
      const spec = after.spec ?? flink.FlinkClusterSpec.fromPartial({});
      const faults = faultsOf(after.name, spec);
      if (faults.found.length > 0) throw invalidFlink('flink_cluster', after.name, faults);
      if (before === undefined) {
        const status = statusNameOf(flinkClusterKind, flinkClusterStatusKind, after.name);
        commit.requireAbsent(keyOf(flinkClusterStatusKind.pattern, status), () =>
          flinkEnding('flink_cluster', after.name),
        );
      } else if (digest(before.spec) === digest(spec)) return after;
      const versioned = { ...after, spec, version: (before?.version ?? 0n) + 1n };
      versions.keep(commit, versioned);
      return versioned;
    },
    onDelete: async ({ name }, commit) => {
      await guardUses(store, commit, flinkClusterKind, name);
      const users = await jobsOn(name, options);
      if (users.length > 0) throw flinkClusterHasJobs(name, users);
      forgetUses(commit, flinkClusterKind, name);
      versions.forget(commit, name);
    },
  };
}

/**
 * Names of jobs that are wanted on a cluster, or run there. Statuses are read last: one that is written for a job that is
 * deleted meanwhile is there by then.
 */
async function jobsOn(
  cluster: string,
  { jobs, jobStatuses }: FlinkClusterRulesOptions,
): Promise<string[]> {
  const { FLINK_JOB_PHASE_STOPPED, FLINK_JOB_PHASE_FINISHED } = flink.FlinkJobPhase;
  const ended: readonly flink.FlinkJobPhase[] = [FLINK_JOB_PHASE_STOPPED, FLINK_JOB_PHASE_FINISHED];
  const wanted = (await jobs()).filter(({ spec }) => spec?.cluster === cluster);
  const running = (await jobStatuses()).filter(
    ({ deployed, phase }) => deployed?.spec?.cluster === cluster && !ended.includes(phase),
  );
  const names = [
    ...wanted.map(({ name }) => name),
    ...running.map(({ name }) => name.replace('flink-job-statuses/', 'flink-jobs/')),
  ];
  return [...new Set(names)].sort();
}

function faultsOf(name: string, spec: flink.FlinkClusterSpec): FlinkFaults {
  const faults = new FlinkFaults();
  if (!/^2\.\d+\.\d+$/.test(spec.flinkVersion)) {
    faults.add('flink_version', 'must be a version of Flink 2, such as 2.3.0.');
  }
  faults.artifact('bundle', spec.bundle, 'the bundle');
  checkSizes(faults, spec);
  faults.count('task_manager_count', spec.taskManagerCount, processes);
  const { taskManagerCount: least, maxTaskManagerCount: most } = spec;
  faults.count('max_task_manager_count', most, processes);
  if (most !== 0 && most < least) {
    const what = `is ${most}, less than task_manager_count: ${least}.`;
    faults.addWithReason('FLINK_TASK_MANAGER_RANGE_INVALID', 'max_task_manager_count', what);
  }
  faults.count('headroom', spec.headroom, processes);
  faults.count('max_task_managers_per_host', spec.maxTaskManagersPerHost, processes);
  faults.location('state_directory', spec.stateDirectory, 'flink');
  faults.configuration(spec.configuration, reservedKeys);
  for (const [i, host] of (spec.hosts?.hosts ?? []).entries()) {
    faults.resource(`hosts.hosts[${i}]`, host, 'hosts');
  }
  faults.unique('apart_from', spec.apartFrom, 'cluster');
  for (const [i, other] of spec.apartFrom.entries()) {
    faults.resource(`apart_from[${i}]`, other, 'flink-clusters');
    if (other === name) faults.add(`apart_from[${i}]`, 'is this cluster itself.');
  }
  return faults;
}

function checkSizes(
  faults: FlinkFaults,
  { jobManager, taskManagerSizing: sizing }: flink.FlinkClusterSpec,
): void {
  if (jobManager === undefined) faults.add('job_manager', 'is missing; say how large it is.');
  else {
    faults.count('job_manager.cpu_millis', jobManager.cpuMillis, millis);
    faults.computed(
      'job_manager',
      () => jobManagerMemory(jobManagerSizeFromProto(jobManager)),
      partOf,
    );
  }
  if (sizing === undefined) {
    faults.add('task_manager', 'is missing; say how large each is, or fit_to_hosts.');
  } else if (sizing.$case === 'fitToHosts') {
    faults.count('fit_to_hosts.cpu_millis_per_slot', sizing.value.cpuMillisPerSlot, millis);
    faults.count('fit_to_hosts.max_slots', sizing.value.maxSlots, { from: 0, to: 1_000 });
  } else {
    const size = sizing.value;
    if (size.cpuMillis > millis.to) faults.count('task_manager.cpu_millis', size.cpuMillis, millis);
    if (size.slots > 1_000) faults.add('task_manager.slots', 'may be 1000 at most.');
    if (size.diskBytes < 0n) faults.add('task_manager.disk_bytes', 'must not be negative.');
    faults.computed(
      'task_manager',
      () => taskManagerMemory(taskManagerSizeFromProto(size)),
      partOf,
    );
  }
}

/** Of a size the field that a key of Flink stands for; empty: of several, or of none. */
function partOf(key: string): string {
  if (/memory\.(process|flink)\.size$/.test(key)) return 'process_bytes';
  if (key.endsWith('numberOfTaskSlots')) return 'slots';
  if (key.endsWith('cpu.cores')) return 'cpu_millis';
  const part = /memory\.(network|jvm-overhead|jvm-metaspace|off-heap|framework\.off-heap)/.exec(
    key,
  );
  const fields: Readonly<Record<string, string>> = {
    network: 'network',
    'jvm-overhead': 'overhead',
    'jvm-metaspace': 'metaspace_bytes',
    'off-heap': 'off_heap_bytes',
    'framework.off-heap': 'framework_off_heap_bytes',
  };
  return fields[part?.[1] ?? ''] ?? '';
}

/** The same for specs that mean the same. */
function digest(spec: flink.FlinkClusterSpec | undefined): string {
  const { hosts, ...rest } = spec ?? flink.FlinkClusterSpec.fromPartial({});
  const selector = hosts ?? flink.FlinkHostSelector.fromPartial({});
  return digestOf(flink.FlinkClusterSpec.toJSON({ ...rest, hosts: selector }));
}
