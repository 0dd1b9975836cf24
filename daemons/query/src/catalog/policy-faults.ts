import { policyFaults, unknownName } from '@tessera/access';
import type { FieldViolation } from '@tessera/base';
import { policyRulesFromProto } from '@tessera/daemon';
import type { access } from '@tessera/proto';
import type { CatalogSnapshot } from './snapshot.ts';

export interface PolicyFault extends FieldViolation {
  /** `projects/{project}/policies/{policy}`. */
  readonly policy: string;
}

/**
 * What of the policies of a project does not fit its tables as they are now. Of a source that cannot be read nothing is
 * known; that it cannot is told elsewhere.
 */
export function faultsOfPolicies(
  policies: readonly access.Policy[],
  snapshot: CatalogSnapshot,
): readonly PolicyFault[] {
  return policies.flatMap((policy) =>
    faultsOf(policy, snapshot).map((fault) => ({ policy: policy.name, ...fault })),
  );
}

function faultsOf(
  policy: access.Policy,
  { sources, sourceFailures }: CatalogSnapshot,
): readonly FieldViolation[] {
  const { source, table } = policy;
  if (sourceFailures.has(source)) return [];
  const tables = sources.get(source)?.tables;
  if (tables === undefined) return [unknownName('source', 'source', source, [...sources.keys()])];
  const found = tables.find(({ name }) => name === table);
  if (found === undefined) {
    const known = tables.map(({ name }) => name);
    return [unknownName('table', 'table', table, known)];
  }
  const definition = { name: { source, table }, columns: found.columns };
  return policyFaults(policyRulesFromProto(policy), definition);
}
