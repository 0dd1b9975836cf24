import { invariant, isTesseraError } from '@tessera/base';
import { clientsBy, services, type TesseraClient } from '@tessera/client';
import type { Authority } from './authority.ts';

interface Method {
  readonly requestType: { fromPartial(object: unknown): object };
  readonly responseStream: boolean;
}
type Options = { readonly signal?: AbortSignal };
type Call = (request: object, options?: Options) => unknown;

/** Calls that change nothing which must be changed by one actor only. Whatever is neither here nor fenced is refused. */
const harmless = /^(get|list|watch|find|locate|scan|read|warmUp|wait|explain|preview)/;

/**
 * Clients of somebody who acts by an authority (P7): every call whose request has a fence carries the authority's,
 * and is not made at all once it has ended. A call that would change something without a fence is refused, so that
 * none can be forgotten.
 */
export function actingClients(clients: TesseraClient, authority: Authority): TesseraClient {
  const names = new Map<unknown, keyof TesseraClient>(
    Object.entries(services).map(([name, definition]) => [definition, name as keyof TesseraClient]),
  );
  return clientsBy((definition) => {
    const client = clients[names.get(definition)!] as unknown as Readonly<Record<string, Call>>;
    const methods = Object.entries(definition.methods) as unknown as [string, Method][];
    const calls = methods.map(([name, method]) => {
      const call: Call = (request, options) => client[name]!(request, options);
      if (hasFence(method)) {
        const byAuthority = method.responseStream ? fencedStream : fenced;
        return [name, byAuthority(call, authority)];
      }
      return [name, harmless.test(name) ? call : refused(`${definition.fullName}/${name}`)];
    });
    return Object.fromEntries(calls);
  });
}

function hasFence({ requestType }: Method): boolean {
  return 'fence' in requestType.fromPartial({});
}

function fenced(call: Call, authority: Authority): Call {
  return async (request, options = {}) => {
    try {
      return await call(...byRight(request, options, authority));
    } catch (error) {
      throw refusedOf(error, authority);
    }
  };
}

function fencedStream(call: Call, authority: Authority): Call {
  return async function* (request, options = {}) {
    try {
      yield* call(...byRight(request, options, authority)) as AsyncIterable<unknown>;
    } catch (error) {
      throw refusedOf(error, authority);
    }
  };
}

function byRight(request: object, options: Options, authority: Authority): [object, Options] {
  const signals = [authority.over, options.signal].filter((signal) => signal !== undefined);
  return [
    { ...request, fence: authority.fence() },
    { ...options, signal: AbortSignal.any(signals) },
  ];
}

function refusedOf(error: unknown, authority: Authority): unknown {
  if (isTesseraError(error, 'FENCED')) authority.lose();
  return error;
}

function refused(method: string): Call {
  return async () => {
    invariant(false, `${method} takes no fence, so whoever acts must not call it`);
  };
}
