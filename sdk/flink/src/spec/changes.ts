import type { FlinkClusterSpec } from './cluster-spec.ts';
import { digestOf } from './digest.ts';
import type { FlinkJobSpec } from './job-spec.ts';

/** What a change of a spec takes, the least first. */
export const effects = [
  /** Nothing that runs is touched. */
  'ignore',
  /** Other processes or another parallelism, without stopping the job. */
  'rescale',
  /** TaskManagers are replaced, one after the other; jobs restart from their checkpoint. */
  'roll-taskmanagers',
  /** Jobs are stopped with their state, the processes replaced or the job submitted anew, and the state restored. */
  'redeploy',
] as const;
export type ChangeEffect = (typeof effects)[number];

export interface SpecChange {
  /** A field, or `configuration.` and a key. */
  readonly field: string;
  readonly effect: ChangeEffect;
}

const clusterEffects: Readonly<
  Record<keyof Omit<FlinkClusterSpec, 'configuration'>, ChangeEffect>
> = {
  flinkVersion: 'redeploy',
  bundle: 'redeploy',
  jobManager: 'redeploy',
  taskManager: 'roll-taskmanagers',
  taskManagerCount: 'rescale',
  headroom: 'ignore',
  hosts: 'rescale',
  priority: 'ignore',
  quota: 'ignore',
  stateDirectory: 'redeploy',
};

const jobEffects: Readonly<Record<keyof Omit<FlinkJobSpec, 'configuration'>, ChangeEffect>> = {
  cluster: 'redeploy',
  program: 'redeploy',
  parallelism: 'rescale',
  upgradeMode: 'ignore',
  // Stopping and starting are steps of their own.
  state: 'ignore',
  rollback: 'ignore',
  initialSavepoint: 'ignore',
  allowNonRestoredState: 'ignore',
};

/** What differs between two specs of a cluster, by field. */
export function clusterChanges(before: FlinkClusterSpec, after: FlinkClusterSpec): SpecChange[] {
  return changes(before, after, clusterEffects, clusterKeyEffect);
}

/** What differs between two specs of a job, by field. */
export function jobChanges(before: FlinkJobSpec, after: FlinkJobSpec): SpecChange[] {
  return changes(before, after, jobEffects, () => 'redeploy');
}

/** What all changes together take. */
export function effectOf(changed: readonly SpecChange[]): ChangeEffect {
  return effects[Math.max(0, ...changed.map(({ effect }) => effects.indexOf(effect)))]!;
}

/** Only what is known to concern TaskManagers alone leaves the JobManager as it is. */
function clusterKeyEffect(key: string): ChangeEffect {
  return key.startsWith('taskmanager.') ? 'roll-taskmanagers' : 'redeploy';
}

interface WithConfiguration {
  readonly configuration?: Readonly<Record<string, string>>;
}

function changes<S extends WithConfiguration>(
  before: S,
  after: S,
  fieldEffects: Readonly<Record<string, ChangeEffect>>,
  keyEffect: (key: string) => ChangeEffect,
): SpecChange[] {
  const differs = (name: string, one: object, other: object) =>
    digestOf((one as Record<string, unknown>)[name]) !==
    digestOf((other as Record<string, unknown>)[name]);
  const fields = Object.entries(fieldEffects)
    .filter(([field]) => differs(field, before, after))
    .map(([field, effect]) => ({ field, effect }));
  const [old, next] = [before.configuration ?? {}, after.configuration ?? {}];
  const keys = [...new Set([...Object.keys(old), ...Object.keys(next)])]
    .filter((key) => differs(key, old, next))
    .sort()
    .map((key) => ({ field: `configuration.${key}`, effect: keyEffect(key) }));
  return [...fields, ...keys];
}
