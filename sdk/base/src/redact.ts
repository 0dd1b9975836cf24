/**
 * Takes secrets out of plain values before they leave a machine. What stands under a key that looks like that of a secret
 * goes, however deep, and so does every other place where the same text stands, such as in a message. User information in
 * URLs goes too.
 */
export const removed = '[removed]';

/** Shorter texts are removed where they stand, but not looked for elsewhere: they would be found in any word. */
const minSoughtCharacters = 4;

const secretKey =
  /pass(?:word|wd|phrase|code)?|secret|token|credential|api[-_]?key|(?:private|access|account|signing|shared|encryption)[-_]?key|auth|cookie|session|signature|connection[-_]?string|dsn|jwt|salt|verifier|bearer|pwd/i;

export function looksSecret(key: string): boolean {
  return secretKey.test(key);
}

/** A copy of plain values without their secrets. Big integers become text. */
export function redacted(value: unknown): unknown {
  const secrets = new Set<string>();
  collectSecrets(value, false, secrets);
  const sought = [...secrets]
    .filter((text) => text.length >= minSoughtCharacters)
    .sort((a, b) => b.length - a.length); // A secret may contain another one.
  return copy(value, sought);
}

/**
 * A copy of plain values in which nothing stands under a key that looks like that of a secret, nor in the place of user
 * information in a URL. Unlike `redacted` it leaves the same texts alone where they stand elsewhere.
 */
export function withoutSecrets(value: unknown): unknown {
  return copy(value, []);
}

function collectSecrets(value: unknown, secret: boolean, into: Set<string>): void {
  if (typeof value === 'object' && value !== null) {
    for (const [key, inner] of entriesOf(value)) {
      collectSecrets(inner, secret || looksSecret(key), into);
      if (secret) into.add(key);
    }
  } else if (secret && value !== null && value !== undefined && typeof value !== 'boolean') {
    into.add(String(value));
  }
}

function copy(value: unknown, sought: readonly string[]): unknown {
  if (typeof value === 'string') return cleaned(value, sought);
  if (typeof value === 'bigint' || typeof value === 'number') {
    const text = String(value);
    const clean = cleaned(text, sought);
    return clean !== text || typeof value === 'bigint' ? clean : value;
  }
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((item) => copy(item, sought));
  return Object.fromEntries(
    entriesOf(value).map(([key, inner]) => [
      cleaned(key, sought),
      looksSecret(key) ? removed : copy(inner, sought),
    ]),
  );
}

function entriesOf(value: object): [string, unknown][] {
  return value instanceof Map
    ? [...value].map(([key, inner]) => [String(key), inner])
    : Object.entries(value);
}

function cleaned(text: string, sought: readonly string[]): string {
  // What was put in for one secret must not be taken for a part of another one.
  let parts = [text];
  for (const secret of sought) parts = parts.flatMap((part) => part.split(secret));
  return parts
    .join(removed)
    .replaceAll(/(\w+:\/\/)[^/@\s]+@/g, `$1${removed}@`)
    .replaceAll(
      /((?:pass(?:word|wd)?|pwd|secret|token|api[-_]?key|authorization)["']?\s*[=:]\s*(?:bearer\s+|basic\s+)?)["']?[^\s"',;&]+/gi,
      `$1${removed}`,
    );
}
