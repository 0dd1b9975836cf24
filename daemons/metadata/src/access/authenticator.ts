import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { type Identity, type Role, rolesOf } from '@tessera/access';
import { type Clock, isResourceId, type KeyValueStore } from '@tessera/base';
import { decodeJwt } from 'jose';
import {
  apiTokenNotFound,
  badRequest,
  loginFailed,
  tokenExpired,
  tokenInvalid,
  tooManyLogins,
} from '../errors.ts';
import type { ForeignIdentity, IdentityProvider } from '../oidc/identity-provider.ts';
import { CredentialStore, passwordVersion } from './credentials.ts';
import { LoginLimit } from './login-limit.ts';
import { LoginTurns } from './login-turns.ts';
import { type CurrentRules, type KnownUser, RulesReader } from './read-rules.ts';
import { isPassword, sameSecret, scramVerifier } from './scram.ts';
import { type Session, SessionTokens } from './session-tokens.ts';

/** How long somebody stays signed in. */
const sessionMs = 15 * 60_000;
const apiTokenMs = 90 * 24 * 3_600_000;
const maxApiTokens = 100;
const password = { minCharacters: 8, maxBytes: 1_024 };
/** Nobody's: a login of an unknown user takes as long as one of a known user. */
const nobody = scramVerifier(randomUUID());

export interface IssuedToken {
  readonly token: string;
  readonly expiresAtMs: number;
}

export interface ResolvedToken {
  readonly user: KnownUser;
  /** His own and those of his groups. */
  readonly roles: readonly Role[];
  readonly current: CurrentRules;
}

/** Tells who a caller is, from passwords and tokens, and what roles he has at that moment. */
export class Authenticator {
  readonly #clock: Clock;
  readonly #rules: RulesReader;
  readonly #credentials: CredentialStore;
  readonly #sessions: SessionTokens;
  readonly #limit: LoginLimit;
  readonly #providers: ReadonlyMap<string, IdentityProvider>;
  readonly #turns = new LoginTurns();

  /** @param providers those whose tokens are taken besides the platform's own */
  constructor(store: KeyValueStore, clock: Clock, providers: readonly IdentityProvider[] = []) {
    this.#providers = new Map(providers.map((provider) => [provider.issuer, provider]));
    this.#clock = clock;
    this.#rules = new RulesReader(store);
    this.#credentials = new CredentialStore(store);
    this.#sessions = new SessionTokens(store, clock, sessionMs);
    this.#limit = new LoginLimit(clock);
  }

  /** @throws UNAUTHENTICATED TOKEN_INVALID, TOKEN_EXPIRED */
  async identityOf(token: string): Promise<Identity> {
    const { user, roles, current } = await this.resolve(token);
    const { name, services } = user;
    if (services.length > 0) return { kind: 'service', name, services };
    const { rules, revision } = current;
    return { kind: 'user', caller: { user: name, roles, policies: rules.policies, revision } };
  }

  /** Whose token it is, and the rules at that moment. @throws UNAUTHENTICATED TOKEN_INVALID, TOKEN_EXPIRED */
  async resolve(token: string): Promise<ResolvedToken> {
    const provider = this.#providers.get(issuerOf(token) ?? '');
    if (provider !== undefined) return this.#resolveForeign(await provider.identify(token));
    const isApiToken = token.startsWith(apiTokenPrefix);
    const session = isApiToken ? undefined : await this.#openSession(token);
    const name = session?.user ?? (await this.#userOfApiToken(token));
    const current = await this.#rules.current();
    const user = activeUser(current.rules.users, name);
    if (user === undefined) throw tokenInvalid();
    if (session !== undefined && session.uid !== user.uid) throw tokenInvalid();
    return { user, roles: rolesOf(current.rules, user), current };
  }

  /** A provider speaks for people: what it says makes nobody a daemon, and nobody who is disabled here active. */
  async #resolveForeign({ user: name, groups, mustBeKnown }: ForeignIdentity) {
    const current = await this.#rules.current();
    const known = current.rules.users.find((one) => one.name === name);
    const stranger: KnownUser = {
      name,
      uid: '',
      roles: [],
      groups: [],
      disabled: mustBeKnown,
      services: [],
    };
    const user = known ?? stranger;
    if (user.disabled || user.services.length > 0) throw tokenInvalid();
    const both = { roles: user.roles, groups: [...user.groups, ...groups] };
    return { user, roles: rolesOf(current.rules, both), current };
  }

  /** @param address where he is @throws LOGIN_FAILED, TOO_MANY_LOGINS, LOGINS_BUSY */
  async login(user: string, given: string, address: string): Promise<IssuedToken> {
    // Nobody's name or password: it is neither counted nor kept while others have their turn.
    if (!isResourceId(user) || Buffer.byteLength(given) > password.maxBytes) throw loginFailed();
    return this.#turns.run(user, address, () => this.#login(user, given, address));
  }

  async #login(user: string, given: string, address: string): Promise<IssuedToken> {
    const waitMs = this.#limit.waitMs(user, address);
    if (waitMs > 0) throw tooManyLogins(waitMs);
    const { rules } = await this.#rules.current();
    const known = activeUser(rules.users, user);
    const { scram } = known === undefined ? {} : await this.#credentials.of(user);
    const right = await isPassword(scram ?? (await nobody), given);
    if (!right || known === undefined || scram === undefined) {
      this.#limit.failed(user, address);
      throw loginFailed();
    }
    this.#limit.succeeded(user, address);
    const { uid } = known;
    return this.#sessions.issue({ user, uid, passwordVersion: passwordVersion(scram) });
  }

  /** A session is one of the password that it began with. */
  async #openSession(token: string): Promise<Session> {
    const session = await this.#sessions.verify(token);
    const { scram } = await this.#credentials.of(session.user);
    if (scram === undefined || passwordVersion(scram) !== session.passwordVersion) {
      throw tokenInvalid();
    }
    return session;
  }

  /** Whether anybody could sign in: a platform without users is new. */
  async hasUsers(): Promise<boolean> {
    return (await this.#rules.current()).rules.users.length > 0;
  }

  /** @throws BAD_REQUEST, NOT_FOUND */
  async setPassword(user: string, given: string): Promise<void> {
    if ([...given].length < password.minCharacters) {
      throw badRequest('password', `must have at least ${password.minCharacters} characters.`);
    }
    if (Buffer.byteLength(given) > password.maxBytes) {
      throw badRequest('password', `must not have more than ${password.maxBytes} bytes.`);
    }
    const scram = await scramVerifier(given);
    await this.#credentials.change(user, (before) => ({ ...before, scram }));
  }

  /** @throws BAD_REQUEST, NOT_FOUND */
  async createApiToken(
    user: string,
    until: number | undefined,
  ): Promise<IssuedToken & { readonly id: string }> {
    const expiresAtMs = until ?? this.#nowMs() + apiTokenMs;
    if (expiresAtMs <= this.#nowMs()) throw badRequest('expire_time', 'must be in the future.');
    const id = randomBytes(6).toString('hex');
    const secret = randomBytes(32).toString('base64url');
    const token = `${apiTokenPrefix}${Buffer.from(user).toString('base64url')}.${id}.${secret}`;
    await this.#credentials.change(user, (before) => {
      const alive = before.apiTokens.filter((one) => one.expiresAtMs > this.#nowMs());
      if (alive.length >= maxApiTokens) {
        throw badRequest('user', `has ${maxApiTokens} API tokens already: revoke some.`);
      }
      return { ...before, apiTokens: [...alive, { id, digest: digestOf(token), expiresAtMs }] };
    });
    return { id, token, expiresAtMs };
  }

  /** @throws API_TOKEN_NOT_FOUND, NOT_FOUND */
  async revokeApiToken(user: string, id: string): Promise<void> {
    await this.#credentials.change(user, (before) => {
      const apiTokens = before.apiTokens.filter((one) => one.id !== id);
      if (apiTokens.length === before.apiTokens.length) throw apiTokenNotFound(id);
      return { ...before, apiTokens };
    });
  }

  async #userOfApiToken(token: string): Promise<string> {
    const [name = '', id] = token.slice(apiTokenPrefix.length).split('.');
    const user = Buffer.from(name, 'base64url').toString();
    if (!isResourceId(user)) throw tokenInvalid();
    const { apiTokens } = await this.#credentials.of(user);
    const found = apiTokens.find((one) => one.id === id);
    if (found === undefined || !sameSecret(found.digest, digestOf(token))) throw tokenInvalid();
    if (found.expiresAtMs <= this.#nowMs()) throw tokenExpired();
    return user;
  }

  #nowMs(): number {
    return Number(this.#clock.now() / 1000n);
  }
}

const apiTokenPrefix = 'tsr_';

/** Who a token says that it is from; it is not believed yet. */
function issuerOf(token: string): string | undefined {
  try {
    return decodeJwt(token).iss;
  } catch {
    return undefined;
  }
}

/** A token is long and random, so a plain digest is as hard to turn back as a slow one. */
function digestOf(token: string): string {
  return createHash('sha256').update(token).digest('base64');
}

function activeUser(users: readonly KnownUser[], user: string): KnownUser | undefined {
  return users.find(({ name, disabled }) => name === user && !disabled);
}
