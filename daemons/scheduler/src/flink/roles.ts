import type { ProcessRole } from '@tessera/flink';
import { flink } from '@tessera/proto';

const {
  FLINK_PROCESS_ROLE_JOB_MANAGER,
  FLINK_PROCESS_ROLE_TASK_MANAGER,
  FLINK_PROCESS_ROLE_SQL_GATEWAY,
} = flink.FlinkProcessRole;

const onTheWire: Readonly<Record<ProcessRole, flink.FlinkProcessRole>> = {
  jobmanager: FLINK_PROCESS_ROLE_JOB_MANAGER,
  taskmanager: FLINK_PROCESS_ROLE_TASK_MANAGER,
  'sql-gateway': FLINK_PROCESS_ROLE_SQL_GATEWAY,
};

export const processRoles = Object.keys(onTheWire) as readonly ProcessRole[];

export function roleToProto(role: ProcessRole): flink.FlinkProcessRole {
  return onTheWire[role];
}

/** `undefined`: a newer scheduler has written it. */
export function roleFromProto(role: flink.FlinkProcessRole): ProcessRole | undefined {
  return processRoles.find((one) => onTheWire[one] === role);
}
