import { rolePermits } from './permissions.ts';
import type { ColumnRule, Policy, Role } from './rules.ts';

export interface TableAddress {
  readonly project: string;
  readonly source: string;
  readonly table: string;
}

/** A predicate of a policy, with the policy's name for whoever has to mend it. */
export interface RowPredicate {
  readonly policy: string;
  readonly text: string;
}

/** What somebody sees of a table. */
export interface TableAccess {
  /** Every row, or those for which all predicates of at least one list hold. */
  readonly rows: 'all' | readonly (readonly RowPredicate[])[];
  /** Of the columns that some policy names; the others are visible. */
  readonly columns: ReadonlyMap<string, ColumnAccess>;
}

export type ColumnAccess = Exclude<ColumnRule, { kind: 'visible' }> & { readonly policy: string };

/**
 * What these roles see of a table: `undefined`, nothing, not even that it exists, when none of them may query it.
 * Predicates of one role all hold, those of several roles add up; a role without any sees every row. Of a column hidden wins
 * over masked within one role, and the role that shows most of it counts.
 */
export function tableAccess(
  roles: readonly Role[],
  policies: readonly Policy[],
  address: TableAddress,
): TableAccess | undefined {
  const own = roles.filter((role) => rolePermits(role, 'query', address));
  if (own.length === 0) return undefined;
  const byRole = own.map(({ name }) =>
    policies.filter((policy) => policy.role === name && isOn(policy, address)).sort(byName),
  );
  return { rows: visibleRows(byRole), columns: restrictedColumns(byRole) };
}

/** Nothing is filtered, masked or hidden. */
export function isWhole({ rows, columns }: TableAccess): boolean {
  return rows === 'all' && columns.size === 0;
}

function isOn(policy: Policy, { project, source, table }: TableAddress): boolean {
  return policy.project === project && policy.source === source && policy.table === table;
}

function byName(a: Policy, b: Policy): number {
  return a.name < b.name ? -1 : 1;
}

function visibleRows(byRole: readonly (readonly Policy[])[]): TableAccess['rows'] {
  const lists = byRole.map((policies) =>
    policies.flatMap(({ name, rows }) =>
      rows === undefined ? [] : [{ policy: name, text: rows }],
    ),
  );
  return lists.some((predicates) => predicates.length === 0) ? 'all' : lists;
}

function restrictedColumns(
  byRole: readonly (readonly Policy[])[],
): ReadonlyMap<string, ColumnAccess> {
  const names = new Set(byRole.flat().flatMap(({ columns }) => Object.keys(columns)));
  const restricted = new Map<string, ColumnAccess>();
  for (const name of names) {
    const rules = byRole.map((policies) => strictest(policies, name));
    if (rules.includes(undefined)) continue; // Some role sees it as it is.
    restricted.set(name, rules.find((rule) => rule?.kind === 'masked') ?? rules[0]!);
  }
  return restricted;
}

/** The rule of one role: `undefined` when the column is visible. Of several masks that of the first policy by name. */
function strictest(policies: readonly Policy[], column: string): ColumnAccess | undefined {
  const rules = policies.flatMap(({ name, columns }): ColumnAccess[] => {
    const rule = Object.hasOwn(columns, column) ? columns[column] : undefined;
    return rule === undefined || rule.kind === 'visible' ? [] : [{ ...rule, policy: name }];
  });
  return rules.find(({ kind }) => kind === 'hidden') ?? rules[0];
}
