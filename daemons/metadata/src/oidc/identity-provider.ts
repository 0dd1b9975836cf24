import { type Clock, messageOf } from '@tessera/base';
import type { Logger } from '@tessera/daemon';
import { jwtVerify } from 'jose';
import type { IdentityProviderConfig } from '../config.ts';
import {
  identityProviderUnavailable,
  tokenExpired,
  tokenInvalid,
  tokenNotYetValid,
} from '../errors.ts';
import { fetchKeys } from './fetch-keys.ts';
import { KeySet, KeysUnavailable } from './key-set.ts';

/** Who a provider says that somebody is. */
export interface ForeignIdentity {
  /** Id of a user. */
  readonly user: string;
  /** Ids of groups. */
  readonly groups: readonly string[];
  /** Whether there has to be a `User` of that name. */
  readonly mustBeKnown: boolean;
}

/** An OpenID Connect provider whose tokens are believed (JWTs, RFC 7519, by its published keys, RFC 7517). */
export class IdentityProvider {
  readonly #config: IdentityProviderConfig;
  readonly #clock: Clock;
  readonly #keys: KeySet;

  constructor(config: IdentityProviderConfig, clock: Clock, log: Logger) {
    const { issuer, jwksUri, caFile, keys } = config;
    this.#config = config;
    this.#clock = clock;
    this.#keys = new KeySet({
      ...keys,
      clock,
      fetch: () => fetchKeys(jwksUri, caFile),
      onFailure: (error) => log.warn({ issuer, error: messageOf(error) }, 'oidc.keys.unreadable'),
    });
  }

  get issuer(): string {
    return this.#config.issuer;
  }

  /** @throws UNAUTHENTICATED TOKEN_EXPIRED, TOKEN_NOT_YET_VALID, TOKEN_INVALID; UNAVAILABLE IDENTITY_PROVIDER_UNAVAILABLE */
  async identify(token: string): Promise<ForeignIdentity> {
    const { issuer, audience, algorithms, clockSkewMs, userClaim } = this.#config;
    try {
      const { payload } = await jwtVerify(token, (header, jws) => this.#keys.find(header, jws), {
        ...{ issuer, audience, algorithms: [...algorithms] },
        clockTolerance: clockSkewMs / 1_000,
        requiredClaims: ['exp', userClaim],
        currentDate: new Date(Number(this.#clock.now() / 1_000n)),
      });
      return identityOf(payload, this.#config);
    } catch (cause) {
      if (cause instanceof KeysUnavailable) throw identityProviderUnavailable(issuer, cause);
      const { code, claim } = cause as { readonly code?: string; readonly claim?: string };
      if (code === 'ERR_JWT_EXPIRED') throw tokenExpired();
      if (claim === 'nbf') throw tokenNotYetValid(issuer, clockSkewMs);
      throw tokenInvalid(cause);
    }
  }
}

const id = /^[a-z0-9][a-z0-9_.-]{0,127}$/;

/** What the claims of a token mean here. Groups that are not ids, or are not mapped, mean nothing. */
function identityOf(
  claims: Readonly<Record<string, unknown>>,
  config: IdentityProviderConfig,
): ForeignIdentity {
  const { userClaim, userPrefix, groupsClaim, groupPrefix, groups: mapping, users } = config;
  const name = claims[userClaim];
  const user = typeof name === 'string' ? `${userPrefix}${name}` : '';
  if (!id.test(user)) throw new Error(`claim ${userClaim} gives no id of a user`);
  const named = [claims[groupsClaim] ?? []].flat().filter((one) => typeof one === 'string');
  const groups = named.flatMap((one) => {
    if (mapping === undefined) return `${groupPrefix}${one}`;
    return Object.hasOwn(mapping, one) ? mapping[one]! : [];
  });
  return {
    user,
    groups: groups.filter((one) => id.test(one)),
    mustBeKnown: users === 'known',
  };
}
