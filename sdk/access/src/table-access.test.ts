import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { permits, permitsSome, rolesOf } from './permissions.ts';
import { type AccessRules, accessFunctions, any, type ColumnRule } from './rules.ts';
import { tableAccess } from './table-access.ts';

/** Predicates of the generated policies, as text and as what they mean of a row. */
const predicates: Readonly<Record<string, (row: number) => boolean>> = {
  even: (row) => row % 2 === 0,
  small: (row) => row < 4,
  third: (row) => row % 3 === 0,
  never: () => false,
};
const rows = [0, 1, 2, 3, 4, 5, 6, 7];
const columns = ['a', 'b'];
const [projects, sources, tables] = [
  ['p', 'q'],
  ['s', 't'],
  ['x', 'y'],
];

const oneOf = (names: readonly string[]) => fc.constantFrom(...names);
const some = (names: readonly string[]) => fc.subarray([...names]);
const roleNames = ['r1', 'r2', 'r3'];
const groupNames = ['g1', 'g2'];
const columnRule: fc.Arbitrary<ColumnRule> = fc.oneof(
  fc.constant({ kind: 'visible' } as const),
  fc.constant({ kind: 'hidden' } as const),
  fc.constant({ kind: 'masked', mask: 'm' } as const),
);
const permission = fc.record({
  functions: fc.subarray([...accessFunctions]),
  project: oneOf([any, ...projects]),
  source: oneOf([any, ...sources]),
  table: oneOf([any, ...tables]),
});
const policy = fc.record(
  {
    role: oneOf(roleNames),
    project: oneOf(projects),
    source: oneOf(sources),
    table: oneOf(tables),
    rows: oneOf(Object.keys(predicates)),
    columns: fc.dictionary(oneOf(columns), columnRule, { maxKeys: 2 }),
  },
  { requiredKeys: ['role', 'project', 'source', 'table', 'columns'] },
);
const rulesOf: fc.Arbitrary<AccessRules> = fc.record({
  users: fc.constant([]),
  groups: fc.tuple(
    ...groupNames.map((name) => fc.record({ name: fc.constant(name), roles: some(roleNames) })),
  ),
  roles: fc.tuple(
    ...roleNames.map((name) =>
      fc.record({ name: fc.constant(name), permissions: fc.array(permission, { maxLength: 3 }) }),
    ),
  ),
  policies: fc
    .array(policy, { maxLength: 8 })
    .map((all) => all.map((one, i) => ({ ...one, name: `policy${i}` }))),
});
const user = fc.record({
  roles: some([...roleNames, 'gone']),
  groups: some([...groupNames, 'gone']),
});

describe('what somebody sees of a table', () => {
  test('is what a plain reading of the rules says, for every role, row and column', () => {
    fc.assert(
      fc.property(
        rulesOf,
        user,
        oneOf(projects),
        oneOf(sources),
        oneOf(tables),
        (rules, who, project, source, table) => {
          const address = { project, source, table };
          const access = tableAccess(rolesOf(rules, who), rules.policies, address);
          const plain = plainly(rules, who, address);
          expect(access === undefined).toBe(plain.roles.length === 0);
          if (access === undefined) return;
          for (const row of rows) {
            const seen =
              access.rows === 'all' ||
              access.rows.some((all) => all.every(({ text }) => predicates[text]!(row)));
            expect(seen).toBe(plain.seesRow(row));
          }
          for (const column of columns) {
            expect(access.columns.get(column)?.kind ?? 'visible').toBe(plain.column(column));
          }
        },
      ),
      { seed: 7, numRuns: 2_000 },
    );
  });

  test('never shrinks when a user gets one more role that may query', () => {
    fc.assert(
      fc.property(rulesOf, user, oneOf(roleNames), (rules, who, more) => {
        const address = { project: 'p', source: 's', table: 'x' };
        const before = tableAccess(rolesOf(rules, who), rules.policies, address);
        const widened = { ...who, roles: [...who.roles, more] };
        const after = tableAccess(rolesOf(rules, widened), rules.policies, address);
        if (before === undefined) return;
        expect(after).toBeDefined();
        if (before.rows === 'all') expect(after!.rows).toBe('all');
        for (const column of after!.columns.keys()) expect(before.columns.has(column)).toBe(true);
      }),
      { seed: 8, numRuns: 500 },
    );
  });

  test.each(['constructor', '__proto__', 'toString'])(
    'a column called %s has no rule by itself',
    (column) => {
      const query = { functions: ['query'], project: any, source: any, table: any } as const;
      const policies = [
        {
          name: 'n',
          role: 'r',
          project: 'p',
          source: 's',
          table: 'x',
          columns: { a: { kind: 'hidden' } },
        },
      ] as const;
      const access = tableAccess([{ name: 'r', permissions: [query] }], policies, {
        project: 'p',
        source: 's',
        table: 'x',
      });
      expect(access!.columns.has(column)).toBe(false);
    },
  );
});

describe('permissions', () => {
  test('are what a plain reading of the rules says, for every function and part of the catalog', () => {
    const part = fc.option(oneOf(projects), { nil: undefined });
    fc.assert(
      fc.property(
        rulesOf,
        user,
        fc.constantFrom(...accessFunctions),
        part,
        (rules, who, wanted, project) => {
          const roles = rolesOf(rules, who);
          const plain = rules.roles
            .filter(({ name }) => namesOf(rules, who).has(name))
            .flatMap(({ permissions }) => permissions)
            .filter(({ functions }) => functions.includes(wanted));
          const whole = plain.filter(({ source, table }) => source === any && table === any);
          const target = project === undefined ? {} : { project };
          expect(permits(roles, wanted, target)).toBe(
            whole.some((one) => one.project === any || one.project === project),
          );
          if (project === undefined) return;
          expect(permitsSome(roles, wanted, project)).toBe(
            plain.some((one) => one.project === any || one.project === project),
          );
        },
      ),
      { seed: 9, numRuns: 2_000 },
    );
  });

  test('nobody may do anything without a role', () => {
    for (const wanted of accessFunctions) expect(permits([], wanted, {})).toBe(false);
  });
});

type Who = { readonly roles: readonly string[]; readonly groups: readonly string[] };

function namesOf(rules: AccessRules, who: Who): Set<string> {
  const names = new Set(who.roles);
  for (const group of rules.groups) {
    if (who.groups.includes(group.name)) for (const role of group.roles) names.add(role);
  }
  return names;
}

/** The rules word by word, one row, one column and one role at a time. */
function plainly(
  rules: AccessRules,
  who: Who,
  at: { project: string; source: string; table: string },
) {
  const fits = (allowed: string, wanted: string) => allowed === any || allowed === wanted;
  const roles = rules.roles.filter(
    ({ name, permissions }) =>
      namesOf(rules, who).has(name) &&
      permissions.some(
        (one) =>
          one.functions.includes('query') &&
          fits(one.project, at.project) &&
          fits(one.source, at.source) &&
          fits(one.table, at.table),
      ),
  );
  const policiesOf = (role: string) =>
    rules.policies.filter(
      (one) =>
        one.role === role &&
        one.project === at.project &&
        one.source === at.source &&
        one.table === at.table,
    );
  const rank = { hidden: 0, masked: 1, visible: 2 };
  return {
    roles,
    seesRow: (row: number) =>
      roles.some(({ name }) =>
        policiesOf(name).every(({ rows }) => rows === undefined || predicates[rows]!(row)),
      ),
    column: (column: string) => {
      const perRole = roles.map(({ name }) =>
        policiesOf(name)
          .map(({ columns }) => columns[column]?.kind ?? 'visible')
          .reduce((a, b) => (rank[a] < rank[b] ? a : b), 'visible'),
      );
      return perRole.reduce((a, b) => (rank[a] > rank[b] ? a : b), 'hidden');
    },
  };
}
