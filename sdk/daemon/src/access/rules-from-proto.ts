import {
  type AccessFunction,
  type ColumnRule,
  type Policy,
  type PolicyRules,
  type Role,
  type ServiceKind,
  serviceKinds,
} from '@tessera/access';
import { resourceIdOf } from '@tessera/base';
import { access } from '@tessera/proto';

/** Rules as they are stored and sent. What this version does not know permits nothing and shows nothing. */

export function roleFromProto({ name, permissions }: access.Role): Role {
  return {
    name: resourceIdOf(name),
    permissions: permissions.map(({ functions, project, source, table }) => ({
      functions: functions.flatMap((one) => functionNames[one] ?? []),
      ...{ project, source, table },
    })),
  };
}

const functionNames: Readonly<Record<number, AccessFunction>> = {
  [access.AccessFunction.ACCESS_FUNCTION_QUERY]: 'query',
  [access.AccessFunction.ACCESS_FUNCTION_MODEL]: 'model',
  [access.AccessFunction.ACCESS_FUNCTION_BUILD]: 'build',
  [access.AccessFunction.ACCESS_FUNCTION_OPERATE]: 'operate',
  [access.AccessFunction.ACCESS_FUNCTION_ADMINISTER]: 'administer',
};

/** What a policy says of its table, in the order in which it is written. */
export function policyRulesFromProto({ rows, columns }: access.Policy): PolicyRules {
  return {
    ...(rows === '' ? {} : { rows }),
    columns: columns.map((column) => ({ name: column.column, rule: columnRuleOf(column) })),
  };
}

export function policyFromProto(policy: access.Policy): Policy {
  const { name, role, source, table } = policy;
  const { columns, ...rows } = policyRulesFromProto(policy);
  return {
    name: resourceIdOf(name),
    project: name.split('/')[1]!,
    ...{ role, source, table },
    ...rows,
    columns: Object.fromEntries(columns.map((column) => [column.name, column.rule])),
  };
}

function columnRuleOf({ visibility, mask }: access.ColumnPolicy): ColumnRule {
  switch (visibility) {
    case access.ColumnVisibility.COLUMN_VISIBILITY_VISIBLE:
      return { kind: 'visible' };
    case access.ColumnVisibility.COLUMN_VISIBILITY_MASKED:
      return { kind: 'masked', ...(mask === '' ? {} : { mask }) };
    default:
      return { kind: 'hidden' };
  }
}

const services: Readonly<Record<ServiceKind, access.ServiceKind>> = {
  metadata: access.ServiceKind.SERVICE_KIND_METADATA,
  scheduler: access.ServiceKind.SERVICE_KIND_SCHEDULER,
  query: access.ServiceKind.SERVICE_KIND_QUERY,
  storage: access.ServiceKind.SERVICE_KIND_STORAGE,
  host: access.ServiceKind.SERVICE_KIND_HOST,
};

export function servicesFromProto(kinds: readonly access.ServiceKind[]): readonly ServiceKind[] {
  return serviceKinds.filter((kind) => kinds.includes(services[kind]));
}

export function servicesToProto(kinds: readonly ServiceKind[]): access.ServiceKind[] {
  return kinds.map((kind) => services[kind]);
}
