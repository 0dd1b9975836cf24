import { invariant, isTesseraError } from '@tessera/base';
import { clientsBy, type TesseraClient } from '@tessera/client';
import { bindInProcess, type ServiceBinding, silentLogger } from '@tessera/daemon';
import { access } from '@tessera/proto';
import type { MetadataDaemon } from '../composition.ts';
import { adminPasswordMissing } from '../errors.ts';

/** The first user, and the role that may do everything. */
const admin = 'admin';

/**
 * Gives a platform without users one that may do everything, so that there is somebody to make the others.
 * @throws ADMIN_PASSWORD_MISSING, BAD_REQUEST when the password is too short
 */
export async function ensureFirstUser(
  { authenticator, services }: MetadataDaemon,
  password: string | undefined,
): Promise<void> {
  if (await authenticator.hasUsers()) return;
  if (password === undefined) throw adminPasswordMissing();
  const client = clientOf(services);
  const everything = { functions: allFunctions, project: '*', source: '*', table: '*' };
  await client.roles.updateRole({
    role: { name: `roles/${admin}`, permissions: [everything] },
    allowMissing: true,
  });
  try {
    await client.users.createUser({ userId: admin, user: { roles: [admin] } });
  } catch (error) {
    if (isTesseraError(error, 'USER_ALREADY_EXISTS')) return; // Another metadata daemon was faster.
    throw error;
  }
  try {
    await client.authentication.setPassword({ user: admin, password });
  } catch (error) {
    await client.users.deleteUser({ name: `users/${admin}` }); // Else nobody could ever sign in.
    throw error;
  }
}

const allFunctions = [
  access.AccessFunction.ACCESS_FUNCTION_QUERY,
  access.AccessFunction.ACCESS_FUNCTION_MODEL,
  access.AccessFunction.ACCESS_FUNCTION_BUILD,
  access.AccessFunction.ACCESS_FUNCTION_OPERATE,
  access.AccessFunction.ACCESS_FUNCTION_ADMINISTER,
];

function clientOf(services: readonly ServiceBinding[]): TesseraClient {
  return clientsBy((definition) => {
    const binding = services.find((one) => (one.definition as unknown) === definition);
    invariant(binding, 'metadata serves users and roles');
    return bindInProcess(binding, silentLogger) as never;
  });
}
