import { createHash, createHmac, pbkdf2, randomBytes, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';

/**
 * SCRAM-SHA-256 verifiers (RFC 5802, RFC 7677): what is kept of a password. They prove a password right and do not
 * give it back. All binary values are base64.
 */
export interface ScramVerifier {
  readonly salt: string;
  readonly iterations: number;
  readonly storedKey: string;
  readonly serverKey: string;
}

const defaultIterations = 15_000;
const keyBytes = 32;
const derive = promisify(pbkdf2);

export async function scramVerifier(
  password: string,
  salt: Buffer = randomBytes(16),
  iterations: number = defaultIterations,
): Promise<ScramVerifier> {
  const salted = await derive(prepared(password), salt, iterations, keyBytes, 'sha256');
  const clientKey = hmac(salted, 'Client Key');
  return {
    salt: salt.toString('base64'),
    iterations,
    storedKey: createHash('sha256').update(clientKey).digest('base64'),
    serverKey: hmac(salted, 'Server Key').toString('base64'),
  };
}

/** In a time that does not depend on how much of it is right. */
export async function isPassword(verifier: ScramVerifier, password: string): Promise<boolean> {
  const salt = Buffer.from(verifier.salt, 'base64');
  const { storedKey } = await scramVerifier(password, salt, verifier.iterations);
  return sameSecret(storedKey, verifier.storedKey);
}

/** Compares two texts of one kind of secret, such as digests, without telling where they differ. */
export function sameSecret(a: string, b: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}

/** Passwords that look the same are the same: the part of SASLprep that matters for what people type. */
function prepared(password: string): string {
  return password.normalize('NFKC');
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}
