import { readFileSync } from 'node:fs';
import { get as getPlain, type IncomingMessage } from 'node:http';
import { get as getOverTls } from 'node:https';
import type { JSONWebKeySet, JWK } from 'jose';
import { z } from 'zod';

const timeoutMs = 5_000;
const maxBytes = 1 << 20;

/** What a token may be signed by. A secret, shared or private, has no place among published keys and is left out. */
const publicKey = z.looseObject({
  kty: z.enum(['RSA', 'EC', 'OKP']),
  d: z.undefined().optional(),
  k: z.undefined().optional(),
});
const keySet = z.object({ keys: z.array(z.unknown()).max(100) });

/**
 * Reads a provider's keys. No redirect is followed: what is configured is what is believed.
 * @param caFile whose certificates are trusted (PEM); absent: those that the system trusts
 * @throws when there is no whole answer of a bounded size in a bounded time
 */
export async function fetchKeys(uri: string, caFile: string | undefined): Promise<JSONWebKeySet> {
  const signal = AbortSignal.timeout(timeoutMs);
  const options = {
    signal,
    headers: { accept: 'application/json' },
    ...(caFile === undefined ? {} : { ca: readFileSync(caFile) }),
  };
  const get = uri.startsWith('https:') ? getOverTls : getPlain;
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    get(uri, options, resolve).on('error', reject);
  });
  if (response.statusCode !== 200) {
    response.destroy();
    throw new Error(`it answered ${response.statusCode}`);
  }
  const { keys } = keySet.parse(JSON.parse(await textOf(response)));
  return { keys: keys.filter((key): key is JWK => publicKey.safeParse(key).success) };
}

async function textOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > maxBytes) throw new Error(`it answered more than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
