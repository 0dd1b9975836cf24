import { join } from 'node:path';
import type { Identity } from '@tessera/access';
import { systemClock } from '@tessera/base';
import { type TesseraClient, type TokenSource, tokenFrom } from '@tessera/client';
import { AuditLog } from './audit-log.ts';
import { accessUnknown } from './errors.ts';
import type { AccessControl } from './gate.ts';
import { RemoteIdentities } from './remote-identities.ts';

/** What every daemon's own command takes to control who calls it, and to say who it is itself. */
export const accessArguments = {
  /** `open`: everybody who can connect; `controlled`: users with roles, and daemons. */
  access: { type: 'string', default: 'open' },
  /** Folder of the audit log, where access is controlled. */
  audit: { type: 'string', default: 'data/audit' },
  /** File of the token that the daemon shows to others; a certificate that names its kind needs none. */
  'token-file': { type: 'string' },
} as const;

export interface AccessArguments {
  readonly access?: string | undefined;
  readonly audit?: string | undefined;
  readonly 'token-file'?: string | undefined;
}

/** The token that the daemon shows, to be spread into the options of `connect`. @throws TOKEN_FILE_UNREADABLE */
export function ownToken({ 'token-file': file }: AccessArguments): {
  readonly token?: TokenSource;
} {
  return file === undefined ? {} : { token: tokenFrom(file) };
}

/**
 * Control over a daemon's server by what metadata says of its callers, to be spread into the options of `startServer`.
 * Nothing when access is open. @throws ACCESS_UNKNOWN
 */
export function controlByMetadata(
  values: AccessArguments,
  { authentication }: Pick<TesseraClient, 'authentication'>,
  daemon: string,
  owner: AsyncDisposableStack,
): { readonly access?: AccessControl } {
  const identities = new RemoteIdentities(authentication, systemClock);
  return controlBy(values, (token) => identities.identityOf(token), daemon, owner);
}

/** The same by whoever knows the callers. @param daemon whose audit log it is */
export function controlBy(
  values: AccessArguments,
  identityOf: (token: string) => Promise<Identity>,
  daemon: string,
  owner: AsyncDisposableStack,
): { readonly access?: AccessControl } {
  if (!isControlled(values)) return {};
  const { audit: folder = accessArguments.audit.default } = values;
  const audit = owner.use(new AuditLog(join(folder, daemon), systemClock));
  return { access: { identityOf, audit } };
}

/** @throws ACCESS_UNKNOWN */
export function isControlled({ access = 'open' }: AccessArguments): boolean {
  if (access !== 'open' && access !== 'controlled') throw accessUnknown(access);
  return access === 'controlled';
}
