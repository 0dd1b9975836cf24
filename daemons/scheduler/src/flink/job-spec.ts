import { resourceIdOf } from '@tessera/base';
import type { FlinkJobSpec, FlinkProgram, UpgradeMode } from '@tessera/flink';
import { flink } from '@tessera/proto';

/** Between the spec of a job on the wire and the one that decisions are made of. */

const { UPGRADE_MODE_SAVEPOINT, UPGRADE_MODE_LAST_STATE } = flink.UpgradeMode;

export function jobSpecOf(spec: flink.FlinkJobSpec): FlinkJobSpec {
  const { cluster, parallelism, configuration, upgradeMode, initialSavepoint } = spec;
  const mode: UpgradeMode = upgradeMode === UPGRADE_MODE_LAST_STATE ? 'last-state' : 'savepoint';
  return {
    cluster: resourceIdOf(cluster),
    program: programOf(spec.program),
    parallelism,
    ...(Object.keys(configuration).length > 0 && { configuration }),
    upgradeMode: mode,
    state: spec.suspended ? 'suspended' : 'running',
    rollback: !spec.rollbackDisabled,
    ...(initialSavepoint !== '' && { initialSavepoint }),
    ...(spec.allowNonRestoredState && { allowNonRestoredState: true }),
  };
}

export function jobSpecToProto(spec: FlinkJobSpec): flink.FlinkJobSpec {
  const { cluster, program, parallelism, configuration = {}, upgradeMode, state } = spec;
  return flink.FlinkJobSpec.fromPartial({
    cluster: `flink-clusters/${cluster}`,
    program: programToProto(program),
    parallelism,
    configuration,
    upgradeMode: upgradeMode === 'savepoint' ? UPGRADE_MODE_SAVEPOINT : UPGRADE_MODE_LAST_STATE,
    suspended: state === 'suspended',
    rollbackDisabled: !spec.rollback,
    initialSavepoint: spec.initialSavepoint ?? '',
    allowNonRestoredState: spec.allowNonRestoredState ?? false,
  });
}

function programOf(program: flink.FlinkJobSpec['program']): FlinkProgram {
  if (program?.$case === 'jar') {
    const { artifact, entryClass, arguments: given } = program.value;
    return {
      kind: 'jar',
      jar: resourceIdOf(artifact),
      ...(entryClass !== '' && { entryClass }),
      ...(given.length > 0 && { arguments: given }),
    };
  }
  return { kind: 'sql', script: program?.value.script ?? '' };
}

function programToProto(program: FlinkProgram): flink.FlinkJobSpec['program'] {
  if (program.kind === 'sql') return { $case: 'sql', value: { script: program.script } };
  const { jar, entryClass = '', arguments: given = [] } = program;
  return {
    $case: 'jar',
    value: { artifact: `artifacts/${jar}`, entryClass, arguments: [...given] },
  };
}
