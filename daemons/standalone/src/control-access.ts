import { Code, systemClock, TesseraError } from '@tessera/base';
import type { TesseraClient } from '@tessera/client';
import { type AccessControl, AuditLog } from '@tessera/daemon';
import type { MetadataDaemon } from '@tessera/metadata';
import { access } from '@tessera/proto';
import { foldersOf, type PlatformConfig } from './config.ts';

/** The first user, and the role that may do everything. */
const admin = 'admin';

/**
 * Who may call the platform's server. A platform without users gets one that may do everything, so that there is
 * somebody to make the others.
 * @throws ADMIN_PASSWORD_MISSING, BAD_REQUEST when the password is too short
 */
export async function controlAccess(
  authenticator: MetadataDaemon['authenticator'],
  client: TesseraClient,
  config: PlatformConfig,
  owner: AsyncDisposableStack,
): Promise<AccessControl> {
  if (!(await authenticator.hasUsers())) await makeAdmin(client, config.adminPassword);
  const audit = owner.use(new AuditLog(foldersOf(config.dataDirectory).audit, systemClock));
  return { callerOf: (token) => authenticator.callerOf(token), audit };
}

async function makeAdmin(client: TesseraClient, password: string | undefined): Promise<void> {
  if (password === undefined) throw adminPasswordMissing();
  const { QUERY, MODEL, BUILD, OPERATE, ADMINISTER } = functions;
  const functionsOfAdmin = [QUERY, MODEL, BUILD, OPERATE, ADMINISTER];
  const everything = { functions: functionsOfAdmin, project: '*', source: '*', table: '*' };
  await client.roles.updateRole({
    role: { name: `roles/${admin}`, permissions: [everything] },
    allowMissing: true,
  });
  await client.users.createUser({ userId: admin, user: { roles: [admin] } });
  try {
    await client.authentication.setPassword({ user: admin, password });
  } catch (error) {
    await client.users.deleteUser({ name: `users/${admin}` }); // Else nobody could ever sign in.
    throw error;
  }
}

const functions = {
  QUERY: access.AccessFunction.ACCESS_FUNCTION_QUERY,
  MODEL: access.AccessFunction.ACCESS_FUNCTION_MODEL,
  BUILD: access.AccessFunction.ACCESS_FUNCTION_BUILD,
  OPERATE: access.AccessFunction.ACCESS_FUNCTION_OPERATE,
  ADMINISTER: access.AccessFunction.ACCESS_FUNCTION_ADMINISTER,
} as const;

function adminPasswordMissing(): TesseraError {
  return new TesseraError({
    code: Code.FAILED_PRECONDITION,
    reason: 'ADMIN_PASSWORD_MISSING',
    message:
      'Access is to be controlled and there are no users yet: give the password of the first one, admin, in a file with --admin-password-file.',
  });
}
