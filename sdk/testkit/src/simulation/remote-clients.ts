import { clientsBy, services, type TesseraClient } from '@tessera/client';
import type { Life } from './life.ts';
import { type Host, type Network, unavailable } from './network.ts';

/** A host with what its life serves. */
export interface ServingHost extends Host {
  life: Life | undefined;
  /** Absent: it is still starting. */
  client: Partial<TesseraClient> | undefined;
}

type Options = { readonly signal?: AbortSignal };
type Call = (request: object, options?: Options) => unknown;
type Calls = Readonly<Record<string, Readonly<Record<string, Call>>>>;
interface Method {
  readonly responseStream: boolean;
}

export interface RemoteCalls {
  /** Where a call of a service goes this time. */
  route(service: keyof TesseraClient): ServingHost;
  /** Serves a call that was sent with a request; absent: it is just served. */
  serving?<T>(request: object, serve: () => T): T;
}

/** Clients of one life, over the network. */
export function remoteClients(
  network: Network,
  from: Life,
  { route, serving = (_, serve) => serve() }: RemoteCalls,
): TesseraClient {
  const names = new Map<unknown, keyof TesseraClient>(
    Object.entries(services).map(([name, definition]) => [definition, name as keyof TesseraClient]),
  );
  return clientsBy((definition) => {
    const service = names.get(definition)!;
    const methods = Object.entries(definition.methods) as unknown as [string, Method][];
    const calls = methods.map(([method, { responseStream }]) => {
      const call: Call = (request, { signal } = {}) => {
        const host = route(service);
        const serve = (options?: Options) => {
          if (host.client === undefined) throw unavailable(host.name);
          return (host.client as unknown as Calls)[service]![method]!(request, options);
        };
        if (responseStream) {
          const open = (ended: AbortSignal) => serve({ signal: ended }) as AsyncIterable<unknown>;
          return network.stream(from, host, open, signal);
        }
        const unary = async () => serving(request, () => serve());
        return network.call(from, host, unary, signal);
      };
      return [method, call];
    });
    return Object.fromEntries(calls);
  });
}
