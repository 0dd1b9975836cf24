import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Issued } from '@tessera/testkit/tls';
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';

export interface SigningKey {
  readonly alg: 'RS256' | 'ES256';
  readonly kid: string;
  readonly privateKey: CryptoKey;
  readonly publicKey: CryptoKey;
}

export const issuer = 'https://identity.example';
export const audience = 'tessera-tests';

/**
 * An emulation of an identity provider, and no more of one than what is verified by: it publishes keys over HTTPS on
 * loopback and signs tokens with them.
 */
export class EmulatedIdentityProvider implements AsyncDisposable {
  /** How often its keys were read. */
  reads = 0;
  #published: readonly unknown[] = [];
  #answer: ((response: ServerResponse) => void) | undefined;
  readonly #server;

  constructor({ cert, key }: Issued) {
    const files = { cert: readFileSync(cert), key: readFileSync(key) };
    this.#server = createServer(files, (request, response) => this.#serve(request, response));
  }

  async listen(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
  }

  get jwksUri(): string {
    return `https://127.0.0.1:${(this.#server.address() as AddressInfo).port}/keys`;
  }

  /** Only these are published from now on; plain values as they are. */
  async publish(...keys: readonly (SigningKey | JWK)[]): Promise<void> {
    this.#published = await Promise.all(keys.map(published));
  }

  /** What is answered instead of keys; `undefined`: the keys again. */
  answerBy(answer: ((response: ServerResponse) => void) | undefined): void {
    this.#answer = answer;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #serve({ url }: IncomingMessage, response: ServerResponse): void {
    if (url !== '/keys') {
      response.writeHead(404).end();
      return;
    }
    this.reads++;
    if (this.#answer !== undefined) {
      this.#answer(response);
      return;
    }
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ keys: this.#published }));
  }
}

export async function newKey(kid: string, alg: SigningKey['alg'] = 'RS256'): Promise<SigningKey> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  return { alg, kid, privateKey, publicKey };
}

async function published(key: SigningKey | JWK): Promise<unknown> {
  if (!('publicKey' in key)) return key;
  const { alg, kid, publicKey } = key as SigningKey;
  return { ...(await exportJWK(publicKey)), alg, kid, use: 'sig' };
}

/** A token for ann that is good from `nowMs` on for five minutes, but for what is said otherwise. */
export function signed(
  { alg, kid, privateKey }: SigningKey,
  nowMs: number,
  claims: Readonly<Record<string, unknown>> = {},
): Promise<string> {
  const nowSeconds = Math.floor(nowMs / 1_000);
  return new SignJWT({
    ...{ iss: issuer, aud: audience, sub: 'ann', iat: nowSeconds, exp: nowSeconds + 300 },
    ...claims,
  })
    .setProtectedHeader({ alg, kid })
    .sign(privateKey);
}
