import { type Caller, permits } from '@tessera/access';
import { timestampFromProto, timestampToProto } from '@tessera/client';
import { type AccessContext, callerOf, permissionDenied, servicesToProto } from '@tessera/daemon';
import type { access } from '@tessera/proto';
import type { Authenticator } from '../access/authenticator.ts';
import { networkOfPeer } from '../access/network-of-peer.ts';

/** Wire in, wire out. */
export function authenticationHandler(
  authenticator: Authenticator,
): access.AuthenticationServiceImplementation<AccessContext> {
  return {
    login: async ({ user, password }, { peer }) => {
      const { token, expiresAtMs } = await authenticator.login(user, password, networkOfPeer(peer));
      return { token, expireTime: timeOf(expiresAtMs) };
    },
    setPassword: async ({ user, password }, context) => {
      requireSelfOrAdministrator(callerOf(context), user, 'SetPassword');
      await authenticator.setPassword(user, password);
      return {};
    },
    createApiToken: async ({ user, expireTime }, context) => {
      requireSelfOrAdministrator(callerOf(context), user, 'CreateApiToken');
      const until = timestampFromProto(expireTime);
      const { id, token, expiresAtMs } = await authenticator.createApiToken(
        user,
        until === undefined ? undefined : Number(until / 1000n),
      );
      return { id, token, expireTime: timeOf(expiresAtMs) };
    },
    revokeApiToken: async ({ user, id }, context) => {
      requireSelfOrAdministrator(callerOf(context), user, 'RevokeApiToken');
      await authenticator.revokeApiToken(user, id);
      return {};
    },
    whoAmI: async (_, context) => {
      const caller = callerOf(context);
      return { user: caller?.user ?? '', roles: caller?.roles.map(({ name }) => name) ?? [] };
    },
    resolveToken: async ({ token, knownRevision }) => {
      const { user, roles, current } = await authenticator.resolve(token);
      const { revision, resources } = current;
      return {
        user: user.name,
        roles: roles.map(({ name }) => name),
        services: servicesToProto(user.services),
        revision,
        ...(revision === knownRevision ? {} : { rules: resources }),
      };
    },
  };
}

function timeOf(ms: number) {
  return timestampToProto(BigInt(ms) * 1000n);
}

/** @throws PERMISSION_DENIED */
function requireSelfOrAdministrator(caller: Caller | undefined, user: string, method: string) {
  if (caller === undefined || caller.user === user) return;
  if (!permits(caller.roles, 'administer', {})) throw permissionDenied('administer', method);
}
