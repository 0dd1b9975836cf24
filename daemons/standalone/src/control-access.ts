import { systemClock } from '@tessera/base';
import { type AccessControl, AuditLog } from '@tessera/daemon';
import { ensureFirstUser, type MetadataDaemon } from '@tessera/metadata';
import { foldersOf, type PlatformConfig } from './config.ts';

/**
 * Who may call the platform's server.
 * @throws ADMIN_PASSWORD_MISSING, BAD_REQUEST when the password is too short
 */
export async function controlAccess(
  metadata: MetadataDaemon,
  config: PlatformConfig,
  owner: AsyncDisposableStack,
): Promise<AccessControl> {
  await ensureFirstUser(metadata, config.adminPassword);
  const audit = owner.use(new AuditLog(foldersOf(config.dataDirectory).audit, systemClock));
  return { identityOf: (token) => metadata.authenticator.identityOf(token), audit };
}
