import type { TesseraClient } from '@tessera/client';

/** A unary call that is about to be made, or was answered: `storage.commitIngest`. */
export interface Moment {
  readonly call: string;
  readonly when: 'before' | 'after';
}

/** The same clients, but `happens` runs around each of the named calls (not for streams). */
export function between(
  client: TesseraClient,
  calls: readonly string[],
  happens: (moment: Moment) => Promise<void> | void,
): TesseraClient {
  return new Proxy(client, {
    get: (_, service: keyof TesseraClient) =>
      new Proxy(client[service], {
        get: (methods, name: string) => {
          const method = methods[name as never] as (...args: unknown[]) => Promise<unknown>;
          const call = `${service}.${name}`;
          if (!calls.includes(call)) return method;
          return async (...args: unknown[]) => {
            await happens({ call, when: 'before' });
            const answer = await method(...args);
            await happens({ call, when: 'after' });
            return answer;
          };
        },
      }),
  });
}
