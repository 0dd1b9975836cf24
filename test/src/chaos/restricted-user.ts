import { access } from '@tessera/proto';
import type { ClusterClients } from '@tessera/testkit/cluster';
import { tables } from '../differential/tables.ts';
import type { Oracle } from '../differential/world.ts';

/** What the user sees of the facts, in SQL that Tessera and DuckDB both read. */
const rows = "txt = 'a' or b";
const user = 'ann';

/** Somebody who may query everything, but sees only some of the facts. The project and its source come later. */
export async function makeRestrictedUser(
  clients: ClusterClients,
  project: string,
): Promise<ClusterClients> {
  const { projects, roles, policies, users } = clients.whole(0);
  const functions = [access.AccessFunction.ACCESS_FUNCTION_QUERY];
  const everything = { functions, project, source: '*', table: '*' };
  await projects.createProject({ projectId: project, project: {} });
  await roles.createRole({ roleId: 'part', role: { permissions: [everything] } });
  await policies.createPolicy({
    parent: `projects/${project}`,
    policyId: 'part',
    policy: { role: 'part', source: 'files', table: 'fact', rows },
  });
  await users.createUser({ userId: user, user: { roles: ['part'] } });
  return clients.as(user);
}

/** Where the oracle has a version of the data as the user sees it. */
export function restrictedView(schema: string): string {
  return `${schema}_part`;
}

/** To be called for each version before anybody can be answered from it. */
export async function loadRestrictedView(oracle: Oracle, schema: string): Promise<void> {
  const view = restrictedView(schema);
  await oracle.duckdb.execute(`CREATE SCHEMA ${view}`);
  for (const { name } of tables) {
    const seen = name === 'fact' ? ` WHERE ${rows}` : '';
    await oracle.duckdb.execute(`CREATE VIEW ${view}.${name} AS FROM ${schema}.${name}${seen}`);
  }
}
