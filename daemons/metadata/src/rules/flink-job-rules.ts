import { digestOf, jobScript, reservedJobKeys, sqlStatements } from '@tessera/flink';
import { flink } from '@tessera/proto';
import { flinkClusterUnknown, flinkEnding, invalidFlink } from '../errors.ts';
import { flinkClusterKind, flinkJobKind, flinkJobStatusKind } from '../resources/kinds.ts';
import { keyOf } from '../resources/resource-key.ts';
import type { ResourceRules } from '../resources/resource-table.ts';
import { FlinkFaults } from './flink-faults.ts';
import { checkScaling, forgetScaling } from './flink-scaling-rules.ts';
import { statusNameOf } from './flink-status-rules.ts';
import { touch } from './references.ts';
import { VersionKeys } from './resource-versions.ts';

/** Of one job: its status holds its spec twice, and each version of it is kept. */
const bounds = { scriptCharacters: 100_000, argumentsCharacters: 100_000 } as const;
/** Flink has no more key groups. */
const parallelism = { from: 1, to: 32_768 } as const;
const versions = new VersionKeys(flinkJobKind);

/** A job can be carried out as it stands, on a cluster that is there, and each change of its spec is another version. */
export const flinkJobRules: ResourceRules<flink.FlinkJob> = {
  onWrite: async ({ before, after }, commit) => {
    const spec = after.spec ?? flink.FlinkJobSpec.fromPartial({});
    const faults = faultsOf(spec);
    if (!/^[\w-]{0,64}$/.test(after.savepointRequest)) {
      faults.add('savepoint_request', 'must be a word of at most 64 letters, digits, `_` and `-`.');
    }
    if (faults.found.length > 0) throw invalidFlink('flink_job', after.name, faults);
    const { cluster } = spec;
    if (before?.spec?.cluster !== cluster) {
      commit.requirePresent(keyOf(flinkClusterKind.pattern, cluster), () =>
        flinkClusterUnknown(after.name, cluster),
      );
      touch(commit, flinkClusterKind, cluster);
    }
    if (before === undefined) {
      const status = statusNameOf(flinkJobKind, flinkJobStatusKind, after.name);
      commit.requireAbsent(keyOf(flinkJobStatusKind.pattern, status), () =>
        flinkEnding('flink_job', after.name),
      );
    } else if (digest(before.spec) === digest(spec)) return after;
    const versioned = { ...after, spec, version: (before?.version ?? 0n) + 1n };
    versions.keep(commit, versioned);
    return versioned;
  },
  onDelete: async ({ name }, commit) => {
    versions.forget(commit, name);
    forgetScaling(commit, name);
  },
};

function faultsOf(spec: flink.FlinkJobSpec): FlinkFaults {
  const faults = new FlinkFaults();
  const { program, initialSavepoint } = spec;
  faults.resource('cluster', spec.cluster, 'flink-clusters');
  if (program === undefined) {
    const what = 'is missing: say a jar, or a script of SQL.';
    faults.addWithReason('FLINK_PROGRAM_MISSING', 'program', what);
  } else if (program.$case === 'jar') checkJar(faults, program.value);
  else checkSql(faults, program.value);
  faults.count('parallelism', spec.parallelism, parallelism);
  faults.configuration(spec.configuration, reservedJobKeys);
  if (spec.scaling !== undefined) checkScaling(faults, spec.scaling);
  if (!Object.values(flink.UpgradeMode).includes(spec.upgradeMode) || spec.upgradeMode < 0) {
    faults.add('upgrade_mode', 'is not known here: savepoint and last-state are.');
  }
  if (initialSavepoint !== '')
    faults.location('initial_savepoint', initialSavepoint, 'savepoint-1');
  return faults;
}

function checkJar(faults: FlinkFaults, jar: flink.JarProgram): void {
  faults.artifact('jar.artifact', jar.artifact, 'the jar');
  if (!/^([\w$]+(\.[\w$]+)*)?$/.test(jar.entryClass)) {
    faults.add('jar.entry_class', 'must be the name of a class, such as com.example.Orders.');
  }
  if (jar.arguments.join('').length > bounds.argumentsCharacters) {
    faults.add('jar.arguments', `may have ${bounds.argumentsCharacters} characters at most.`);
  }
}

function checkSql(faults: FlinkFaults, { script }: flink.SqlProgram): void {
  if (script.length > bounds.scriptCharacters) {
    faults.add('sql.script', `may have ${bounds.scriptCharacters} characters at most.`);
  } else if (sqlStatements(script).length === 0) {
    faults.addWithReason('FLINK_PROGRAM_MISSING', 'sql.script', 'holds no statement.');
  } else {
    faults.computed(
      'sql.script',
      () => jobScript(script),
      () => '',
    );
  }
}

/** The same for specs that mean the same. */
function digest(spec: flink.FlinkJobSpec | undefined): string {
  const known = spec ?? flink.FlinkJobSpec.fromPartial({});
  const upgradeMode = known.upgradeMode || flink.UpgradeMode.UPGRADE_MODE_SAVEPOINT;
  return digestOf(flink.FlinkJobSpec.toJSON({ ...known, upgradeMode }));
}
