import type { Clock, KeyValueStore } from '@tessera/base';
import { exportJWK, generateKeyPair, importJWK, type JWK, jwtVerify, SignJWT } from 'jose';
import { tokenExpired, tokenInvalid } from '../errors.ts';
import { Commit } from '../resources/commit.ts';
import { internalKey } from '../resources/resource-key.ts';

const algorithm = 'EdDSA';
const issuer = 'tessera';
const audience = 'tessera';
const key = internalKey('secrets', 'session-key');

interface Claims {
  readonly uid: string;
  readonly password_version: string;
}

/** Who signed in, and by what. */
export interface Session {
  readonly user: string;
  /** Of the user: a later one of the same name is somebody else. */
  readonly uid: string;
  /** Of the password that he gave, as `passwordVersion` tells it. */
  readonly passwordVersion: string;
}

/**
 * Short-lived tokens of those who signed in: JWTs signed with a key that is made once and kept in the store, so that
 * every metadata daemon takes the tokens of the others and a restart ends no session.
 */
export class SessionTokens {
  readonly #store: KeyValueStore;
  readonly #clock: Clock;
  readonly #lifetimeMs: number;
  #key: Promise<JWK> | undefined;

  constructor(store: KeyValueStore, clock: Clock, lifetimeMs: number) {
    this.#store = store;
    this.#clock = clock;
    this.#lifetimeMs = lifetimeMs;
  }

  async issue(session: Session): Promise<{ readonly token: string; readonly expiresAtMs: number }> {
    const { user, uid, passwordVersion } = session;
    const nowMs = this.#nowMs();
    const expiresAtMs = nowMs + this.#lifetimeMs;
    const token = await new SignJWT({ uid, password_version: passwordVersion })
      .setProtectedHeader({ alg: algorithm })
      .setSubject(user)
      .setIssuer(issuer)
      .setAudience(audience)
      .setIssuedAt(Math.floor(nowMs / 1000))
      .setExpirationTime(Math.floor(expiresAtMs / 1000))
      .sign(await importJWK(await this.#signingKey(), algorithm));
    return { token, expiresAtMs };
  }

  /** Whose token it is; whether he is still there and has that password is not looked at. @throws UNAUTHENTICATED TOKEN_EXPIRED, TOKEN_INVALID */
  async verify(token: string): Promise<Session> {
    const { d: _, ...open } = await this.#signingKey();
    try {
      const { payload } = await jwtVerify<Claims>(token, await importJWK(open, algorithm), {
        algorithms: [algorithm],
        ...{ issuer, audience },
        requiredClaims: ['sub', 'exp', 'uid', 'password_version'],
        currentDate: new Date(this.#nowMs()),
      });
      return {
        user: payload.sub!,
        uid: payload.uid,
        passwordVersion: payload.password_version,
      };
    } catch (cause) {
      const expired = (cause as { readonly code?: string }).code === 'ERR_JWT_EXPIRED';
      throw expired ? tokenExpired() : tokenInvalid(cause);
    }
  }

  #nowMs(): number {
    return Number(this.#clock.now() / 1000n);
  }

  #signingKey(): Promise<JWK> {
    this.#key ??= this.#findOrMake().catch((error) => {
      this.#key = undefined; // The store may be back for the next one.
      throw error;
    });
    return this.#key;
  }

  async #findOrMake(): Promise<JWK> {
    const { entry } = await this.#store.get(key);
    if (entry !== undefined) return JSON.parse(Buffer.from(entry.value).toString());
    const { privateKey } = await generateKeyPair(algorithm, { extractable: true });
    const made = await exportJWK(privateKey);
    const commit = new Commit().requireAbsent(key).put(key, Buffer.from(JSON.stringify(made)));
    const written = await commit.run(this.#store);
    return written === undefined ? this.#findOrMake() : made; // Another daemon was faster.
  }
}
