import type { TesseraClient } from '@tessera/client';

/** A unary call that is about to be made, or was answered: `storage.commitIngest`. */
export interface Moment {
  readonly call: string;
  readonly when: 'before' | 'after';
  /** What is asked for. */
  readonly request: unknown;
}

type Happens = (moment: Moment) => Promise<void> | void;

/** The same clients, but `happens` runs around each of the named calls (not for streams). */
export function between(
  client: TesseraClient,
  calls: readonly string[],
  happens: Happens,
): TesseraClient {
  return new Proxy(client, {
    get: (_, service: keyof TesseraClient) =>
      watched(client[service], { calls, happens, prefix: `${service}.` }),
  });
}

interface Watch {
  readonly calls: readonly string[];
  readonly happens: Happens;
  /** Of the names of calls. */
  readonly prefix?: string;
}

/** The same, but `happens` runs around each of the named methods. */
export function watched<T extends object>(target: T, { calls, happens, prefix = '' }: Watch): T {
  return new Proxy(target, {
    get: (_, name: string) => {
      const method = (target as Record<string, unknown>)[name];
      if (typeof method !== 'function') return method;
      const call = `${prefix}${name}`;
      if (!calls.includes(call)) return method.bind(target);
      return async (...args: unknown[]) => {
        const [request] = args;
        await happens({ call, when: 'before', request });
        const answer = await method.apply(target, args);
        await happens({ call, when: 'after', request });
        return answer;
      };
    },
  });
}
