import { createHash } from 'node:crypto';
import type { KeyValue, KeyValueStore } from '@tessera/base';
import { z } from 'zod';
import { contended, notFound } from '../errors.ts';
import { Commit } from '../resources/commit.ts';
import { internalKey, keyOf } from '../resources/resource-key.ts';
import { userKind } from './access-kinds.ts';
import type { ScramVerifier } from './scram.ts';

const shape = z.object({
  scram: z
    .object({
      salt: z.string(),
      iterations: z.number().int(),
      storedKey: z.string(),
      serverKey: z.string(),
    })
    .optional(),
  apiTokens: z.array(
    z.object({ id: z.string(), digest: z.string(), expiresAtMs: z.number().int() }),
  ),
});

/** What proves that a caller is a user. Kept beside the resources: no list, watch or export gives it away. */
export type Credentials = z.infer<typeof shape>;

const none: Credentials = { apiTokens: [] };
const attempts = 16;

/** Tells a password from those before and after it, and nothing about it: its salt was drawn with it. */
export function passwordVersion({ salt }: ScramVerifier): string {
  return createHash('sha256').update(salt).digest('base64url');
}

export function credentialsKey(user: string): string {
  return internalKey('credentials', user);
}

export class CredentialStore {
  readonly #store: KeyValueStore;

  constructor(store: KeyValueStore) {
    this.#store = store;
  }

  async of(user: string): Promise<Credentials> {
    const { entry } = await this.#store.get(credentialsKey(user));
    return decoded(entry);
  }

  /** @throws NOT_FOUND USER_NOT_FOUND; what `change` throws */
  async change(user: string, change: (before: Credentials) => Credentials): Promise<void> {
    const key = credentialsKey(user);
    for (let i = 0; i < attempts; i++) {
      const { entry } = await this.#store.get(key);
      const after = change(decoded(entry));
      const commit = new Commit()
        .requirePresent(keyOf(userKind.pattern, `users/${user}`), () =>
          notFound(userKind.kind, `users/${user}`),
        )
        .requireUnchanged(key, entry?.modRevision ?? 0n)
        .put(key, Buffer.from(JSON.stringify(after)));
      if ((await commit.run(this.#store)) !== undefined) return;
    }
    throw contended(`users/${user}`);
  }
}

function decoded(entry: KeyValue | undefined): Credentials {
  return entry === undefined ? none : shape.parse(JSON.parse(Buffer.from(entry.value).toString()));
}
